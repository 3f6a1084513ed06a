package decode

import (
	"reflect"
	"slices"
	"time"

	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/layout"
)

// compile returns the function that reads values of type t, or nil if that function would only call jsonx.Unmarshal.
func compile(t reflect.Type) readFunc {
	if read, own := (&compiler{}).compile(t); own {
		return read
	}
	return nil
}

// compiler builds the plan of one type.
type compiler struct {
	within []reflect.Type // the types that enclose the current one: a type within itself has no plan there
}

// compile returns the function that reads values of type t. own is false if that function only calls jsonx.Unmarshal.
func (c *compiler) compile(t reflect.Type) (read readFunc, own bool) {
	if t == reflect.TypeFor[time.Time]() {
		return readTime, true
	}
	if layout.DecodesItself(t) || slices.Contains(c.within, t) || t == reflect.TypeFor[time.Duration]() {
		return readOther(t), false
	}
	if read := scalars[t.Kind()]; read != nil {
		return read, true
	}
	c.within = append(c.within, t)
	defer func() { c.within = c.within[:len(c.within)-1] }()
	switch t.Kind() {
	case reflect.Slice:
		if t.Elem().Kind() != reflect.Uint8 { // a list of bytes is text in base64
			return c.list(t), true
		}
	case reflect.Pointer:
		return c.pointer(t), true
	case reflect.Struct:
		if read := c.object(t); read != nil {
			return read, true
		}
	}
	return readOther(t), false
}

// readOther returns a function that reads values of type t with jsonx.Unmarshal.
func readOther(t reflect.Type) readFunc {
	return func(r *reader, p layout.Pointer) bool {
		start := r.i
		r.i = jsonx.SkipValue(r.data, start)
		return jsonx.Unmarshal(r.data[start:r.i], p.Value(t).Addr().Interface()) == nil
	}
}

func (c *compiler) pointer(t reflect.Type) readFunc {
	elem := t.Elem()
	read, _ := c.compile(elem)
	return func(r *reader, p layout.Pointer) bool {
		if r.skip("null") {
			return true
		}
		target := layout.New(elem)
		p.Store(target)
		return read(r, target)
	}
}

// skip moves r after text if that is next.
func (r *reader) skip(text string) bool {
	if len(r.data)-r.i < len(text) || string(r.data[r.i:r.i+len(text)]) != text {
		return false
	}
	r.i += len(text)
	return true
}

// next returns the next byte, or 0 at the end.
func (r *reader) next() byte {
	if r.i >= len(r.data) {
		return 0
	}
	return r.data[r.i]
}

// take moves r after the byte c if that is next.
func (r *reader) take(c byte) bool {
	if r.next() != c {
		return false
	}
	r.i++
	return true
}
