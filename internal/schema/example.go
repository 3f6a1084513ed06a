package schema

import (
	"reflect"
	"slices"

	"github.com/actionhero-go/actionhero/internal/jsonx"
)

// exampleWriter makes an example of what a type is written as.
type exampleWriter struct {
	above []reflect.Type
}

// outputExample returns an example of an answer of type t, a JSON object.
func outputExample(t reflect.Type) ([]byte, error) {
	w := exampleWriter{}
	dst, err := w.value(nil, t)
	if err != nil || !jsonx.Object(dst) {
		return []byte("{}"), err
	}
	return dst, nil
}

// value appends an example of a value that has no example tag: the zero value, with the members of structs filled in,
// and one element in a list of structs, to show how they look.
func (w *exampleWriter) value(dst []byte, t reflect.Type) ([]byte, error) {
	switch {
	case t == timeType, t == durationType:
		return jsonx.Append(dst, reflect.Zero(t).Interface())
	case encodesItself(t):
		return w.zero(dst, t), nil
	case slices.Contains(w.above, t):
		return append(dst, "null"...), nil
	}
	w.above = append(w.above, t)
	defer func() { w.above = w.above[:len(w.above)-1] }()
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
		if elem.Kind() != reflect.Struct || slices.Contains(w.above, elem) || encodesItself(elem) {
			break
		}
		dst, err := w.value(append(dst, '['), elem)
		return append(dst, ']'), err
	}
	return w.zero(dst, t), nil
}

// zero appends the zero value of a type; null if it cannot be written, or panics when it is.
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
	members, err := flatten(t)
	if err != nil { // only jsonx understands it
		return w.zero(dst, t), nil
	}
	dst = append(dst, '{')
	for i := range members {
		m := &members[i]
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(jsonx.AppendString(dst, m.name), ':')
		if dst, err = w.member(dst, m); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}

func (w *exampleWriter) member(dst []byte, m *member) ([]byte, error) {
	start := len(dst)
	var err error
	if text := m.field.Tag.Get("example"); text != "" {
		var ok bool
		if dst, ok = appendTagValue(dst, m.field.Type, text); !ok {
			return dst, fieldError(m.owner, m.field, "has example:%q, which is not a %v: correct the tag", text, m.field.Type)
		}
	} else if dst, err = w.value(dst, m.field.Type); err != nil {
		return dst, err
	}
	if m.quoted && string(dst[start:]) != "null" {
		dst = append(dst[:start], `"`+string(dst[start:])+`"`...)
	}
	return dst, nil
}
