package schema

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/actionhero-go/actionhero/internal/encode"
	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/layout"
)

// Sent returns the params that a client sends to give v: a struct, a map with string keys, a value that encodes itself
// as a JSON object, a pointer to one of these, or nil. A struct follows the rules of [Input.Params], also inside a map. A
// member of a map is sent unless it is an Optional that is not set.
//
// If v encodes itself or is a map of texts and numbers, Sent returns its JSON as whole instead of params, and does not
// check that it is an object.
func Sent(v any, o Options) (params []Param, whole []byte, err error) {
	if m, ok := v.(map[string]any); ok && m != nil && onlyScalars(m) {
		whole, err = encode.Marshal(v)
		return nil, whole, err
	}
	value := reflect.ValueOf(v)
	for value.Kind() == reflect.Pointer && !value.IsNil() {
		value = value.Elem()
	}
	switch {
	case !value.IsValid(), value.Kind() == reflect.Pointer, value.Kind() == reflect.Map && value.IsNil():
		return nil, nil, nil
	case encodesWhole(value.Type()):
	case value.Kind() == reflect.Struct:
		in, err := sentStruct(value.Type(), o)
		if err != nil {
			return nil, nil, err
		}
		params, err = in.Params(addressed(value).Interface())
		return params, nil, err
	case value.Kind() == reflect.Map && value.Type().Key().Kind() == reflect.String:
		params, err = sentMembers(value, o)
		return params, nil, err
	}
	whole, err = encode.Marshal(v)
	return nil, whole, err
}

// onlyScalars reports whether the ordinary encoding of m is what a client sends. It spares the usual maps a look at each
// member by reflection.
func onlyScalars(m map[string]any) bool {
	for _, member := range m {
		switch member.(type) {
		case nil, string, bool, int, int64, uint64, float64:
		default:
			return false
		}
	}
	return true
}

// sentMembers returns the members of a map as params, in the order of their keys.
func sentMembers(value reflect.Value, o Options) (params []Param, err error) {
	for _, key := range sortedKeys(value) {
		member := value.MapIndex(key)
		if isUnset(member) {
			continue
		}
		if file, ok := sentFile(member, o.FileType); ok {
			params = append(params, Param{key.String(), FileValue(file)})
			continue
		}
		raw, err := appendSentValue(nil, member, 1)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key.String(), err)
		}
		params = append(params, Param{key.String(), JSONValue(raw)})
	}
	return params, nil
}

// sentFile returns the uploaded file or files in v, and reports whether v has a type of files.
func sentFile(v reflect.Value, fileType reflect.Type) (file any, ok bool) {
	if v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	if fileType == nil || !v.IsValid() || v.IsZero() {
		return nil, false
	}
	file = v.Interface()
	pointer := reflect.PointerTo(fileType)
	return file, v.Type() == pointer || v.Type() == reflect.SliceOf(pointer)
}

// appendSentValue appends v, whose type is known only now, as a client sends it. depth is the number of values that
// enclose v.
func appendSentValue(dst []byte, v reflect.Value, depth int) ([]byte, error) {
	if depth > jsonx.MaxDepth {
		return dst, fmt.Errorf("the value nests deeper than %d levels", jsonx.MaxDepth)
	}
	if !v.IsValid() || (v.Kind() == reflect.Interface || v.Kind() == reflect.Pointer) && v.IsNil() {
		return append(dst, "null"...), nil
	}
	switch t := v.Type(); {
	case v.Kind() == reflect.Interface:
		return appendSentValue(dst, v.Elem(), depth)
	case v.Kind() == reflect.Pointer:
		return appendSentValue(dst, v.Elem(), depth+1)
	case isOptional(t) && !v.Field(0).Bool(), isOptional(t) && v.Field(1).Bool():
		return append(dst, "null"...), nil
	case isOptional(t):
		return appendSentValue(dst, v.Field(2), depth)
	case encodesWhole(t):
	case v.Kind() == reflect.Struct:
		in, err := sentStruct(t, Options{})
		if err != nil {
			return dst, err
		}
		return in.plan.appendSent(dst, layout.AddressOf(addressed(v).Elem()), depth)
	case v.Kind() == reflect.Map && t.Key().Kind() == reflect.String:
		return appendSentMembers(dst, v, depth)
	case v.Kind() == reflect.Slice && !layout.IsByte(t.Elem()), v.Kind() == reflect.Array:
		return appendSentElements(dst, v, depth)
	}
	return encode.Append(dst, v.Interface())
}

func appendSentElements(dst []byte, v reflect.Value, depth int) (_ []byte, err error) {
	dst = append(dst, '[')
	for i := range v.Len() {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = appendSentValue(dst, v.Index(i), depth+1); err != nil {
			return dst, err
		}
	}
	return append(dst, ']'), nil
}

func appendSentMembers(dst []byte, v reflect.Value, depth int) (_ []byte, err error) {
	dst = append(dst, '{')
	start := len(dst)
	for _, key := range sortedKeys(v) {
		member := v.MapIndex(key)
		if isUnset(member) {
			continue
		}
		if len(dst) > start {
			dst = append(dst, ',')
		}
		dst = append(jsonx.AppendString(dst, key.String()), ':')
		if dst, err = appendSentValue(dst, member, depth+1); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}

func sortedKeys(v reflect.Value) []reflect.Value {
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	return keys
}

func isOptional(t reflect.Type) bool {
	_, ok := layout.OptionalOf(t)
	return ok
}

// isUnset reports whether v is an Optional that is not set. As a member of an object, it is not sent.
func isUnset(v reflect.Value) bool {
	if v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	return v.IsValid() && isOptional(v.Type()) && !v.Field(0).Bool()
}

// encodesWhole reports whether values of type t are encoded without a look at their parts.
func encodesWhole(t reflect.Type) bool {
	return !isOptional(t) && (layout.EncodesItself(t) || layout.DecodesItself(t) || rawTypes[t])
}

// addressed returns a pointer to v, or to a copy of v if v has no address.
func addressed(v reflect.Value) reflect.Value {
	if v.CanAddr() {
		return v.Addr()
	}
	p := reflect.New(v.Type())
	p.Elem().Set(v)
	return p
}

// sentStructs holds the plans of the structs that Sent has met, by their types, up to maxSentStructs.
var (
	sentStructs     sync.Map
	sentStructCount atomic.Int64
)

// maxSentStructs bounds the memory of an app that makes types at run time.
const maxSentStructs = 4096

// sentStruct returns the plan of a struct type that no action or task has registered, or an error that names the field
// that cannot be an input.
func sentStruct(t reflect.Type, o Options) (*Input, error) {
	type key struct {
		t, file reflect.Type
	}
	if in, ok := sentStructs.Load(key{t, o.FileType}); ok {
		return in.(*Input), nil
	}
	in, err := CompileInput(t, o)
	if err == nil && sentStructCount.Add(1) <= maxSentStructs {
		sentStructs.Store(key{t, o.FileType}, in)
	}
	return in, err
}
