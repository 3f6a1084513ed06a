package encode

import (
	"fmt"
	"reflect"
	"runtime/debug"

	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/layout"
)

// useMarshal sets the append functions of e so that [jsonx.Append] encodes the values.
func (e *encoder) useMarshal() {
	t := e.t
	e.append = func(dst []byte, p layout.Pointer, depth int) ([]byte, error) {
		// Package json follows pointers and interfaces without a limit, and the stack cannot grow without one.
		if tooDeep(p.Value(t), depth) {
			return dst, errTooDeep
		}
		return appendByMarshal(dst, p, t)
	}
	e.members = membersOfObject(e.append)
}

// appendByMethod returns the function that writes a value of type t with the Marshal method of t.
func appendByMethod(t reflect.Type) appendFunc {
	return func(dst []byte, p layout.Pointer, _ int) ([]byte, error) { return appendByMarshal(dst, p, t) }
}

// appendByMarshal writes the value at p with jsonx.Append. The value or a part of it may have a Marshal method, which is
// code of the app. If the method panics, appendByMarshal returns an error.
func appendByMarshal(dst []byte, p layout.Pointer, t reflect.Type) (out []byte, err error) {
	defer func() {
		if value := recover(); value != nil {
			out, err = dst, errPanic(t, value)
		}
	}()
	out, err = jsonx.Append(dst, p.Value(t).Addr().Interface())
	if err != nil {
		return dst, &Error{Err: err}
	}
	return out, nil
}

func errPanic(t reflect.Type, value any) error {
	return &Error{Err: fmt.Errorf("a method of %v panics: %v\n%s", t, value, debug.Stack())}
}

// membersOfObject returns an appendFunc that writes a value with the function object, and removes the braces.
func membersOfObject(object appendFunc) appendFunc {
	return func(dst []byte, p layout.Pointer, depth int) ([]byte, error) {
		n := len(dst)
		dst, err := object(dst, p, depth)
		if err != nil {
			return dst, err
		}
		return removeBraces(dst, n)
	}
}

// removeBraces removes the braces of the JSON object that begins at dst[n] and ends at the end of dst. It returns an
// error if dst[n:] is not an object.
func removeBraces(dst []byte, n int) ([]byte, error) {
	if len(dst) < n+2 || dst[n] != '{' {
		return dst, &Error{Err: errNotObject}
	}
	copy(dst[n:], dst[n+1:])
	return dst[:len(dst)-2], nil
}

// tooDeep reports whether v nests deeper than maxDepth levels. depth is the number of levels that enclose v.
func tooDeep(v reflect.Value, depth int) bool {
	if depth >= maxDepth {
		return true
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return !v.IsNil() && tooDeep(v.Elem(), depth+1)
	case reflect.Struct:
		if layout.EncodesItself(v.Type()) {
			return false
		}
		for i := range v.NumField() {
			if tooDeep(v.Field(i), depth+1) {
				return true
			}
		}
	case reflect.Slice, reflect.Array:
		if !mayNest(v.Type().Elem()) {
			return false
		}
		for i := range v.Len() {
			if tooDeep(v.Index(i), depth+1) {
				return true
			}
		}
	case reflect.Map:
		for iter := v.MapRange(); iter.Next(); {
			if tooDeep(iter.Value(), depth+1) {
				return true
			}
		}
	}
	return false
}

// mayNest reports whether a value of type t can contain other values.
func mayNest(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Struct, reflect.Slice, reflect.Array, reflect.Map:
		return true
	}
	return false
}
