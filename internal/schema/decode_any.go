package schema

import (
	"slices"
	"strings"

	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/layout"
)

// planAny completes the plan of an interface type without methods. Values decode into the same Go types as with
// encoding/json: nil, bool, float64, string, []any and map[string]any.
func (c *typePlan) planAny() {
	c.class, c.expected, c.nullable = classAny, "a JSON value", true
	c.json = func(d *decodeState, p layout.Pointer) bool {
		v, ok := d.any()
		*layout.As[any](p) = v
		return ok
	}
	c.text = func(_ *decodeState, p layout.Pointer, v *Value) bool {
		*layout.As[any](p) = validUTF8(v.LastText())
		return true
	}
}

// any decodes the JSON value at the cursor. It returns ok false if a part of the value is invalid, for example a number
// that float64 cannot hold.
func (d *decodeState) any() (v any, ok bool) {
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
		if !d.descend() {
			return nil, d.tooDeep()
		}
		defer d.ascend()
		if c == '[' {
			return d.anyList()
		}
		return d.anyObject()
	}
	f, ok := jsonx.ParseFloat(jsonx.ViewString(d.value()), 64)
	if !ok {
		d.violate("type", "be a number that 64 bits can hold")
		return nil, false
	}
	return f, true
}

func (d *decodeState) anyList() (any, bool) {
	if !d.reserve(sliceSize) {
		return nil, d.rejectLarge()
	}
	values := []any{}
	valid := true
	for more := d.open(']'); more; more = d.next(']') {
		if len(values) == cap(values) {
			room := max(len(values), 4)
			if !d.reserve(room * anySize) {
				return nil, d.tooLarge(']')
			}
			values = slices.Grow(values, room)
		}
		n := d.enterIndex(len(values))
		v, ok := d.any()
		d.leave(n)
		values = append(values, v)
		valid = valid && ok
	}
	return values, valid
}

func (d *decodeState) anyObject() (any, bool) {
	if !d.reserve(mapSize) {
		return nil, d.rejectLarge()
	}
	values := map[string]any{}
	valid := true
	for more := d.open('}'); more; more = d.next('}') {
		if !d.reserve(mapEntry(len(values), anySize)) {
			return nil, d.tooLarge('}')
		}
		key := strings.Clone(d.key())
		n := d.enterKey(key)
		if _, twice := values[key]; twice {
			d.violate("type", "be given once")
			valid = false
		}
		v, ok := d.any()
		d.leave(n)
		values[key] = v
		valid = valid && ok
	}
	return values, valid
}

// tooLarge skips the rest of a list or an object, up to the closing bracket end, and records that the value is too
// large. It always returns false.
func (d *decodeState) tooLarge(end byte) bool {
	d.violate("type", "be a smaller value")
	for more := true; more; more = d.next(end) {
		if end == '}' {
			d.key()
		}
		d.value()
	}
	return false
}
