package schema

import (
	"encoding"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
)

var (
	timeType     = reflect.TypeFor[time.Time]()
	durationType = reflect.TypeFor[time.Duration]()
	anyType      = reflect.TypeFor[any]()

	textUnmarshalerType = reflect.TypeFor[encoding.TextUnmarshaler]()
	textMarshalerTypes  = []reflect.Type{reflect.TypeFor[encoding.TextAppender](), reflect.TypeFor[encoding.TextMarshaler]()}
	jsonUnmarshalTypes  = []reflect.Type{reflect.TypeFor[json.UnmarshalerFrom](), reflect.TypeFor[json.Unmarshaler]()}
	jsonMarshalTypes    = []reflect.Type{reflect.TypeFor[json.MarshalerTo](), reflect.TypeFor[json.Marshaler]()}
)

// implements reports whether t, or a pointer to it, has the methods of one of the interfaces. Pointers and interfaces
// have none of their own: what they point to is asked.
func implements(t reflect.Type, interfaces ...reflect.Type) bool {
	if t.Kind() == reflect.Pointer || t.Kind() == reflect.Interface {
		return false
	}
	for _, i := range interfaces {
		if reflect.PointerTo(t).Implements(i) {
			return true
		}
	}
	return false
}

func encodesItself(t reflect.Type) bool {
	return implements(t, jsonMarshalTypes...) || implements(t, textMarshalerTypes...)
}

func decodesItself(t reflect.Type) bool {
	return implements(t, jsonUnmarshalTypes...) || implements(t, textUnmarshalerType)
}

// member is one member of a struct's JSON object; those of embedded structs are among the outer one's.
type member struct {
	owner     reflect.Type // the struct that declares it
	field     reflect.StructField
	name      string
	omitEmpty bool
	omitZero  bool
	quoted    bool      // json:",string"
	via       []uintptr // embedded pointers to follow first, each at an offset from the one before
	offset    uintptr   // from the last of them, or from the struct
}

// flatten lists the members of t in the order of their declaration. It fails for what has no one obvious meaning; the
// error names the field and the remedy.
func flatten(t reflect.Type) ([]member, error) {
	f := flattener{embedded: map[reflect.Type]bool{t: true}, names: map[string]string{}}
	err := f.walk(t, 0, nil)
	return f.members, err
}

type flattener struct {
	members  []member
	embedded map[reflect.Type]bool
	names    map[string]string // the Go field that has a name
}

func (f *flattener) walk(t reflect.Type, base uintptr, via []uintptr) error {
	usable := t.NumField() == 0
	for sf := range t.Fields() {
		tag, tagged := sf.Tag.Lookup("json")
		usable = usable || tagged
		if tag == "-" {
			continue
		}
		if !sf.IsExported() && !sf.Anonymous {
			if tagged {
				return fieldError(t, sf, "has a json tag but is not exported: export it or remove the tag")
			}
			continue
		}
		usable = true
		m := member{owner: t, field: sf, via: via, offset: base + sf.Offset}
		if err := m.parseTag(t, tag); err != nil {
			return err
		}
		if err := f.add(t, m); err != nil {
			return err
		}
	}
	if !usable {
		return fmt.Errorf("%v has no exported fields: export those that clients may see", t)
	}
	return nil
}

func (f *flattener) add(t reflect.Type, m member) error {
	if m.field.Anonymous && m.name == "" {
		return f.embed(t, m)
	}
	if !m.field.IsExported() {
		return fieldError(t, m.field, "is embedded under a name but its type is not exported: export the type")
	}
	if m.name == "" {
		m.name = m.field.Name
	}
	if other, taken := f.names[m.name]; taken {
		return fieldError(t, m.field, "has the name %q, as field %s has: rename one of them with a json tag", m.name, other)
	}
	f.names[m.name] = m.field.Name
	f.members = append(f.members, m)
	return nil
}

func (f *flattener) embed(t reflect.Type, m member) error {
	et := m.field.Type
	if et.Kind() == reflect.Pointer {
		et = et.Elem()
	}
	switch {
	case et.Kind() != reflect.Struct:
		return fieldError(t, m.field, "is embedded but not a struct: give it a name with a json tag")
	case encodesItself(et) || decodesItself(et):
		return fieldError(t, m.field, "is embedded but encodes or decodes itself: give it a name with a json tag")
	case m.omitEmpty || m.omitZero || m.quoted:
		return fieldError(t, m.field, "is embedded, so its json tag can have a name only: remove the option")
	case f.embedded[et]:
		return fieldError(t, m.field, "embeds %v a second time: give one of them a name with a json tag", et)
	}
	f.embedded[et] = true
	if m.field.Type.Kind() != reflect.Pointer {
		return f.walk(et, m.offset, m.via)
	}
	via := append(append([]uintptr(nil), m.via...), m.offset)
	return f.walk(et, 0, via)
}

// parseTag reads a json tag: a name and options, separated by commas.
func (m *member) parseTag(t reflect.Type, tag string) error {
	name, rest, more := strings.Cut(tag, ",")
	if strings.ContainsAny(name, "\\'\"`") || !utf8.ValidString(name) {
		return fieldError(t, m.field, "has the name %q, with a quote, a backslash or invalid UTF-8: choose another one", name)
	}
	m.name = name
	for more {
		var option string
		option, rest, more = strings.Cut(rest, ",")
		var flag *bool
		switch option {
		case "omitempty":
			flag = &m.omitEmpty
		case "omitzero":
			flag = &m.omitZero
		case "string":
			flag = &m.quoted
		default:
			return fieldError(t, m.field, "has the json option %q, which is not known here: use omitempty, omitzero, string or none", option)
		}
		if *flag {
			return fieldError(t, m.field, "has the json option %q twice: remove one", option)
		}
		*flag = true
	}
	return nil
}

// fieldError makes a sentence about a field.
func fieldError(t reflect.Type, sf reflect.StructField, format string, args ...any) error {
	return fmt.Errorf("field %s of %v "+format, append([]any{sf.Name, t}, args...)...)
}
