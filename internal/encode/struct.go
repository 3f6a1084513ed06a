package encode

import (
	"reflect"

	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/layout"
)

// structEncoder is the plan to write the members of a struct.
type structEncoder struct {
	fields []fieldEncoder
}

// fieldEncoder is the plan to write one member of a struct.
type fieldEncoder struct {
	key       string // `,"name":`
	offset    uintptr
	enc       *encoder
	name      string
	append    appendFunc // replaces enc.append for json:",string"
	via       []uintptr
	isZero    func(layout.Pointer) (bool, error) // nil unless json:",omitzero"
	omitEmpty bool
	plain     bool // append, via and isZero are nil and omitEmpty is false
}

func (s *structEncoder) members(dst []byte, p layout.Pointer, depth int) ([]byte, error) {
	start := len(dst)
	for i := range s.fields {
		f := &s.fields[i]
		key := f.key
		if len(dst) == start {
			key = key[1:]
		}
		var err error
		if f.plain {
			dst, err = f.enc.append(append(dst, key...), p.Field(f.offset), depth)
		} else {
			dst, err = f.appendMember(dst, key, p, depth)
		}
		if err != nil {
			return dst, inside("."+f.name, err)
		}
	}
	return dst, nil
}

// appendMember appends the key and the value of one member. It appends nothing if the value is in a nil embedded
// struct, or if the json option "omitzero" or "omitempty" omits the value.
func (f *fieldEncoder) appendMember(dst []byte, key string, p layout.Pointer, depth int) ([]byte, error) {
	for _, offset := range f.via {
		if p = p.Field(offset).Load(); p.IsNil() {
			return dst, nil
		}
	}
	p = p.Field(f.offset)
	if f.isZero != nil {
		if zero, err := f.isZero(p); zero || err != nil {
			return dst, err
		}
	}
	n := len(dst)
	dst = append(dst, key...)
	value := len(dst)
	encode := f.append
	if encode == nil {
		encode = f.enc.append
	}
	dst, err := encode(dst, p, depth)
	if err != nil {
		return dst, err
	}
	if f.omitEmpty && isEmpty(dst[value:]) {
		return dst[:n], nil
	}
	return dst, nil
}

func isEmpty(raw []byte) bool {
	switch string(raw) {
	case `null`, `""`, `{}`, `[]`:
		return true
	}
	return false
}

// zeroTest returns the function that tests whether a value of type t is zero, for the json option "omitzero". The
// function calls the method IsZero if t has one. If the method panics, the function returns an error.
func zeroTest(t reflect.Type) func(layout.Pointer) (bool, error) {
	type isZeroer interface{ IsZero() bool }
	method := reflect.TypeFor[isZeroer]()
	call := func(v reflect.Value) (zero bool, err error) {
		defer func() {
			if value := recover(); value != nil {
				err = errPanic(t, value)
			}
		}()
		return v.Interface().(isZeroer).IsZero(), nil
	}
	switch {
	case t.Kind() == reflect.Interface && t.Implements(method):
		return func(p layout.Pointer) (bool, error) {
			v := p.Value(t)
			if v.IsNil() || v.Elem().Kind() == reflect.Pointer && v.Elem().IsNil() {
				return true, nil
			}
			return call(v)
		}
	case t.Kind() == reflect.Pointer && t.Implements(method):
		return func(p layout.Pointer) (bool, error) {
			v := p.Value(t)
			if v.IsNil() {
				return true, nil
			}
			return call(v)
		}
	case reflect.PointerTo(t).Implements(method):
		return func(p layout.Pointer) (bool, error) { return call(p.Value(t).Addr()) }
	}
	return func(p layout.Pointer) (bool, error) { return p.Value(t).IsZero(), nil }
}

// structMembers builds the plan for the struct t and returns the append function of the plan. If err is not nil and ok
// is false, the caller may ignore err and let Marshal encode the struct.
func (c *compiler) structMembers(t reflect.Type) (members appendFunc, ok bool, err error) {
	list, err := layout.Members(t)
	if err != nil {
		return nil, false, err
	}
	s := &structEncoder{fields: make([]fieldEncoder, 0, len(list))}
	for i := range list {
		f, ok, err := c.field(&list[i])
		if err != nil {
			return nil, ok, err
		}
		s.fields = append(s.fields, f)
	}
	return s.members, true, nil
}

// field builds the plan for one member of a struct. If err is not nil and ok is false, only Marshal supports the tag of
// the member: the caller may ignore err and let Marshal encode the struct.
func (c *compiler) field(m *layout.Member) (f fieldEncoder, ok bool, err error) {
	f = fieldEncoder{name: m.Name, offset: m.Offset, via: m.Via, omitEmpty: m.OmitEmpty}
	f.key = string(append(jsonx.AppendString([]byte{','}, m.Name), ':'))
	if m.OmitZero {
		f.isZero = zeroTest(m.Field.Type)
	}
	if f.enc, err = c.encoder(m.Field.Type); err != nil {
		return f, true, m.Explain(err)
	}
	if m.Quoted {
		target := m.Field.Type
		for target.Kind() == reflect.Pointer {
			target = target.Elem()
		}
		if layout.EncodesItself(target) || target == durationType {
			return f, false, m.Errorf("has the json option string but writes itself: remove the option")
		}
		if !layout.IsNumber(target.Kind()) {
			return f, true, m.Errorf("has the json option string, which fits numbers only: remove it")
		}
		enc := f.enc
		f.append = appendQuoted(func(dst []byte, p layout.Pointer, depth int) ([]byte, error) { return enc.append(dst, p, depth) })
	}
	f.plain = f.via == nil && f.isZero == nil && !f.omitEmpty && f.append == nil
	return f, true, nil
}
