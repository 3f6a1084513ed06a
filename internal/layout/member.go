package layout

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// Member is one member of the JSON object that corresponds to a struct. The object of the outer struct also contains
// the members of embedded structs.
type Member struct {
	Owner     reflect.Type // the struct that declares the field
	Field     reflect.StructField
	Name      string
	OmitEmpty bool
	OmitZero  bool
	Quoted    bool      // json:",string"
	Via       []uintptr // offsets of the embedded pointers to follow first; each offset counts from the target of the previous pointer
	Offset    uintptr   // offset of the field from the target of the last pointer in Via, or from the struct if Via is empty
}

// Members returns the members of the JSON object for the struct type t, in the order of declaration. The name of a
// member is the name in the json tag of the field, or else the unchanged name of the field. Members omits fields with
// json:"-" and unexported fields. It returns an error if a declaration is ambiguous or invalid; the error names the
// field and the remedy. The caller must not change the members.
func Members(t reflect.Type) ([]Member, error) {
	if known := latest.find(t); known != nil {
		return known.members, known.err
	}
	members, err := membersOf(t)
	latest.add(&listed{t, members, err})
	return members, err
}

// latest holds the members of the last types. The start of an app asks for the members of a type several times in a row, for
// its plans and its schemas, and never again.
var latest memo

type memo struct {
	mu    sync.Mutex
	next  int
	types [4]*listed
}

// listed is what Members returns for a type.
type listed struct {
	t       reflect.Type
	members []Member
	err     error
}

func (c *memo) find(t reflect.Type) *listed {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, known := range c.types {
		if known != nil && known.t == t {
			return known
		}
	}
	return nil
}

func (c *memo) add(l *listed) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.types[c.next] = l
	c.next = (c.next + 1) % len(c.types)
}

func membersOf(t reflect.Type) ([]Member, error) {
	f := flattener{members: make([]Member, 0, t.NumField()), embedded: []reflect.Type{t}}
	err := f.walk(t, 0, nil)
	return f.members, err
}

// flattener collects the members of a struct and of the structs embedded in it.
type flattener struct {
	members  []Member
	embedded []reflect.Type
}

// walk adds the members of the struct type t. If via is empty, the struct begins base bytes after the start of the
// outermost struct. Otherwise the struct begins base bytes after the target of the last pointer in via.
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
		m := Member{Owner: t, Field: sf, Via: via, Offset: base + sf.Offset}
		if err := m.parseTag(tag); err != nil {
			return err
		}
		if err := f.add(m); err != nil {
			return err
		}
	}
	if !usable {
		return fmt.Errorf("%v has no exported fields: export those that clients may see", t)
	}
	return nil
}

func (f *flattener) add(m Member) error {
	if m.Field.Anonymous && m.Name == "" {
		return f.embed(m)
	}
	if !m.Field.IsExported() {
		return m.Errorf("is embedded under a name but its type is not exported: export the type")
	}
	if m.Name == "" {
		m.Name = m.Field.Name
	}
	for i := range f.members { // a map would cost more for the few fields of a usual struct
		if f.members[i].Name == m.Name {
			return m.Errorf("has the name %q, as field %s has: rename one of them with a json tag", m.Name, f.members[i].Field.Name)
		}
	}
	f.members = append(f.members, m)
	return nil
}

// embed adds the members of the struct that the field m embeds. It returns an error if m is not a plain struct or if
// the type of m is already embedded.
func (f *flattener) embed(m Member) error {
	t := m.Field.Type
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t.Kind() != reflect.Struct:
		return m.Errorf("is embedded but not a struct: give it a name with a json tag")
	case EncodesItself(t) || DecodesItself(t):
		return m.Errorf("is embedded but encodes or decodes itself: give it a name with a json tag")
	case m.OmitEmpty || m.OmitZero || m.Quoted:
		return m.Errorf("is embedded, so its json tag can have a name only: remove the option")
	case slices.Contains(f.embedded, t):
		return m.Errorf("embeds %v a second time: give one of them a name with a json tag", t)
	}
	f.embedded = append(f.embedded, t)
	if m.Field.Type.Kind() != reflect.Pointer {
		return f.walk(t, m.Offset, m.Via)
	}
	via := append(append([]uintptr(nil), m.Via...), m.Offset)
	return f.walk(t, 0, via)
}

// parseTag parses a json tag, which is a name and options separated by commas, and sets the fields of m. It returns an
// error for an invalid name or an unknown or repeated option.
func (m *Member) parseTag(tag string) error {
	name, rest, more := strings.Cut(tag, ",")
	if strings.ContainsAny(name, "\\'\"`") || !utf8.ValidString(name) {
		return m.Errorf("has the name %q, with a quote, a backslash or invalid UTF-8: choose another one", name)
	}
	m.Name = name
	for more {
		var option string
		option, rest, more = strings.Cut(rest, ",")
		var flag *bool
		switch option {
		case "omitempty":
			flag = &m.OmitEmpty
		case "omitzero":
			flag = &m.OmitZero
		case "string":
			flag = &m.Quoted
		default:
			return m.Errorf("has the json option %q, which is not known here: use omitempty, omitzero, string or none", option)
		}
		if *flag {
			return m.Errorf("has the json option %q twice: remove one", option)
		}
		*flag = true
	}
	return nil
}
