package schema

import (
	"strings"
	"unsafe"

	"github.com/actionhero-go/actionhero/internal/jsonx"
)

// anything decodes into interfaces without methods, as encoding/json does: nil, bool, float64, string, []any and
// map[string]any.
func (c *codec) anything() {
	c.json = func(d *decoder, p unsafe.Pointer) bool {
		v, ok := d.any()
		*(*any)(p) = v
		return ok
	}
	c.text = func(_ *decoder, p unsafe.Pointer, v *Value) bool {
		*(*any)(p) = validUTF8(v.last())
		return true
	}
}

// any decodes the value at the cursor.
func (d *decoder) any() (any, bool) {
	switch c := d.peek(); c {
	case '"':
		s, err := jsonx.Unquote(d.value())
		return s, err == nil
	case 'n':
		d.value()
		return nil, true
	case 't', 'f':
		d.value()
		return c == 't', true
	case '[', '{':
		if !d.deeper() {
			return nil, d.tooDeep()
		}
		defer d.surface()
		if c == '[' {
			return d.anyList()
		}
		return d.anyObject()
	}
	f, ok := jsonx.ParseFloat(view(d.value()), 64)
	if !ok {
		d.violate("type", "be a number that 64 bits can hold")
		return nil, false
	}
	return f, true
}

func (d *decoder) anyList() (any, bool) {
	values := []any{}
	whole := true
	for more := d.open(']'); more; more = d.next(']') {
		n := d.enterIndex(len(values))
		v, ok := d.any()
		d.leave(n)
		values = append(values, v)
		whole = whole && ok
	}
	return values, whole
}

func (d *decoder) anyObject() (any, bool) {
	values := map[string]any{}
	whole := true
	for more := d.open('}'); more; more = d.next('}') {
		key := strings.Clone(d.key())
		n := d.enterKey(key)
		if _, twice := values[key]; twice {
			d.violate("type", "be given once")
			whole = false
		}
		v, ok := d.any()
		d.leave(n)
		values[key] = v
		whole = whole && ok
	}
	return values, whole
}
