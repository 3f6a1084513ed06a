package decode

import (
	"reflect"

	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/layout"
)

// list returns the function that reads the slices of type t.
func (c *compiler) list(t reflect.Type) readFunc {
	elem := t.Elem()
	switch elem {
	case reflect.TypeFor[string]():
		return readList[string](readString)
	case reflect.TypeFor[int]():
		return readList[int](readInt[int])
	case reflect.TypeFor[int64]():
		return readList[int64](readInt[int64])
	case reflect.TypeFor[float64]():
		return readList[float64](readFloat64)
	}
	read, _ := c.compile(elem)
	size := elem.Size()
	return func(r *reader, p layout.Pointer) bool {
		if !r.take('[') {
			return false
		}
		n := r.count()
		p.Value(t).Set(reflect.MakeSlice(t, n, n))
		first, _ := p.Slice()
		for at := range n {
			if at > 0 && !r.take(',') || !read(r, first.Field(uintptr(at)*size)) {
				return false
			}
		}
		return r.take(']')
	}
}

// count returns the number of elements of the list whose first element, if any, is next.
func (r *reader) count() (n int) {
	for i := r.i; i < len(r.data) && r.data[i] != ']'; n++ {
		if i = jsonx.SkipValue(r.data, i); i < len(r.data) && r.data[i] == ',' {
			i++
		}
	}
	return n
}

// readList returns a function that reads a slice whose elements have the type E, with the function that reads one.
func readList[E any](read readFunc) readFunc {
	return func(r *reader, p layout.Pointer) bool {
		if !r.take('[') {
			return false
		}
		n := r.count()
		list := make([]E, n)
		for at := range list {
			if at > 0 && !r.take(',') || !read(r, layout.To(&list[at])) {
				return false
			}
		}
		*layout.As[[]E](p) = list
		return r.take(']')
	}
}
