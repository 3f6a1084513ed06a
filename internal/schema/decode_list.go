package schema

import (
	"reflect"
	"slices"

	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/layout"
)

// listPlan decodes the values of a slice type.
type listPlan struct {
	plan *typePlan
	max  int // the largest number of elements; -1 for no limit
}

func (l *listPlan) json(d *decodeState, p layout.Pointer) bool {
	switch {
	case d.peek() == '"':
		return d.decodeString(l.plan, p)
	case d.peek() != '[':
		return d.reject(l.plan)
	case !d.descend():
		return d.tooDeep()
	}
	defer d.ascend()
	v := p.Value(l.plan.t)
	v.Set(reflect.MakeSlice(l.plan.t, 0, 0))
	full := false
	i := 0
	for more := d.open(']'); more; more = d.next(']') {
		if full = full || !l.grow(d, v); full {
			d.value()
			continue
		}
		n := d.enterIndex(i)
		l.plan.elem.decodeElement(d, layout.AddressOf(v.Index(i)))
		d.leave(n)
		i++
	}
	return !full
}

// text decodes a list that was sent as text. The text is a JSON array, or elements separated by commas. If the client
// repeated the key, each text is one element.
//
// Each level of a list of lists counts as one of nesting: the text of a type that is a list of itself has no other end.
func (l *listPlan) text(d *decodeState, p layout.Pointer, value *Value) bool {
	if !d.descend() {
		d.violateDepth()
		return false
	}
	defer d.ascend()
	first, more := value.Text(), value.MoreTexts()
	parts := []string{first}
	if len(more) > 0 {
		parts = append(parts, more...)
	} else if i := jsonx.SkipSpace(jsonx.ViewBytes(first), 0); i < len(first) && first[i] == '[' {
		return d.decodeJSONIn(first, l.plan, p, '[')
	} else if !slices.Contains([]class{classList, classMap, classStruct, classRaw}, l.plan.elem.class) {
		parts = splitList(first)
	}
	v := p.Value(l.plan.t)
	for i, part := range parts {
		if !l.grow(d, v) {
			return false
		}
		n := d.enterIndex(i)
		l.plan.elem.decodeElementText(d, layout.AddressOf(v.Index(i)), part)
		d.leave(n)
	}
	return true
}

// grow appends a zero element to the slice v. If the list would exceed maxItems or the memory limit of the request,
// grow records a violation and returns false.
func (l *listPlan) grow(d *decodeState, v reflect.Value) bool {
	n, size := v.Len(), int(l.plan.elem.t.Size())
	if l.max >= 0 && n >= l.max {
		d.violate("maxItems", "be a list of at most "+plural(l.max, "item"))
		return false
	}
	if n == v.Cap() {
		more := max(n, 1)
		if n == 0 && size <= 64 {
			more = 4
		}
		if !d.reserve(more * size) {
			d.violate("maxItems", "be a shorter list")
			return false
		}
		v.Grow(more)
	}
	v.SetLen(n + 1)
	return true
}
