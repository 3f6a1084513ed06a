package schema

import (
	"reflect"
	"unsafe"

	"github.com/actionhero-go/actionhero/internal/jsonx"
)

// structEncoder is the plan for a struct's members.
type structEncoder struct {
	fields []fieldEncoder
}

type fieldEncoder struct {
	key       string // `,"name":`
	offset    uintptr
	enc       *encoder
	name      string
	append    appendFunc // instead of enc's, for json:",string"
	via       []uintptr
	isZero    func(unsafe.Pointer) bool // nil unless json:",omitzero"
	omitEmpty bool
	plain     bool // neither via, isZero, omitEmpty nor append
}

func (s *structEncoder) members(dst []byte, p unsafe.Pointer, depth int) ([]byte, error) {
	start := len(dst)
	for i := range s.fields {
		f := &s.fields[i]
		key := f.key
		if len(dst) == start {
			key = key[1:]
		}
		var err error
		if f.plain {
			dst, err = f.enc.append(append(dst, key...), unsafe.Add(p, f.offset), depth)
		} else {
			dst, err = f.appendMember(dst, key, p, depth)
		}
		if err != nil {
			return dst, within("."+f.name, err)
		}
	}
	return dst, nil
}

// appendMember appends key and value, or nothing if the value is to be left out.
func (f *fieldEncoder) appendMember(dst []byte, key string, p unsafe.Pointer, depth int) ([]byte, error) {
	for _, offset := range f.via {
		if p = *(*unsafe.Pointer)(unsafe.Add(p, offset)); p == nil {
			return dst, nil
		}
	}
	p = unsafe.Add(p, f.offset)
	if f.isZero != nil && f.isZero(p) {
		return dst, nil
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

// zeroTest returns how to find out that a value of type t is zero: by its method IsZero if it has one.
func zeroTest(t reflect.Type) func(unsafe.Pointer) bool {
	type isZeroer interface{ IsZero() bool }
	method := reflect.TypeFor[isZeroer]()
	switch {
	case t.Kind() == reflect.Interface && t.Implements(method):
		return func(p unsafe.Pointer) bool {
			v := reflect.NewAt(t, p).Elem()
			return v.IsNil() || v.Elem().Kind() == reflect.Pointer && v.Elem().IsNil() || v.Interface().(isZeroer).IsZero()
		}
	case t.Kind() == reflect.Pointer && t.Implements(method):
		return func(p unsafe.Pointer) bool {
			v := reflect.NewAt(t, p).Elem()
			return v.IsNil() || v.Interface().(isZeroer).IsZero()
		}
	case reflect.PointerTo(t).Implements(method):
		return func(p unsafe.Pointer) bool { return reflect.NewAt(t, p).Interface().(isZeroer).IsZero() }
	}
	return func(p unsafe.Pointer) bool { return reflect.NewAt(t, p).Elem().IsZero() }
}

// structMembers makes the plan for a struct. ok is false for structs that only jsonx understands.
func (c *encoderCompiler) structMembers(t reflect.Type) (members appendFunc, ok bool, err error) {
	list, layout := flatten(t)
	if layout != nil {
		return nil, false, layout
	}
	s := &structEncoder{fields: make([]fieldEncoder, 0, len(list))}
	for _, m := range list {
		f := fieldEncoder{name: m.name, offset: m.offset, via: m.via, omitEmpty: m.omitEmpty}
		f.key = string(append(jsonx.AppendString([]byte{','}, m.name), ':'))
		if m.omitZero {
			f.isZero = zeroTest(m.field.Type)
		}
		if f.enc, err = c.encoder(m.field.Type); err != nil {
			if p, ok := err.(predicate); ok {
				err = fieldError(m.owner, m.field, "%s", string(p))
			}
			return nil, true, err
		}
		if m.quoted {
			target := m.field.Type
			for target.Kind() == reflect.Pointer {
				target = target.Elem()
			}
			if encodesItself(target) || target == durationType {
				return nil, false, fieldError(m.owner, m.field, "has the json option string but writes itself: remove the option")
			}
			if !isNumber(target.Kind()) {
				return nil, true, fieldError(m.owner, m.field, "has the json option string, which fits numbers only: remove it")
			}
			enc := f.enc
			f.append = appendQuoted(func(dst []byte, p unsafe.Pointer, depth int) ([]byte, error) { return enc.append(dst, p, depth) })
		}
		f.plain = f.via == nil && f.isZero == nil && !f.omitEmpty && f.append == nil
		s.fields = append(s.fields, f)
	}
	return s.members, true, nil
}
