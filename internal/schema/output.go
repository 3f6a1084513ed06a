package schema

import (
	"reflect"
	"slices"

	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/layout"
)

// OutputSchema returns the JSON Schema (2020-12) of responses of type t, on one line. encode.Compile must have accepted t.
func OutputSchema(t reflect.Type) []byte {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return slices.Clip(document(Use{Type: t, Output: true}, nil))
}

// ValueSchema returns the JSON Schema of values of type t that a server sends, on one line. The type may be any one that
// encodes as JSON.
func ValueSchema(t reflect.Type) []byte {
	w := newWriter(Use{Type: t, Output: true}, nil)
	return slices.Clip(w.document(w.value(nil, t, rules{}, placeMember)))
}

// OutputExample returns an example of responses of type t, a JSON object with the values of the example tags. Members without
// the tag have their zero value. encode.Compile must have accepted t. OutputExample returns an error if an example tag is not a
// value of the type of its field.
func OutputExample(t reflect.Type) ([]byte, error) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	var w exampleWriter
	example, err := w.value(nil, t)
	if err != nil {
		return nil, err
	}
	if !jsonx.Object(example) {
		example = []byte("{}")
	}
	return slices.Clip(example), nil
}

// exampleWriter writes the JSON of an example value of a type.
type exampleWriter struct {
	parents []reflect.Type // the types that enclose the current type
}

// value appends an example value of a type for which no example tag exists. The example is the zero value of the type,
// with two exceptions. A struct has all its members, even if a json option omits zero values. A list of structs has one
// element, so that the members of the struct are shown.
func (w *exampleWriter) value(dst []byte, t reflect.Type) ([]byte, error) {
	switch {
	case t == timeType, t == durationType:
		return jsonx.Append(dst, reflect.Zero(t).Interface())
	case target(t) != t && t.Kind() == reflect.Struct: // an optional value
		return w.value(dst, target(t))
	case layout.EncodesItself(t):
		return w.zero(dst, t), nil
	case slices.Contains(w.parents, t):
		return append(dst, "null"...), nil
	}
	w.parents = append(w.parents, t)
	defer func() { w.parents = w.parents[:len(w.parents)-1] }()
	switch t.Kind() {
	case reflect.Pointer:
		return w.value(dst, t.Elem())
	case reflect.Struct:
		return w.structure(dst, t)
	case reflect.Slice:
		elem := t.Elem()
		if elem.Kind() == reflect.Pointer {
			elem = elem.Elem()
		}
		if elem.Kind() != reflect.Struct || slices.Contains(w.parents, elem) || layout.EncodesItself(elem) {
			break
		}
		dst, err := w.value(append(dst, '['), elem)
		return append(dst, ']'), err
	}
	return w.zero(dst, t), nil
}

// zero appends the JSON of the zero value of type t. It appends null if encoding the zero value fails or panics.
func (w *exampleWriter) zero(dst []byte, t reflect.Type) (out []byte) {
	defer func() {
		if recover() != nil {
			out = append(dst, "null"...)
		}
	}()
	out, err := jsonx.Append(dst, reflect.Zero(t).Interface())
	if err != nil {
		return append(dst, "null"...)
	}
	return out
}

func (w *exampleWriter) structure(dst []byte, t reflect.Type) ([]byte, error) {
	members, err := layout.Members(t)
	if err != nil { // only Marshal understands the struct
		return w.zero(dst, t), nil
	}
	dst = append(dst, '{')
	for i := range members {
		m := &members[i]
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(jsonx.AppendString(dst, m.Name), ':')
		if dst, err = w.member(dst, m); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}

func (w *exampleWriter) member(dst []byte, m *layout.Member) ([]byte, error) {
	start := len(dst)
	var err error
	if text := m.Field.Tag.Get("example"); text != "" {
		var ok bool
		if dst, ok = appendTagValue(dst, m.Field.Type, text); !ok {
			return dst, m.Errorf("has example:%q, which is not a %v: correct the tag", text, m.Field.Type)
		}
	} else if dst, err = w.value(dst, m.Field.Type); err != nil {
		return dst, err
	}
	if m.Quoted && string(dst[start:]) != "null" {
		dst = append(dst[:start], `"`+string(dst[start:])+`"`...)
	}
	return dst, nil
}
