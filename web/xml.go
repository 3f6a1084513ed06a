package web

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"strconv"
	"strings"
	"unicode"
)

// appendXML appends a JSON object to dst as XML. The root element is named XML. Each member becomes an element with the
// name of the member. Each entry of a list becomes an element with the name of the list. In element names, underscores
// replace the characters that XML does not allow.
func appendXML(dst, object []byte) []byte {
	dec := json.NewDecoder(bytes.NewReader(object))
	dec.UseNumber()
	buf := bytes.NewBuffer(append(dst, xml.Header...))
	writeXML(buf, dec, "XML")
	return buf.Bytes()
}

// writeXML reads the next JSON value from dec and writes it to buf as an element with the given name. writeXML returns
// no error, because the server itself has encoded the JSON text, which is therefore well formed.
func writeXML(buf *bytes.Buffer, dec *json.Decoder, name string) {
	token, err := dec.Token()
	if err != nil {
		return
	}
	if token == json.Delim('[') {
		for dec.More() {
			writeXML(buf, dec, name)
		}
		_, _ = dec.Token()
		return
	}
	buf.WriteString("<" + name + ">")
	switch value := token.(type) {
	case json.Delim:
		for dec.More() {
			key, err := dec.Token()
			if err != nil {
				break
			}
			writeXML(buf, dec, elementName(key.(string)))
		}
		_, _ = dec.Token()
	case string:
		_ = xml.EscapeText(buf, []byte(value))
	case json.Number:
		buf.WriteString(value.String())
	case bool:
		buf.WriteString(strconv.FormatBool(value))
	}
	buf.WriteString("</" + name + ">")
}

func elementName(key string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 0x80 && r < 0xc0 {
			return '_' // some of these are letters for Unicode, but not for XML
		}
		if r == '_' || r == '-' || r == '.' || unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return '_'
	}, key)
	if name == "" || !unicode.IsLetter([]rune(name)[0]) && name[0] != '_' {
		name = "_" + name
	}
	return name
}
