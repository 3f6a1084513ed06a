package schema

import (
	"reflect"

	"github.com/actionhero-go/actionhero/internal/layout"
)

// structPlan is the plan to decode a struct: the outermost struct, whose members are the inputs, or a nested struct.
type structPlan struct {
	t        reflect.Type
	fields   []inputField
	index    map[string]int // name → index in fields
	defaults bool           // a member has a default, or is a struct of which this is true
}

// inputField is the plan to decode one member of a struct.
type inputField struct {
	*declaration // nil when the plan is complete: an app has many actions, and a request needs none of it
	name         string
	offset       uintptr
	plan         *typePlan
	nested       *structPlan // of a struct whose members have defaults; nil for all others
	def          string      // the text of the tag default
	hasDefault   bool
	required     bool
	secret       bool
	omits        bool // the json tag has omitzero or omitempty
}

// declaration is what the struct says about an input.
type declaration struct {
	annotations
	member layout.Member
	rules  rules
}

// complete sets the functions of c, the plan of the struct type, so that they decode structs with the plan s.
func (s *structPlan) complete(c *typePlan) {
	c.class, c.expected, c.members = classStruct, "an object", s
	c.json = func(d *decodeState, p layout.Pointer) bool {
		switch {
		case d.peek() == '"':
			return d.decodeString(c, p)
		case d.peek() != '{':
			return d.reject(c)
		case !d.descend():
			return d.tooDeep()
		}
		s.decode(d, p)
		d.ascend()
		return true
	}
	c.text = func(d *decodeState, p layout.Pointer, v *Value) bool { return d.decodeJSONIn(v.LastText(), c, p, '{') }
}

// decode decodes the JSON object at the cursor into the struct at p. It ignores members that the struct does not have.
// For members that are not given, it sets the default or records a violation.
func (s *structPlan) decode(d *decodeState, p layout.Pointer) {
	var few [4]uint64
	seen := few[:] // one bit per field
	if len(s.fields) > len(few)*64 {
		seen = make([]uint64, (len(s.fields)+63)/64)
	}
	for more := d.open('}'); more; more = d.next('}') {
		key := d.key()
		i, known := s.index[key]
		if !known {
			d.unknown(key)
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
		if f.secret {
			d.hidden++
		}
		given := f.plan.decode(d, p.Field(f.offset))
		if f.secret {
			d.hidden--
		}
		if d.leave(n); !given {
			f.absent(d, p.Field(f.offset))
		}
	}
	for i := range s.fields {
		if seen[i/64]&(1<<(i%64)) == 0 {
			s.fields[i].absent(d, p.Field(s.fields[i].offset))
		}
	}
}

// unknown skips the value at the cursor, which belongs to a member that the struct does not have. If d is strict, unknown
// records a violation.
func (d *decodeState) unknown(key string) {
	if d.strict {
		n := d.enterKey(key)
		d.violate("unknown", "not be given, because it is not known")
		d.leave(n)
	}
	d.value()
}

// setDefaults sets the defaults of the members of the struct at p, which the client did not give.
func (s *structPlan) setDefaults(d *decodeState, p layout.Pointer) {
	for i := range s.fields {
		switch f := &s.fields[i]; {
		case f.hasDefault:
			f.setDefault(d, p.Field(f.offset))
		case f.nested != nil:
			f.nested.setDefaults(d, p.Field(f.offset))
		}
	}
}

// absent handles a member that the client did not give in a nested struct. It sets the default of the member, or the
// defaults of the members of the member. If the member has no default and is required, it records a violation.
func (f *inputField) absent(d *decodeState, p layout.Pointer) {
	switch {
	case f.hasDefault:
		n := d.enterKey(f.name)
		f.setDefault(d, p)
		d.leave(n)
	case f.required:
		n := d.enterKey(f.name)
		d.violate("required", "be given")
		d.leave(n)
	case f.nested != nil:
		f.nested.setDefaults(d, p)
	}
}

// setDefault sets the variable at p to the default of the field. It does not check the default again, because
// CompileInput has checked it.
func (f *inputField) setDefault(d *decodeState, p layout.Pointer) {
	if f.plan.set != nil {
		f.plan.set(p, f.def, fromText)
		return
	}
	f.plan.text(d, p, &Value{data: f.def})
}
