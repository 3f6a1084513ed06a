package encode

import (
	"fmt"
	"reflect"

	"github.com/actionhero-go/actionhero/internal/layout"
)

// Output writes the responses of one action. Goroutines may use an Output concurrently.
type Output struct {
	t       layout.TypeID
	pointer bool     // t is a pointer type
	enc     *encoder // the plan for t, or for the type that t points to
}

// Check returns an error if JSON cannot express the values of type t. The error names the wrong part of the type and the
// remedy.
func Check(t reflect.Type) error {
	_, err := encoders.compile(t)
	return err
}

// Compile builds the plan for responses of type t, which must be a struct, a map with string keys, or a pointer to one
// of these. It returns an error for any other type, and for a type that JSON cannot express. The error names the wrong
// part of the type and the remedy.
func Compile(t reflect.Type) (*Output, error) {
	target := t
	if t.Kind() == reflect.Pointer {
		target = t.Elem()
	}
	switch {
	case target.Kind() == reflect.Map && target.Key().Kind() != reflect.String,
		target.Kind() != reflect.Struct && target.Kind() != reflect.Map,
		target == timeType:
		return nil, fmt.Errorf("the output %v is not a JSON object: use a struct, a map with string keys, or a pointer to one of those", t)
	case layout.MarshalsText(target) && !layout.MarshalsJSON(target):
		return nil, fmt.Errorf("the output %v writes itself as text, but an answer is a JSON object: put it into a struct", t)
	}
	enc, err := encoders.compile(target)
	if err != nil {
		return nil, fmt.Errorf("the output %v does not encode as JSON: %w", t, err)
	}
	return &Output{t: layout.TypeIDOf(t), pointer: t.Kind() == reflect.Pointer, enc: enc}, nil
}

// AppendMembers appends the members of v's JSON object to dst, without the braces: `"a":1,"b":[]`. It appends nothing
// for a nil pointer. If v does not have the compiled type, the function [AppendMembers] writes v. On an error,
// AppendMembers returns dst unchanged and an [*Error] that names the field.
func (o *Output) AppendMembers(dst []byte, v any) ([]byte, error) {
	if layout.DynamicType(v) != o.t {
		return AppendMembers(dst, v)
	}
	if !o.pointer {
		return o.enc.appendMembers(dst, layout.InAny(v, o.enc.direct))
	}
	target := layout.Target(v)
	if target.IsNil() {
		return dst, nil
	}
	return o.enc.appendMembers(dst, target)
}

// Marshal returns the JSON of v. It writes the same JSON as [jsonx.Marshal]. It is for values of the app: a value that
// contains itself and a method that panics are errors, where jsonx.Marshal may end the process.
func Marshal(v any) ([]byte, error) { return Append(nil, v) }

// Append appends the JSON of v to dst. It follows the rules of [Marshal]. On an error it returns dst unchanged.
func Append(dst []byte, v any) ([]byte, error) {
	if v == nil {
		return append(dst, "null"...), nil
	}
	e, err := encoders.get(reflect.TypeOf(v))
	if err != nil {
		return dst, wrap(err)
	}
	out, err := e.append(dst, layout.InAny(v, e.direct), 0)
	if err != nil {
		return dst, wrap(err)
	}
	return out, nil
}

// AppendMembers appends the members of v's JSON object to dst, without the braces. v may have any type. AppendMembers
// appends nothing if v is nil or a nil pointer. If v is not a JSON object or cannot be encoded, it returns dst
// unchanged and an error.
func AppendMembers(dst []byte, v any) ([]byte, error) {
	if v == nil {
		return dst, nil
	}
	t := reflect.TypeOf(v)
	isPointer := t.Kind() == reflect.Pointer
	if isPointer {
		if layout.Target(v).IsNil() {
			return dst, nil
		}
		t = t.Elem()
	}
	e, err := encoders.get(t)
	if err != nil {
		return dst, err
	}
	if isPointer {
		return e.appendMembers(dst, layout.Target(v))
	}
	return e.appendMembers(dst, layout.InAny(v, e.direct))
}

// appendMembers appends the members of the value at p. On an error, it returns dst unchanged and an [*Error].
func (e *encoder) appendMembers(dst []byte, p layout.Pointer) ([]byte, error) {
	var out []byte
	var err error
	if e.members != nil {
		out, err = e.members(dst, p, 1)
	} else { // an interface, a pointer to a pointer, or a type that encodes itself: only the written JSON shows whether the value is an object
		if out, err = e.append(dst, p, 0); err == nil {
			out, err = removeBraces(out, len(dst))
		}
	}
	if err != nil {
		return dst, wrap(err)
	}
	return out, nil
}
