package web

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"strconv"
	"strings"
	"unicode"
)

// appendXML appends a JSON object as XML. The root element is XML. Each member becomes an element with its name, each
// entry of a list an element with the name of the list. Characters that are not allowed in names become underscores.
func appendXML(dst, object []byte) []byte {
	dec := json.NewDecoder(bytes.NewReader(object))
	dec.UseNumber()
	buf := bytes.NewBuffer(append(dst, xml.Header...))
	writeXML(buf, dec, "XML")
	return buf.Bytes()
}

// writeXML writes the next value of dec as an element. The server has encoded the JSON, so it is well formed.
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
