package schema

import (
	"reflect"
	"strconv"
	"time"
	"unsafe"

	"github.com/actionhero-go/actionhero/internal/jsonx"
)

// maxEncodeDepth is how deep a value may nest. Only a value that contains itself gets there.
const maxEncodeDepth = 1000

// appendFunc appends the JSON of the value p points to; depth is how many arrays, objects, pointers and interfaces it
// is in. What it returns besides an error does not matter.
type appendFunc func(dst []byte, p unsafe.Pointer, depth int) ([]byte, error)

// encoder is the plan for the values of one type. The closures of recursive types hold each other's encoders, so the
// fields are read when a value is encoded, not when the plan is made.
type encoder struct {
	t       reflect.Type
	append  appendFunc
	members appendFunc // of types that are objects: without the braces
	pointer bool       // an interface holds the value itself, not a pointer to it
}

// eface is how an interface without methods lies in memory; one with methods has the data at the same place.
type eface struct {
	typ, data unsafe.Pointer
}

// heldDirectly reports whether an interface holds the values of t themselves. It looks at one instead of knowing the
// compiler's rule: a zero value that is held directly is a nil word, any other is behind a pointer that is not nil.
func heldDirectly(t reflect.Type) bool {
	if t.Kind() == reflect.Interface {
		return false
	}
	zero := reflect.Zero(t).Interface()
	return (*eface)(unsafe.Pointer(&zero)).data == nil
}

// inInterface returns a pointer to the value inside of the interface at p.
func (e *encoder) inInterface(p unsafe.Pointer) unsafe.Pointer {
	held := (*eface)(p)
	if e.pointer {
		return unsafe.Pointer(&held.data)
	}
	return held.data
}

// inAny returns a pointer to the value inside of v.
func (e *encoder) inAny(v any) unsafe.Pointer {
	data := (*eface)(unsafe.Pointer(&v)).data
	if !e.pointer {
		return data
	}
	box := new(unsafe.Pointer)
	*box = data
	return unsafe.Pointer(box)
}

func appendBool(dst []byte, p unsafe.Pointer, _ int) ([]byte, error) {
	return strconv.AppendBool(dst, *(*bool)(p)), nil
}

func appendText(dst []byte, p unsafe.Pointer, _ int) ([]byte, error) {
	return jsonx.AppendString(dst, *(*string)(p)), nil
}

func appendInt[T int | int8 | int16 | int32 | int64](dst []byte, p unsafe.Pointer, _ int) ([]byte, error) {
	return strconv.AppendInt(dst, int64(*(*T)(p)), 10), nil
}

func appendUint[T uint | uint8 | uint16 | uint32 | uint64 | uintptr](dst []byte, p unsafe.Pointer, _ int) ([]byte, error) {
	return strconv.AppendUint(dst, uint64(*(*T)(p)), 10), nil
}

func appendFloat64(dst []byte, p unsafe.Pointer, _ int) ([]byte, error) {
	f := *(*float64)(p)
	if f-f != 0 {
		return dst, notFinite(f)
	}
	return jsonx.AppendFloat(dst, f), nil
}

func appendFloat32(dst []byte, p unsafe.Pointer, _ int) ([]byte, error) {
	f := *(*float32)(p)
	if f-f != 0 {
		return dst, notFinite(float64(f))
	}
	return jsonx.AppendFloat32(dst, f), nil
}

func appendTime(dst []byte, p unsafe.Pointer, _ int) ([]byte, error) {
	dst, err := (*time.Time)(p).AppendText(append(dst, '"'))
	if err != nil {
		return dst, &EncodeError{Err: err}
	}
	return append(dst, '"'), nil
}

func appendDuration(dst []byte, p unsafe.Pointer, _ int) ([]byte, error) {
	dst = append(dst, '"')
	dst = append(dst, (*time.Duration)(p).String()...)
	return append(dst, '"'), nil
}

// scalars are the encoders of the kinds that need no plan.
var scalars = map[reflect.Kind]appendFunc{
	reflect.Bool: appendBool, reflect.String: appendText,
	reflect.Int: appendInt[int], reflect.Int8: appendInt[int8], reflect.Int16: appendInt[int16],
	reflect.Int32: appendInt[int32], reflect.Int64: appendInt[int64],
	reflect.Uint: appendUint[uint], reflect.Uint8: appendUint[uint8], reflect.Uint16: appendUint[uint16],
	reflect.Uint32: appendUint[uint32], reflect.Uint64: appendUint[uint64], reflect.Uintptr: appendUint[uintptr],
	reflect.Float32: appendFloat32, reflect.Float64: appendFloat64,
}

func isNumber(k reflect.Kind) bool {
	return k >= reflect.Int && k <= reflect.Float64
}

// appendQuoted is append between quotes, for numbers with json:",string". What is in quotes already, or null, stays.
func appendQuoted(inner appendFunc) appendFunc {
	return func(dst []byte, p unsafe.Pointer, depth int) ([]byte, error) {
		n := len(dst)
		dst, err := inner(append(dst, '"'), p, depth)
		if err != nil {
			return dst, err
		}
		if string(dst[n+1:]) == "null" {
			return append(dst[:n], "null"...), nil
		}
		return append(dst, '"'), nil
	}
}

// appendByJSONX leaves a value to package jsonx: what encodes itself, and what is too odd to be worth a plan.
func appendByJSONX(t reflect.Type) appendFunc {
	return func(dst []byte, p unsafe.Pointer, _ int) ([]byte, error) {
		dst, err := jsonx.Append(dst, reflect.NewAt(t, p).Interface())
		if err != nil {
			return dst, &EncodeError{Err: err}
		}
		return dst, nil
	}
}
