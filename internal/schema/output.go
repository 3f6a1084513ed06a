package schema

import (
	"fmt"
	"reflect"
	"unsafe"
)

// Output writes the answers of one action.
type Output struct {
	t       reflect.Type
	enc     *encoder // of what t points to, if it is a pointer
	schema  []byte
	example []byte
}

// CompileOutput makes the plan for answers of type t: a struct, a map with string keys, or a pointer to one of those.
// The error is a sentence that names what cannot be written and the remedy.
func CompileOutput(t reflect.Type) (*Output, error) {
	target := t
	if t.Kind() == reflect.Pointer {
		target = t.Elem()
	}
	switch {
	case target.Kind() == reflect.Map && target.Key().Kind() != reflect.String,
		target.Kind() != reflect.Struct && target.Kind() != reflect.Map,
		target == timeType:
		return nil, fmt.Errorf("the output %v is not a JSON object: use a struct, a map with string keys, or a pointer to one of those", t)
	case encodesItself(target) && !implements(target, jsonMarshalTypes...):
		return nil, fmt.Errorf("the output %v writes itself as text, but an answer is a JSON object: put it into a struct", t)
	}
	enc, err := encoders.compile(target)
	if err != nil {
		return nil, fmt.Errorf("the output %v does not encode as JSON: %w", t, err)
	}
	o := &Output{t: t, enc: enc, schema: outputSchema(target)}
	if o.example, err = outputExample(target); err != nil {
		return nil, err
	}
	return o, nil
}

// AppendMembers appends the members of v's JSON object without the braces: `"a":1,"b":[]`. v must be of the type that
// was compiled; anything else is treated as [AppendMembers] does. A nil pointer has no members. On an error, which is
// an [*EncodeError] that names the field, dst is returned as it was.
func (o *Output) AppendMembers(dst []byte, v any) ([]byte, error) {
	if reflect.TypeOf(v) != o.t {
		return AppendMembers(dst, v)
	}
	if o.t.Kind() != reflect.Pointer {
		return o.enc.safely(dst, o.enc.inAny(v))
	}
	target := (*eface)(unsafe.Pointer(&v)).data
	if target == nil {
		return dst, nil
	}
	return o.enc.safely(dst, target)
}

// JSONSchema returns the JSON Schema (2020-12) of the answer, on one line. It is the caller's to keep, not to change.
func (o *Output) JSONSchema() []byte { return o.schema }

// Example returns a JSON object made of the example tags, and of zero values where there are none.
func (o *Output) Example() []byte { return o.example }

// AppendMembers appends the members of v's JSON object without the braces, for a v of any type. A nil v, and a nil
// pointer, have no members. It is an error if v is not a JSON object; then dst is returned as it was.
func AppendMembers(dst []byte, v any) ([]byte, error) {
	if v == nil {
		return dst, nil
	}
	t := reflect.TypeOf(v)
	p := (*eface)(unsafe.Pointer(&v)).data
	if t.Kind() == reflect.Pointer {
		if p == nil {
			return dst, nil
		}
		t = t.Elem()
		e, err := encoders.of(t)
		if err != nil {
			return dst, err
		}
		return e.safely(dst, p)
	}
	e, err := encoders.of(t)
	if err != nil {
		return dst, err
	}
	return e.safely(dst, e.inAny(v))
}

// safely appends the members of the value at p; on an error it returns dst as it was.
func (e *encoder) safely(dst []byte, p unsafe.Pointer) ([]byte, error) {
	if e.members == nil {
		return appendOther(dst, e, p)
	}
	out, err := e.members(dst, p, 1)
	if err != nil {
		return dst, wholeError(err)
	}
	return out, nil
}

// appendOther handles a value whose type does not say that it is an object: an interface, a pointer to a pointer, a
// type that writes itself.
func appendOther(dst []byte, e *encoder, p unsafe.Pointer) ([]byte, error) {
	out, err := e.append(dst, p, 0)
	if err == nil {
		out, err = unbrace(out, len(dst))
	}
	if err != nil {
		return dst, wholeError(err)
	}
	return out, nil
}

func wholeError(err error) error {
	if _, ok := err.(*EncodeError); ok {
		return err
	}
	return &EncodeError{Err: err}
}
