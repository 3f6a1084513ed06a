package logging

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
)

func panicText(p any) string { return fmt.Sprintf("!PANIC: %v", p) }

// anyText shows a value of any type to people: as itself says, or as JSON. Values are often logged when something is wrong with
// them, so a method that panics (a nil pointer, mostly) must not take the request with it.
func anyText(v any) (s []byte) {
	defer func() {
		if p := recover(); p != nil {
			s = []byte(panicText(p))
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

// anyJSON is the JSON of a value of any type. It is nil when the value has to be written as the text instead.
func anyJSON(v any) (raw []byte, text []byte) {
	defer func() {
		if p := recover(); p != nil {
			raw, text = nil, []byte(panicText(p))
		}
	}()
	switch v := v.(type) {
	case json.RawMessage:
		if json.Valid(v) {
			return v, nil
		}
		return nil, v
	case []byte:
		return nil, v
	case json.Marshaler:
	case error:
		return nil, []byte(v.Error())
	}
	raw, err := marshal(v)
	if err != nil {
		return nil, fmt.Appendf(nil, "%+v", v)
	}
	return raw, nil
}

// marshal encodes without the escapes that HTML wants.
func marshal(v any) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}
