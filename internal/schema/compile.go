package schema

import (
	"encoding/json"
	"reflect"
	"time"

	"github.com/actionhero-go/actionhero/internal/layout"
	"github.com/go-json-experiment/json/jsontext"
)

var (
	timeType     = reflect.TypeFor[time.Time]()
	durationType = reflect.TypeFor[time.Duration]()
	anyType      = reflect.TypeFor[any]()

	rawTypes = map[reflect.Type]bool{reflect.TypeFor[json.RawMessage](): true, reflect.TypeFor[jsontext.Value](): true}
)

// compiler builds the plans for one input struct and for all types that occur in its fields.
type compiler struct {
	fileType reflect.Type
	plans    map[reflect.Type]*typePlan // plans of types without rules; a recursive type is added before its plan is complete
	tags     []func() error             // checks of defaults and examples, which need complete plans
	structs  []*structPlan              // all of them
}

// structPlan builds the plan for the struct type t. If top is true, t is the outermost struct, whose members are the
// inputs of the action. Only members of the outermost struct may be uploaded files.
func (c *compiler) structPlan(t reflect.Type, top bool) (*structPlan, error) {
	members, err := layout.Members(t)
	if err != nil {
		return nil, err
	}
	s := &structPlan{t: t, index: make(map[string]int, len(members)), fields: make([]inputField, 0, len(members))}
	c.structs = append(c.structs, s)
	for i := range members {
		f, err := c.field(&members[i], top)
		if err != nil {
			return nil, members[i].Explain(err)
		}
		s.defaults = s.defaults || f.hasDefault || f.nested != nil
		s.index[f.name] = len(s.fields)
		s.fields = append(s.fields, *f)
	}
	return s, nil
}

func (c *compiler) field(m *layout.Member, top bool) (*inputField, error) {
	if m.Via != nil {
		return nil, layout.Problem("is in a struct that is embedded as a pointer: embed the struct itself")
	}
	if err := checkTagNames(m); err != nil {
		return nil, err
	}
	r, err := parseRules(m)
	if err != nil {
		return nil, err
	}
	a, err := parseAnnotations(m)
	if err != nil {
		return nil, err
	}
	f := &inputField{
		declaration: &declaration{a, *m, r}, name: m.Name, offset: m.Offset, omits: m.OmitZero || m.OmitEmpty,
		def: a.def, hasDefault: a.hasDefault, required: a.required, secret: a.secret,
	}
	if top {
		f.plan = c.filePlan(m.Field.Type)
	}
	if f.plan != nil {
		return f, f.compileFileRules()
	}
	if f.plan, err = c.typePlan(m.Field.Type, r); err != nil {
		return nil, err
	}
	if f.plan.null != nil && (f.required || f.hasDefault) {
		return nil, layout.Problem("is an Optional and is required or has a default: remove the tag, or use the type of the value")
	}
	if members := f.plan.members; members != nil && members.defaults {
		f.nested = members
	}
	if f.required && f.plan.emptyGiven { // protocol rule: a required input must not be empty
		strict := *f.plan
		strict.emptyGiven = false
		f.plan = &strict
	}
	c.tags = append(c.tags, func() error { return f.checkTag("default", f.def) }, func() error { return f.checkTag("example", f.example) })
	return f, nil
}

// compileFileRules compiles the rules of an input that is an uploaded file. It returns an error if the input has a
// default or a rule that does not fit files.
func (f *inputField) compileFileRules() (err error) {
	if f.hasDefault {
		return layout.Problem("is a file and has a default: remove the tag")
	}
	f.plan.checks, err = compileChecks(f.plan.t, f.plan.class, f.rules)
	return err
}

