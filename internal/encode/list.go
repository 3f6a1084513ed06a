package encode

import (
	"encoding/base64"
	"reflect"
	"strconv"

	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/layout"
)

func appendBytes(dst []byte, p layout.Pointer, _ int) ([]byte, error) {
	return appendBase64(dst, *layout.As[[]byte](p)), nil
}

func appendByteArray(n int) appendFunc {
	return func(dst []byte, p layout.Pointer, _ int) ([]byte, error) {
		return appendBase64(dst, p.Bytes(n)), nil
	}
}

func appendBase64(dst, b []byte) []byte {
	dst = append(dst, '"')
	dst = base64.StdEncoding.AppendEncode(dst, b)
	return append(dst, '"')
}

func appendSlice(elem *encoder) appendFunc {
	size := elem.t.Size()
	return func(dst []byte, p layout.Pointer, depth int) ([]byte, error) {
		first, n := p.Slice()
		return appendList(dst, elem, first, n, size, depth)
	}
}

func appendArray(elem *encoder, n int) appendFunc {
	size := elem.t.Size()
	return func(dst []byte, p layout.Pointer, depth int) ([]byte, error) {
		return appendList(dst, elem, p, n, size, depth)
	}
}

func appendList(dst []byte, elem *encoder, first layout.Pointer, n int, size uintptr, depth int) ([]byte, error) {
	if depth >= maxDepth {
		return dst, errTooDeep
	}
	dst = append(dst, '[')
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = elem.append(dst, first.Field(uintptr(i)*size), depth+1); err != nil {
			return dst, inside("["+strconv.Itoa(i)+"]", err)
		}
	}
	return append(dst, ']'), nil
}

func appendPointer(elem *encoder) appendFunc {
	return func(dst []byte, p layout.Pointer, depth int) ([]byte, error) {
		target := p.Load()
		if target.IsNil() {
			return append(dst, "null"...), nil
		}
		if depth >= maxDepth {
			return dst, errTooDeep
		}
		return elem.append(dst, target, depth+1)
	}
}

// appendOptional returns the function that writes an actionhero.Optional whose value elem writes.
func appendOptional(o layout.Optional, elem *encoder) appendFunc {
	return func(dst []byte, p layout.Pointer, depth int) ([]byte, error) {
		if set, null := o.State(p); !*set || *null {
			return append(dst, "null"...), nil
		}
		return elem.append(dst, o.Value(p), depth)
	}
}

// appendInterface returns the function that writes the value in an interface variable. t is the type of the interface,
// which has methods.
func appendInterface(t reflect.Type) appendFunc {
	return func(dst []byte, p layout.Pointer, depth int) ([]byte, error) {
		held := p.Value(t)
		if held.IsNil() {
			return append(dst, "null"...), nil
		}
		return appendHeld(dst, held.Elem().Type(), p, depth)
	}
}

// appendAny writes the value that the interface at p holds. The interface has no methods.
func appendAny(dst []byte, p layout.Pointer, depth int) ([]byte, error) {
	switch v := (*layout.As[any](p)).(type) {
	case nil:
		return append(dst, "null"...), nil
	case string:
		return jsonx.AppendString(dst, v), nil
	case bool:
		return strconv.AppendBool(dst, v), nil
	case int:
		return strconv.AppendInt(dst, int64(v), 10), nil
	default:
		return appendHeld(dst, reflect.TypeOf(v), p, depth)
	}
}

// appendHeld writes the value that the interface at p holds. t is the type of the held value.
func appendHeld(dst []byte, t reflect.Type, p layout.Pointer, depth int) ([]byte, error) {
	if depth >= maxDepth {
		return dst, errTooDeep
	}
	e, err := encoders.get(t)
	if err != nil {
		return dst, err
	}
	return e.append(dst, p.InInterface(e.direct), depth+1)
}
