package web

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/actionhero-go/actionhero"
)

const (
	// maxElementName is the maximum length of the name of an XML element, in bytes. The limit is needed because each
	// entry of a list repeats the name of the list twice: a long name would multiply the answer.
	maxElementName = 64
	// An answer as XML has at most maxXMLFactor times the bytes of its JSON, plus maxXMLBytes.
	maxXMLFactor = 16
	maxXMLBytes  = 256 << 10
)

// errXMLTooLarge is the answer to a request whose answer is too large as XML.
var errXMLTooLarge = actionhero.Errorf(actionhero.CodeInvalidInput, "outputType must be json for this answer: it is too large as XML")

// xmlRoot is the root element of an answer as XML.
type xmlRoot struct{ name, attributes string }

// appendXML appends a JSON object to dst as XML. Each member becomes an element with the
// name of the member. Each entry of a list becomes an element with the name of the list. In element names, underscores
// replace the characters that XML does not allow, and a name ends after maxElementName bytes. appendXML returns false if
// the XML would be too large.
func appendXML(dst, object []byte, root xmlRoot) ([]byte, bool) {
	w := xmlWriter{buf: bytes.NewBuffer(append(dst, xml.Header...)), dec: json.NewDecoder(bytes.NewReader(object))}
	w.limit = w.buf.Len() + maxXMLFactor*len(object) + maxXMLBytes
	w.dec.UseNumber()
	_, _ = w.dec.Token() // the opening brace
	w.buf.WriteString("<" + root.name + root.attributes + ">")
	w.members()
	w.buf.WriteString("</" + root.name + ">")
	return w.buf.Bytes(), w.buf.Len() <= w.limit
}

// xmlWriter writes the tokens of a JSON text as XML.
type xmlWriter struct {
	buf   *bytes.Buffer
	dec   *json.Decoder
	limit int // the length at which buf is full
}

// value reads the next JSON value and writes it as an element with the given name. If the buffer is full, value writes
// nothing. It returns no error, because the server itself has encoded the JSON text, which is therefore well formed.
func (w *xmlWriter) value(name string) {
	token, err := w.dec.Token()
	if err != nil || w.buf.Len() > w.limit {
		return
	}
	if token == json.Delim('[') {
		w.list(name)
		return
	}
	w.buf.WriteString("<" + name + ">")
	switch value := token.(type) {
	case json.Delim:
		w.members()
	case string:
		_ = xml.EscapeText(w.buf, []byte(value))
	case json.Number:
		w.buf.WriteString(value.String())
	case bool:
		w.buf.WriteString(strconv.FormatBool(value))
	}
	w.buf.WriteString("</" + name + ">")
}

func (w *xmlWriter) list(name string) {
	for w.dec.More() && w.buf.Len() <= w.limit {
		w.value(name)
	}
	_, _ = w.dec.Token()
}

func (w *xmlWriter) members() {
	for w.dec.More() && w.buf.Len() <= w.limit {
		key, err := w.dec.Token()
		if err != nil {
			break
		}
		w.value(elementName(key.(string)))
	}
	_, _ = w.dec.Token()
}

func elementName(key string) string {
	if len(key) > maxElementName {
		n := maxElementName
		for n > maxElementName-utf8.UTFMax && !utf8.RuneStart(key[n]) {
			n--
		}
		key = key[:n]
	}
	name := strings.Map(func(r rune) rune {
		if r == '-' || r == '.' || '0' <= r && r <= '9' || unicode.Is(nameLetters, r) {
			return r
		}
		return '_'
	}, key)
	if name == "" || strings.IndexByte("-.0123456789", name[0]) >= 0 {
		name = "_" + name
	}
	return name
}

// nameLetters are letters that every edition of XML allows in names. Many parsers know the older editions only.
var nameLetters = &unicode.RangeTable{
	R16: []unicode.Range16{
		{'A', 'Z', 1}, {'a', 'z', 1}, {0xc0, 0xd6, 1}, {0xd8, 0xf6, 1}, {0xf8, 0x131, 1}, {0x134, 0x13e, 1}, {0x141, 0x148, 1}, {0x14a, 0x17e, 1},
		{0x388, 0x38a, 1}, {0x38e, 0x3a1, 1}, {0x3a3, 0x3ce, 1}, {0x401, 0x40c, 1}, {0x40e, 0x44f, 1}, {0x451, 0x45c, 1}, // Greek, Cyrillic
		{0x5d0, 0x5ea, 1}, {0x621, 0x63a, 1}, {0x641, 0x64a, 1}, {0x905, 0x939, 1}, {0xe01, 0xe2e, 1}, // Hebrew, Arabic, Devanagari, Thai
		{0x1e00, 0x1e9b, 1}, {0x1ea0, 0x1ef9, 1}, {0x3041, 0x3094, 1}, {0x30a1, 0x30fa, 1}, {0x4e00, 0x9fa5, 1}, {0xac00, 0xd7a3, 1}, // Latin, Japanese, Chinese, Korean
	},
	LatinOffset: 5,
}