// checkTags decodes the texts of all default and example tags, and returns an error for the first invalid text. The
// compiler calls checkTags after all plans are complete, because decoding uses the plans.
func (c *compiler) checkTags() error {
	for _, check := range c.tags {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// checkTag returns an error unless text, the text of a default or example tag, is a valid value of the field. An empty
// text is accepted.
func (f *inputField) checkTag(tag, text string) error {
	if text == "" {
		return nil
	}
	var d *decodeState
	d = d.begin(f.name, true)
	p := layout.New(f.plan.t)
	v := TextValue(text)
	if f.plan.set != nil {
		d.report(f.plan, p, f.plan.setValue(p, &v))
	} else {
		f.plan.decodeValue(d, p, &v)
	}
	if fail := d.finish(); fail != nil {
		return f.member.Errorf("has %s:%q, but %s: correct the tag", tag, text, fail.Violations[0].Message)
	}
	return nil
}

// typePlan returns the plan for values of type t under the rules r. If r is empty, it returns the existing plan for t,
// if there is one. Otherwise it builds a new plan.
func (c *compiler) typePlan(t reflect.Type, r rules) (*typePlan, error) {
	if r == (rules{}) {
		if plan, ok := c.plans[t]; ok {
			return plan, nil
		}
	}
	plan := &typePlan{t: t}
	if r == (rules{}) {
		c.plans[t] = plan
	}
	if err := c.checkType(t); err != nil {
		return nil, err
	}
	if t.Kind() == reflect.Pointer {
		return plan, c.pointer(plan, r)
	}
	if o, ok := layout.OptionalOf(t); ok {
		return plan, c.optional(plan, o, r)
	}
	own, err := c.complete(plan, r)
	if err != nil {
		return nil, err
	}
	plan.checks, err = compileChecks(t, plan.class, own)
	return plan, err
}

// checkType returns an error if t is a type that cannot be an input, such as a channel or an array.
func (c *compiler) checkType(t reflect.Type) error {
	switch {
	case c.fileType != nil && t == c.fileType:
		return layout.Problem("is an uploaded file by value: use *%v", t)
	case c.fileType != nil && t.Kind() == reflect.Pointer && t.Elem() == c.fileType:
		return layout.Problem("has an uploaded file inside: make the file an input of its own, a %v or a []%v", t, t)
	case layout.DecodesItself(t):
		return nil
	}
	switch t.Kind() {
	case reflect.Chan, reflect.Func, reflect.Complex64, reflect.Complex128, reflect.UnsafePointer, reflect.Invalid:
		return layout.Problem("is or has a %v, which no client can send: take another type, or leave it out with json:\"-\"", t)
	case reflect.Interface:
		if t.NumMethod() > 0 {
			return layout.Problem("is or has the interface %v, which does not say what to decode into: use any or a type that is not an interface", t)
		}
	case reflect.Array:
		return layout.Problem("is or has the array %v: use a slice, with minItems and maxItems if the length matters", t)
	case reflect.Pointer:
		if t.Elem().Kind() == reflect.Pointer {
			return layout.Problem("is or has the pointer to a pointer %v: use one pointer", t)
		}
	case reflect.Map:
		if t.Key().Kind() != reflect.String || layout.DecodesItself(t.Key()) {
			return layout.Problem("is or has the map %v: use a map with plain string keys", t)
		}
	}
	return nil
}

// complete sets all fields of plan except the checks. It returns own, the rules for the value itself. The rules for the
// elements of a list or map become part of the plan of the elements.
func (c *compiler) complete(plan *typePlan, r rules) (own rules, err error) {
	t := plan.t
	switch {
	case t == timeType:
		plan.class, plan.set, plan.expected = classTime, setTime, "a date and time such as 2006-01-02T15:04:05Z"
		return r, nil
	case t == durationType:
		plan.class, plan.set, plan.expected = classDuration, setDuration, "a duration such as 1m30s or a number of milliseconds"
		return r, nil
	case rawTypes[t]:
		plan.planRaw()
		return r, nil
	case layout.DecodesItself(t):
		plan.planCustom()
		return r, nil
	case t.Kind() == reflect.Slice && layout.IsByte(t.Elem()):
		plan.class, plan.set, plan.expected = classBytes, setBytes, "base64 text"
		return r, nil
	}
	if scalar, ok := scalarPlans[t.Kind()]; ok {
		scalar.t = t
		*plan = scalar
		return r, nil
	}
	switch t.Kind() {
	case reflect.Slice, reflect.Map:
		return c.elements(plan, r)
	case reflect.Struct:
		s, err := c.structPlan(t, false)
		if err == nil {
			s.complete(plan)
		}
		return r, err
	}
	plan.planAny()
	return r, nil
}

// elements completes the plan of a slice or map type, and builds the plan of the elements. It returns own, the rules
// for the slice or map itself.
func (c *compiler) elements(plan *typePlan, r rules) (own rules, err error) {
	own, r = r.split()
	target := plan.t.Elem()
	if target.Kind() == reflect.Pointer {
		target = target.Elem()
	}
	if r != (rules{}) && (target.Kind() == reflect.Slice || target.Kind() == reflect.Map) {
		return own, layout.Problem("is a list of lists or of maps, and has a rule for single values: make the elements a struct whose field has the rule")
	}
	most := -1
	if n, ok := parseCount(own.maxItems); ok {
		most = n
	}
	plan.nullable = true
	if plan.t.Kind() == reflect.Slice {
		l := &listPlan{plan: plan, max: most}
		plan.class, plan.expected, plan.json, plan.text = classList, "a list", l.json, l.text
	} else {
		m := &mapPlan{plan: plan, max: most}
		plan.class, plan.expected, plan.json, plan.text = classMap, "an object", m.json, m.text
	}
	plan.elem, err = c.typePlan(plan.t.Elem(), r)
	return own, err
}

// pointer completes the plan of a pointer type. If there is a value to decode, the plan allocates the variable that the
// pointer points to. Otherwise the pointer stays nil.
func (c *compiler) pointer(plan *typePlan, r rules) error {
	elem, err := c.typePlan(plan.t.Elem(), r)
	if err != nil {
		return err
	}
	target := plan.t.Elem()
	plan.wrap(elem, layout.Pointer.Load)
	allocate := func(p layout.Pointer) layout.Pointer {
		value := layout.New(target)
		p.Store(value)
		return value
	}
	if elem.set != nil {
		plan.set = func(p layout.Pointer, s string, from source) outcome { return elem.set(allocate(p), s, from) }
		return nil
	}
	size := int(target.Size())
	plan.json = func(d *decodeState, p layout.Pointer) bool {
		if !d.reserve(size) {
			return d.rejectLarge()
		}
		return elem.json(d, allocate(p))
	}
	plan.text = func(d *decodeState, p layout.Pointer, v *Value) bool { return elem.text(d, allocate(p), v) }
	return nil
}

// optional completes the plan of the type o, an actionhero.Optional.
func (c *compiler) optional(plan *typePlan, o layout.Optional, r rules) error {
	elem, err := c.typePlan(o.Elem, r)
	if err != nil {
		return err
	}
	plan.wrap(elem, o.Value)
	value := func(p layout.Pointer) layout.Pointer {
		set, _ := o.State(p)
		*set = true
		return o.Value(p)
	}
	plan.null = func(p layout.Pointer) {
		set, null := o.State(p)
		*set, *null = true, true
	}
	if elem.set != nil {
		plan.set = func(p layout.Pointer, s string, from source) outcome { return elem.set(value(p), s, from) }
		return nil
	}
	plan.json = func(d *decodeState, p layout.Pointer) bool { return elem.json(d, value(p)) }
	plan.text = func(d *decodeState, p layout.Pointer, v *Value) bool { return elem.text(d, value(p), v) }
	return nil
}

// wrap gives plan the properties and the checks of elem, the plan of the value to which inner leads.
func (c *typePlan) wrap(elem *typePlan, inner func(layout.Pointer) layout.Pointer) {
	c.elem, c.nullable = elem, true
	c.class, c.expected, c.expectedRange = elem.class, elem.expected, elem.expectedRange
	c.emptyGiven = elem.t.Kind() == reflect.String && elem.class == classText
	for _, ck := range elem.checks {
		ok := ck.ok
		ck.ok = func(p layout.Pointer) bool { return ok(inner(p)) }
		c.checks = append(c.checks, ck)
	}
}
