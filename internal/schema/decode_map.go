package schema

import (
	"reflect"
	"strings"

	"github.com/actionhero-go/actionhero/internal/layout"
)

// mapPlan decodes the values of a map type with string keys.
type mapPlan struct {
	plan *typePlan
	max  int // the largest number of members; -1 for no limit
}

// mapEntrySize is the approximate memory, in bytes, that a map entry takes in addition to its value.
const mapEntrySize = 64

func (m *mapPlan) json(d *decodeState, p layout.Pointer) bool {
	switch {
	case d.peek() == '"':
		return d.decodeString(m.plan, p)
	case d.peek() != '{':
		return d.reject(m.plan)
	case !d.descend():
		return d.tooDeep()
	}
	defer d.ascend()
	t := m.plan.t
	values := reflect.MakeMap(t)
	p.Value(t).Set(values)
	key, value := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
	full := false
	for more := d.open('}'); more; more = d.next('}') {
		key.SetString(strings.Clone(d.key()))
		if full = full || !m.hasRoom(d, values.Len()); full {
			d.value()
			continue
		}
		n := d.enterKey(key.String())
		if values.MapIndex(key).IsValid() {
			d.violate("type", "be given once")
		}
		value.SetZero()
		m.plan.elem.decodeElement(d, layout.AddressOf(value))
		values.SetMapIndex(key, value)
		d.leave(n)
	}
	return !full
}

// hasRoom reports whether a map of n members may have one more member. If the map would exceed maxItems or the memory
// limit of the request, hasRoom records a violation and returns false.
func (m *mapPlan) hasRoom(d *decodeState, n int) bool {
	if m.max >= 0 && n >= m.max {
		d.violate("maxItems", "be an object of at most "+plural(m.max, "member"))
		return false
	}
	if !d.reserve(mapEntrySize + int(m.plan.elem.t.Size())) {
		d.violate("maxItems", "be a smaller object")
		return false
	}
	return true
}

func (m *mapPlan) text(d *decodeState, p layout.Pointer, v *Value) bool {
	return d.decodeJSONIn(v.lastText(), m.plan, p, '{')
}
