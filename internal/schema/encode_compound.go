package schema

import (
	"encoding/base64"
	"reflect"
	"slices"
	"strconv"
	"unicode/utf8"
	"unsafe"

	"github.com/actionhero-go/actionhero/internal/jsonx"
)

// sliceHeader is how a slice lies in memory.
type sliceHeader struct {
	data     unsafe.Pointer
	len, cap int
}

func appendBytes(dst []byte, p unsafe.Pointer, _ int) ([]byte, error) {
	return appendBase64(dst, *(*[]byte)(p)), nil
}

func appendByteArray(n int) appendFunc {
	return func(dst []byte, p unsafe.Pointer, _ int) ([]byte, error) {
		return appendBase64(dst, unsafe.Slice((*byte)(p), n)), nil
	}
}

func appendBase64(dst, b []byte) []byte {
	dst = append(dst, '"')
	dst = base64.StdEncoding.AppendEncode(dst, b)
	return append(dst, '"')
}

func appendSlice(elem *encoder) appendFunc {
	size := elem.t.Size()
	return func(dst []byte, p unsafe.Pointer, depth int) ([]byte, error) {
		h := (*sliceHeader)(p)
		return appendList(dst, elem, h.data, h.len, size, depth)
	}
}

func appendArray(elem *encoder, n int) appendFunc {
	size := elem.t.Size()
	return func(dst []byte, p unsafe.Pointer, depth int) ([]byte, error) {
		return appendList(dst, elem, p, n, size, depth)
	}
}

func appendList(dst []byte, elem *encoder, p unsafe.Pointer, n int, size uintptr, depth int) ([]byte, error) {
	if depth >= maxEncodeDepth {
		return dst, errTooDeep
	}
	dst = append(dst, '[')
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = elem.append(dst, unsafe.Add(p, uintptr(i)*size), depth+1); err != nil {
			return dst, within("["+strconv.Itoa(i)+"]", err)
		}
	}
	return append(dst, ']'), nil
}

func appendPointer(elem *encoder) appendFunc {
	return func(dst []byte, p unsafe.Pointer, depth int) ([]byte, error) {
		target := *(*unsafe.Pointer)(p)
		if target == nil {
			return append(dst, "null"...), nil
		}
		if depth >= maxEncodeDepth {
			return dst, errTooDeep
		}
		return elem.append(dst, target, depth+1)
	}
}

// appendInterface encodes what an interface with methods holds.
func appendInterface(t reflect.Type) appendFunc {
	return func(dst []byte, p unsafe.Pointer, depth int) ([]byte, error) {
		held := reflect.NewAt(t, p).Elem()
		if held.IsNil() {
			return append(dst, "null"...), nil
		}
		return appendHeld(dst, held.Elem().Type(), p, depth)
	}
}

func appendAny(dst []byte, p unsafe.Pointer, depth int) ([]byte, error) {
	switch v := (*(*any)(p)).(type) {
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

// appendHeld encodes the value of type t that the interface at p holds.
func appendHeld(dst []byte, t reflect.Type, p unsafe.Pointer, depth int) ([]byte, error) {
	if depth >= maxEncodeDepth {
		return dst, errTooDeep
	}
	e, err := encoders.of(t)
	if err != nil {
		return dst, err
	}
	return e.append(dst, e.inInterface(p), depth+1)
}

func appendObject(members *appendFunc) appendFunc {
	return func(dst []byte, p unsafe.Pointer, depth int) ([]byte, error) {
		if depth >= maxEncodeDepth {
			return dst, errTooDeep
		}
		dst, err := (*members)(append(dst, '{'), p, depth+1)
		if err != nil {
			return dst, err
		}
		return append(dst, '}'), nil
	}
}

// membersOfTyped encodes maps of a type that can be used without reflection.
func membersOfTyped[V any](m *mapEncoder) appendFunc {
	return func(dst []byte, p unsafe.Pointer, depth int) ([]byte, error) {
		values := *(*map[string]V)(p)
		var room [16]string
		keys := room[:0]
		for key := range values {
			if !utf8.ValidString(key) {
				return m.byJSONX(dst, p)
			}
			keys = append(keys, key)
		}
		slices.Sort(keys)
		var value V
		for i, key := range keys {
			value = values[key]
			var err error
			if dst, err = m.member(dst, i, key, unsafe.Pointer(&value), depth); err != nil {
				return dst, err
			}
		}
		return dst, nil
	}
}

type mapEncoder struct {
	t    reflect.Type
	elem *encoder
}

// members encodes a map whose keys are of kind string, in the order of the keys.
func (m *mapEncoder) members(dst []byte, p unsafe.Pointer, depth int) ([]byte, error) {
	v := reflect.NewAt(m.t, p).Elem()
	if v.Len() == 0 {
		return dst, nil
	}
	type entry struct {
		key string
		at  int
	}
	entries := make([]entry, 0, v.Len())
	values := reflect.MakeSlice(reflect.SliceOf(m.t.Elem()), v.Len(), v.Len())
	key := reflect.New(m.t.Key()).Elem()
	for iter := v.MapRange(); iter.Next() && len(entries) < cap(entries); {
		key.SetIterKey(iter)
		if !utf8.ValidString(key.String()) {
			return m.byJSONX(dst, p)
		}
		values.Index(len(entries)).SetIterValue(iter)
		entries = append(entries, entry{key.String(), len(entries)})
	}
	slices.SortFunc(entries, func(a, b entry) int {
		if a.key < b.key {
			return -1
		}
		return 1
	})
	for i, e := range entries {
		var err error
		if dst, err = m.member(dst, i, e.key, values.Index(e.at).Addr().UnsafePointer(), depth); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

func (m *mapEncoder) member(dst []byte, i int, key string, value unsafe.Pointer, depth int) ([]byte, error) {
	if i > 0 {
		dst = append(dst, ',')
	}
	dst = append(jsonx.AppendString(dst, key), ':')
	dst, err := m.elem.append(dst, value, depth)
	if err != nil {
		return dst, within("."+key, err)
	}
	return dst, nil
}

// byJSONX is for keys that are not UTF-8: two of them may become the same one, which jsonx finds out.
func (m *mapEncoder) byJSONX(dst []byte, p unsafe.Pointer) ([]byte, error) {
	return membersByJSONX(m.t)(dst, p, 0)
}

// membersByJSONX lets jsonx write an object and takes the braces off.
func membersByJSONX(t reflect.Type) appendFunc {
	whole := appendByJSONX(t)
	return func(dst []byte, p unsafe.Pointer, depth int) ([]byte, error) {
		n := len(dst)
		dst, err := whole(dst, p, depth)
		if err != nil {
			return dst, err
		}
		return unbrace(dst, n)
	}
}

// unbrace takes the braces off the object that begins at n.
func unbrace(dst []byte, n int) ([]byte, error) {
	if len(dst) < n+2 || dst[n] != '{' {
		return dst, &EncodeError{Err: errNotObject}
	}
	copy(dst[n:], dst[n+1:])
	return dst[:len(dst)-2], nil
}
