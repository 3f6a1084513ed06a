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

// The approximate memory of values on a 64-bit machine, in bytes.
const (
	sliceSize = 24 // the header of a slice in an interface
	anySize   = 24 // an interface and a number in it
	mapSize   = 48 // a map without entries
	// mapEntrySize is the memory of a map entry in addition to its value: the key, and the room that a map keeps free.
	mapEntrySize = 64
	// groupSize is the number of entries for which a map allocates memory at once.
	groupSize = 8
)

// mapEntry returns the approximate memory that the next entry of a map of n entries takes. Each value takes size bytes.
func mapEntry(n, size int) int {
	switch {
	case n == 0:
		return 8 + groupSize*(16+size)
	case n < groupSize:
		return 0
	}
	return mapEntrySize + size
}

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
	if !d.reserve(mapSize) {
		return d.rejectLarge()
	}
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
			d.value()
			d.leave(n)
			continue
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
	if !d.reserve(mapEntry(n, int(m.plan.elem.t.Size()))) {
		d.violate("maxItems", "be a smaller object")
		return false
	}
	return true
}

func (m *mapPlan) text(d *decodeState, p layout.Pointer, v *Value) bool {
	return d.decodeJSONIn(v.LastText(), m.plan, p, '{')
}
