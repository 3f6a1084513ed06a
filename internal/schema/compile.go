package schema

import (
	"encoding/json"
	"fmt"
	"reflect"
	"unsafe"

	"github.com/go-json-experiment/json/jsontext"
)

// predicate is what is wrong with a field, to follow "field X of T ".
type predicate string

func (p predicate) Error() string { return string(p) }

func wrong(format string, args ...any) error { return predicate(fmt.Sprintf(format, args...)) }

// compiler makes the codecs of one input and of all that it consists of.
type compiler struct {
	fileType reflect.Type
	made     map[reflect.Type]*codec // those without rules; of recursive types, before they are complete
	later    []func() error          // what can only be checked when all plans are complete
}

// structPlan makes the plan for a struct; top says that its members are the inputs themselves.
func (c *compiler) structPlan(t reflect.Type, top bool) (*structPlan, error) {
	members, err := flatten(t)
	if err != nil {
		return nil, err
	}
	s := &structPlan{t: t, index: make(map[string]int, len(members))}
	for i := range members {
		f, err := c.field(&members[i], top)
		if p, ok := err.(predicate); ok {
			err = fieldError(members[i].owner, members[i].field, "%s", string(p))
		}
		if err != nil {
			return nil, err
		}
		s.index[f.name] = len(s.fields)
		s.fields = append(s.fields, *f)
	}
	return s, nil
}

func (c *compiler) field(m *member, top bool) (*inputField, error) {
	if m.via != nil {
		return nil, wrong("is in a struct that is embedded as a pointer: embed the struct itself")
	}
	r, err := parseRules(m)
	if err != nil {
		return nil, err
	}
	f := &inputField{member: *m, rules: r, name: m.name, offset: m.offset}
	if f.annotations, err = parseAnnotations(m); err != nil {
		return nil, err
	}
	if top {
		f.codec = c.fileCodec(m.field.Type)
	}
	if f.codec != nil {
		return f, c.fileRules(f)
	}
	if f.codec, err = c.codec(m.field.Type, r); err != nil {
		return nil, err
	}
	if f.required && f.codec.emptyGiven { // wire rule: what is required must not be empty
		strict := *f.codec
		strict.emptyGiven = false
		f.codec = &strict
	}
	c.later = append(c.later, func() error { return f.checkTag("default", f.def) }, func() error { return f.checkTag("example", f.example) })
	return f, nil
}

