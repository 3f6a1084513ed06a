package setting

import (
	"encoding"
	"reflect"
	"strings"
	"time"
)

// Class determines how the values of a Go type are parsed, for example as a duration or as a list.
type Class int

// The classes of Go types. Values of a type of class Invalid cannot be parsed.
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

// Tags holds the struct tags of a field that declares a setting. The package comment explains each tag.
type Tags struct {
	Default, Auto, Min, Max, Range, Unit, Doc, Limit, Reached string

	Enum   []string
	Also   []string // with min or max
	Secret bool
}

func tagsOf(tag reflect.StructTag) Tags {
	g := Tags{
		Default: tag.Get("default"), Auto: tag.Get("auto"), Min: tag.Get("min"), Max: tag.Get("max"), Range: tag.Get("range"),
		Unit: tag.Get("unit"), Doc: tag.Get("doc"), Secret: tag.Get("secret") == "true",
		Limit: tag.Get("limit"), Reached: tag.Get("reached"),
	}
	if list := tag.Get("enum"); list != "" {
		g.Enum = strings.Split(list, ",")
	}
	if list := tag.Get("also"); list != "" {
		g.Also = strings.Split(list, ",")
	}
	return g
}

// Field is one key of a struct of settings, with the Go field that declares the key.
type Field struct {
	Name  string
	Index []int
	Type  reflect.Type
	Tags  Tags

	// Inline reports whether the field belongs to a struct with the tag json:",inline". Two inline fields may have the
	// same key if they have the same Type and the same Tag. The key then sets both fields.
	Inline bool
	Tag    reflect.StructTag
}

// Fields returns the keys of the struct type t, in the order of its fields. An embedded struct without a json name adds
// its keys to the enclosing struct. A struct with the tag json:",inline" does the same.
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

// Class returns the class of the field's type.
func (f *Field) Class() Class { return ClassOf(f.Type, f.Tags) }

// ClassOf returns the class of the Go type t. A pointer type has the class of the type that it points to. An integer
// type with the tag unit:"bytes" has the class Size.
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
