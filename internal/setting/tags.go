package setting

import (
	"encoding"
	"reflect"
	"strings"
	"time"
)

// Class is how the values of a type are read.
type Class int

// The classes. Values of Invalid types cannot be read.
const (
	Invalid Class = iota
	Struct
	List
	Map
	Text // encoding.TextUnmarshaler
	String
	Bool
	Int
	Uint
	Float
	Duration
	Size
)

var (
	durationType        = reflect.TypeFor[time.Duration]()
	textUnmarshalerType = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// Tags are the tags of a field, as the package comment explains them.
type Tags struct {
	Default, Auto, Min, Max, Range, Unit, Doc string

	Enum   []string
	Secret bool
}

func tagsOf(tag reflect.StructTag) Tags {
	g := Tags{
		Default: tag.Get("default"), Auto: tag.Get("auto"), Min: tag.Get("min"), Max: tag.Get("max"), Range: tag.Get("range"),
		Unit: tag.Get("unit"), Doc: tag.Get("doc"), Secret: tag.Get("secret") == "true",
	}
	if list := tag.Get("enum"); list != "" {
		g.Enum = strings.Split(list, ",")
	}
	return g
}

// Field is one key of a struct.
type Field struct {
	Name  string
	Index []int
	Type  reflect.Type
	Tags  Tags

	// Inline tells that the field belongs to a struct with the tag json:",inline". Two of these may share a key if they are
	// declared alike, with the same Tag: the key then sets both.
	Inline bool
	Tag    reflect.StructTag
}

// Fields returns the keys of a struct, in the order of its fields. An embedded struct without a json name, and a struct with
// the tag json:",inline", give their keys to the struct around them.
func Fields(t reflect.Type) []Field {
	var out []Field
	for sf := range t.Fields() {
		name, options, _ := strings.Cut(sf.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		inline := options == "inline"
		if (sf.Anonymous || inline) && name == "" && sf.Type.Kind() == reflect.Struct && ClassOf(sf.Type, Tags{}) == Struct {
			for _, inner := range Fields(sf.Type) {
				inner.Index = append([]int{sf.Index[0]}, inner.Index...)
				inner.Inline = inner.Inline || inline
				out = append(out, inner)
			}
			continue
		}
		if !sf.IsExported() {
			continue
		}
		if name == "" {
			name = sf.Name
		}
		out = append(out, Field{Name: name, Index: sf.Index, Type: sf.Type, Tags: tagsOf(sf.Tag), Tag: sf.Tag})
	}
	return out
}

// Class returns how the values of the field are read.
func (f *Field) Class() Class { return ClassOf(f.Type, f.Tags) }

// ClassOf returns how values of a type are read. A pointer is read like the type it points to.
func ClassOf(t reflect.Type, g Tags) Class {
	switch {
	case reflect.PointerTo(t).Implements(textUnmarshalerType):
		return Text
	case t == durationType:
		return Duration
	}
	switch t.Kind() {
	case reflect.Pointer:
		return ClassOf(t.Elem(), g)
	case reflect.Struct:
		return Struct
	case reflect.Slice:
		return List
	case reflect.Map:
		if t.Key().Kind() == reflect.String {
			return Map
		}
	case reflect.String:
		return String
	case reflect.Bool:
		return Bool
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		if g.Unit == "bytes" {
			return Size
		}
		return Int
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return Uint
	case reflect.Float32, reflect.Float64:
		return Float
	}
	return Invalid
}
