package schema

import (
	"reflect"
	"unsafe"
)

// structPlan decodes structs, the outermost one and nested ones.
type structPlan struct {
	t      reflect.Type
	fields []inputField
	index  map[string]int
}

// inputField is the plan for one member.
type inputField struct {
	annotations
	member member
	rules  rules
	name   string
	offset uintptr
	codec  *codec
}

// applyDefault sets the variable at p to the default, which is known to be good.
func (f *inputField) applyDefault(d *decoder, p unsafe.Pointer) {
	if f.codec.set != nil {
		f.codec.set(p, f.def, fromText)
		return
	}
	n := d.enterKey(f.name)
	f.codec.text(d, p, &Value{Text: f.def})
	d.leave(n)
}

// absent is what happens to a member of a nested struct that is not given.
func (f *inputField) absent(d *decoder, p unsafe.Pointer) {
	switch {
	case f.hasDefault:
		f.applyDefault(d, p)
	case f.required:
		n := d.enterKey(f.name)
		d.violate("required", "be given")
		d.leave(n)
	}
}

func (s *structPlan) codec(c *codec) {
	c.json = func(d *decoder, p unsafe.Pointer) bool {
		switch {
		case d.peek() == '"':
			return d.asText(c, p)
		case d.peek() != '{':
			return d.refuse(c)
		case !d.deeper():
			return d.tooDeep()
		}
		s.decode(d, p)
		d.surface()
		return true
	}
	c.text = func(d *decoder, p unsafe.Pointer, v *Value) bool { return d.within(v.last(), c, p, '{') }
}

// decode decodes the object at the cursor. Members that the struct does not have are ignored.
func (s *structPlan) decode(d *decoder, p unsafe.Pointer) {
	var few [4]uint64
	seen := few[:]
	if len(s.fields) > len(few)*64 {
		seen = make([]uint64, (len(s.fields)+63)/64)
	}
	for more := d.open('}'); more; more = d.next('}') {
		i, known := s.index[d.key()]
		if !known {
			d.value()
			continue
		}
		f := &s.fields[i]
		n := d.enterKey(f.name)
		if seen[i/64]&(1<<(i%64)) != 0 {
			d.violate("type", "be given once")
			d.value()
			d.leave(n)
			continue
		}
		seen[i/64] |= 1 << (i % 64)
		given := f.codec.decode(d, unsafe.Add(p, f.offset))
		if d.leave(n); !given {
			f.absent(d, unsafe.Add(p, f.offset))
		}
	}
	for i := range s.fields {
		if seen[i/64]&(1<<(i%64)) == 0 {
			s.fields[i].absent(d, unsafe.Add(p, s.fields[i].offset))
		}
	}
}