// finish checks what was put off.
func (c *compiler) finish() error {
	for _, check := range c.later {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// fileRules compiles the rules of an upload.
func (c *compiler) fileRules(f *inputField) error {
	if f.hasDefault {
		return wrong("is a file and has a default: remove the tag")
	}
	var err error
	f.codec.checks, err = compileChecks(f.codec.t, f.codec.class, f.rules)
	return err
}

// checkTag makes sure that the text of a default or an example is itself a good value.
func (f *inputField) checkTag(tag, text string) error {
	if text == "" {
		return nil
	}
	d := newDecoder()
	d.at(f.name)
	p := reflect.New(f.codec.t).UnsafePointer()
	v := Value{Text: text}
	if f.codec.set != nil {
		d.judge(f.codec, p, f.codec.setValue(p, &v))
	} else {
		f.codec.decodeValue(d, p, &v)
	}
	if fail := d.finish(); fail != nil {
		return fieldError(f.member.owner, f.member.field, "has %s:%q, but %s: correct the tag", tag, text, fail.Violations[0].Message)
	}
	return nil
}

func (c *compiler) codec(t reflect.Type, r rules) (*codec, error) {
	if r == (rules{}) {
		if cd, ok := c.made[t]; ok {
			return cd, nil
		}
	}
	cd := &codec{t: t}
	if r == (rules{}) {
		c.made[t] = cd
	}
	if err := c.refuse(t); err != nil {
		return nil, err
	}
	if t.Kind() == reflect.Pointer {
		return cd, c.pointer(cd, r)
	}
	own, err := c.kind(cd, r)
	if err != nil {
		return nil, err
	}
	checks, err := compileChecks(t, cd.class, own)
	cd.checks = checks
	return cd, err
}

// refuse tells what can be no input.
func (c *compiler) refuse(t reflect.Type) error {
	switch {
	case c.fileType != nil && t == c.fileType:
		return wrong("is an uploaded file by value: use *%v", t)
	case c.fileType != nil && t.Kind() == reflect.Pointer && t.Elem() == c.fileType:
		return wrong("has an uploaded file inside: make the file an input of its own, a %v or a []%v", t, t)
	case decodesItself(t):
		return nil
	}
	switch t.Kind() {
	case reflect.Chan, reflect.Func, reflect.Complex64, reflect.Complex128, reflect.UnsafePointer, reflect.Invalid:
		return wrong("is or has a %v, which no client can send: take another type, or leave it out with json:\"-\"", t)
	case reflect.Interface:
		if t.NumMethod() > 0 {
			return wrong("is or has the interface %v, which does not say what to decode into: use any or a type that is not an interface", t)
		}
	case reflect.Array:
		return wrong("is or has the array %v: use a slice, with minItems and maxItems if the length matters", t)
	case reflect.Pointer:
		if t.Elem().Kind() == reflect.Pointer {
			return wrong("is or has the pointer to a pointer %v: use one pointer", t)
		}
	case reflect.Map:
		if t.Key().Kind() != reflect.String || decodesItself(t.Key()) {
			return wrong("is or has the map %v: use a map with plain string keys", t)
		}
	}
	return nil
}

var rawTypes = map[reflect.Type]bool{reflect.TypeFor[json.RawMessage](): true, reflect.TypeFor[jsontext.Value](): true}

// kind fills in everything but the checks, and returns the rules that are about the value itself, not its elements.
func (c *compiler) kind(cd *codec, r rules) (rules, error) {
	t := cd.t
	switch {
	case t == timeType:
		cd.class, cd.set, cd.wants = classTime, setTime, "a date and time such as 2006-01-02T15:04:05Z"
		return r, nil
	case t == durationType:
		cd.class, cd.set, cd.wants = classDuration, setDuration, "a duration such as 1m30s or a number of milliseconds"
		return r, nil
	case rawTypes[t]:
		cd.class, cd.wants, cd.nullable = classRaw, "JSON", true
		cd.raw()
		return r, nil
	case decodesItself(t):
		cd.itself()
		return r, nil
	case t.Kind() == reflect.Slice && isByte(t.Elem()):
		cd.class, cd.set, cd.wants = classBytes, setBytes, "base64 text"
		return r, nil
	}
	if scalar, ok := scalarCodecs[t.Kind()]; ok {
		scalar.t = t
		*cd = scalar
		return r, nil
	}
	switch t.Kind() {
	case reflect.Slice, reflect.Map:
		return c.elements(cd, r)
	case reflect.Struct:
		cd.class, cd.wants = classStruct, "an object"
		plan, err := c.structPlan(t, false)
		if err == nil {
			plan.codec(cd)
		}
		return r, err
	}
	cd.class, cd.wants, cd.nullable = classAny, "a JSON value", true
	cd.anything()
	return r, nil
}

// itself fills in the codec of a type that decodes itself.
func (c *codec) itself() {
	c.class, c.wants = classCustom, "valid"
	if name := c.t.Name(); name != "" {
		c.wants = "a valid " + name
	}
	readsText := implements(c.t, textUnmarshalerType)
	if implements(c.t, jsonUnmarshalTypes...) {
		c.nullable = true
		c.custom(readsText)
		return
	}
	c.set = setByMethod(c.t)
}

// elements fills in the codec of a slice or map.
func (c *compiler) elements(cd *codec, r rules) (rules, error) {
	own := rules{minItems: r.minItems, maxItems: r.maxItems}
	r.minItems, r.maxItems = "", ""
	target := cd.t.Elem()
	if target.Kind() == reflect.Pointer {
		target = target.Elem()
	}
	if r != (rules{}) && (target.Kind() == reflect.Slice || target.Kind() == reflect.Map) {
		return own, wrong("is a list of lists or of maps, and has a rule for single values: make the elements a struct whose field has the rule")
	}
	most := -1
	if n, ok := count(own.maxItems); ok {
		most = n
	}
	cd.nullable = true
	if cd.t.Kind() == reflect.Slice {
		l := &list{codec: cd, max: most}
		cd.class, cd.wants, cd.json, cd.text = classList, "a list", l.json, l.text
	} else {
		o := &object{codec: cd, max: most}
		cd.class, cd.wants, cd.json, cd.text = classMap, "an object", o.json, o.text
	}
	var err error
	cd.elem, err = c.codec(cd.t.Elem(), r)
	return own, err
}

// pointer fills in the codec of a pointer, which is nil while nothing is given.
func (c *compiler) pointer(cd *codec, r rules) error {
	elem, err := c.codec(cd.t.Elem(), r)
	if err != nil {
		return err
	}
	target := cd.t.Elem()
	cd.class, cd.wants, cd.ranges = elem.class, elem.wants, elem.ranges
	cd.nullable = true
	cd.emptyGiven = target.Kind() == reflect.String && elem.class == classText
	for _, ck := range elem.checks {
		ok := ck.ok
		ck.ok = func(p unsafe.Pointer) bool { return ok(*(*unsafe.Pointer)(p)) }
		cd.checks = append(cd.checks, ck)
	}
	if elem.set != nil {
		cd.set = func(p unsafe.Pointer, s string, from source) verdict {
			value := reflect.New(target).UnsafePointer()
			*(*unsafe.Pointer)(p) = value
			return elem.set(value, s, from)
		}
		return nil
	}
	cd.json = func(d *decoder, p unsafe.Pointer) bool {
		value := reflect.New(target).UnsafePointer()
		*(*unsafe.Pointer)(p) = value
		return elem.json(d, value)
	}
	cd.text = func(d *decoder, p unsafe.Pointer, v *Value) bool {
		value := reflect.New(target).UnsafePointer()
		*(*unsafe.Pointer)(p) = value
		return elem.text(d, value, v)
	}
	return nil
}
