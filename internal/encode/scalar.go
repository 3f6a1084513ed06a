package encode

import (
	"reflect"
	"strconv"
	"time"

	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/layout"
)

func appendBool(dst []byte, p layout.Pointer, _ int) ([]byte, error) {
	return strconv.AppendBool(dst, *layout.As[bool](p)), nil
}

func appendString(dst []byte, p layout.Pointer, _ int) ([]byte, error) {
	return jsonx.AppendString(dst, *layout.As[string](p)), nil
}

func appendInt[T int | int8 | int16 | int32 | int64](dst []byte, p layout.Pointer, _ int) ([]byte, error) {
	return strconv.AppendInt(dst, int64(*layout.As[T](p)), 10), nil
}

func appendUint[T uint | uint8 | uint16 | uint32 | uint64 | uintptr](dst []byte, p layout.Pointer, _ int) ([]byte, error) {
	return strconv.AppendUint(dst, uint64(*layout.As[T](p)), 10), nil
}

func appendFloat64(dst []byte, p layout.Pointer, _ int) ([]byte, error) {
	f := *layout.As[float64](p)
	if f-f != 0 { // NaN or infinite
		return dst, errNotFinite(f)
	}
	return jsonx.AppendFloat(dst, f), nil
}

func appendFloat32(dst []byte, p layout.Pointer, _ int) ([]byte, error) {
	f := *layout.As[float32](p)
	if f-f != 0 {
		return dst, errNotFinite(float64(f))
	}
	return jsonx.AppendFloat32(dst, f), nil
}

func appendTime(dst []byte, p layout.Pointer, _ int) ([]byte, error) {
	dst, err := layout.As[time.Time](p).AppendText(append(dst, '"'))
	if err != nil {
		return dst, &Error{Err: err}
	}
	return append(dst, '"'), nil
}

func appendDuration(dst []byte, p layout.Pointer, _ int) ([]byte, error) {
	dst = append(dst, '"')
	dst = append(dst, layout.As[time.Duration](p).String()...)
	return append(dst, '"'), nil
}

// scalars holds the append functions of the types for which the reflect.Kind alone determines the JSON form.
var scalars = map[reflect.Kind]appendFunc{
	reflect.Bool: appendBool, reflect.String: appendString,
	reflect.Int: appendInt[int], reflect.Int8: appendInt[int8], reflect.Int16: appendInt[int16],
	reflect.Int32: appendInt[int32], reflect.Int64: appendInt[int64],
	reflect.Uint: appendUint[uint], reflect.Uint8: appendUint[uint8], reflect.Uint16: appendUint[uint16],
	reflect.Uint32: appendUint[uint32], reflect.Uint64: appendUint[uint64], reflect.Uintptr: appendUint[uintptr],
	reflect.Float32: appendFloat32, reflect.Float64: appendFloat64,
}

// appendQuoted returns a function that calls inner and puts the written JSON in double quotes. It serves numbers with
// the json option "string". A null stays without quotes.
func appendQuoted(inner appendFunc) appendFunc {
	return func(dst []byte, p layout.Pointer, depth int) ([]byte, error) {
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
