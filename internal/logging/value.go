package logging

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
)

// anyText returns a value of any type as text for the human format: the text of its own method, or JSON. Programs often
// log a value because the value is invalid. Therefore anyText recovers if a method of the value panics, for example on
// a nil pointer.
func anyText(v any) (s []byte) {
	defer func() {
		if p := recover(); p != nil {
			s = fmt.Appendf(nil, "!PANIC: %v", p)
		}
	}()
	switch v := v.(type) {
	case nil:
		return []byte("null")
	case json.RawMessage:
		return v
	case []byte:
		return v
	case error:
		return []byte(v.Error())
	case encoding.TextMarshaler:
		if text, err := v.MarshalText(); err == nil {
			return text
		}
	case json.Marshaler:
	case fmt.Stringer:
		return []byte(v.String())
	}
	if raw, err := marshal(v); err == nil {
		return raw
	}
	return fmt.Appendf(nil, "%+v", v)
}

// marshal encodes v as JSON without HTML escapes.
func marshal(v any) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}
