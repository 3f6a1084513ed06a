package schema

import (
	"reflect"
	"strconv"

	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/layout"
)

// The values of the keyword "type" in JSON Schema.
const (
	typeString  = "string"
	typeInteger = "integer"
	typeNumber  = "number"
	typeBoolean = "boolean"
	typeArray   = "array"
	typeObject  = "object"
)

// target returns the type that t points to, or whose values t holds as an actionhero.Optional, through up to 8 levels. It
// returns t itself if t is neither. For a type with more levels, such as a type that points to itself, it returns any.
func target(t reflect.Type) reflect.Type {
	for range 8 {
		if t.Kind() == reflect.Pointer {
			t = t.Elem()
		} else if o, ok := layout.OptionalOf(t); ok {
			t = o.Elem
		}
	}
	if t.Kind() == reflect.Pointer {
		return anyType
	}
	return t
}

// jsonType returns the JSON Schema type and format, such as "string" and "date-time", for the JSON of a value of the Go
// type t. Both are empty if the value may be any JSON. fileType is the type of uploaded files.
func jsonType(t reflect.Type, fileType reflect.Type) (name, format string) {
	t = target(t)
	switch {
	case t == timeType:
		return typeString, "date-time"
	case t == durationType:
		return typeString, ""
	case layout.IsDate(t):
		return typeString, "date"
	case fileType != nil && t == fileType:
		return typeString, "binary"
	case layout.UnmarshalsJSON(t) || layout.MarshalsJSON(t):
		return "", ""
	case layout.UnmarshalsText(t) || layout.MarshalsText(t):
		return typeString, ""
	}
	switch k := t.Kind(); k {
	case reflect.String:
		return typeString, ""
	case reflect.Bool:
		return typeBoolean, ""
	case reflect.Float32, reflect.Float64:
		return typeNumber, ""
	case reflect.Struct, reflect.Map:
		return typeObject, ""
	case reflect.Slice, reflect.Array:
		if layout.IsByte(t.Elem()) {
			return typeString, ""
		}
		return typeArray, ""
	default:
		if layout.IsNumber(k) {
			return typeInteger, ""
		}
	}
	return "", ""
}

// describe returns the description of the input f. fileType is the type of uploaded files.
func (f *inputField) describe(fileType reflect.Type) Field {
	out := Field{
		Name: f.name, Doc: f.doc, Default: f.def, Example: f.example, Pattern: f.rules.pattern,
		Minimum: f.rules.minimum, Maximum: f.rules.maximum,
		Required: f.required, Secret: f.secret, File: f.plan.file != nil,
	}
	out.Type, out.Format = jsonType(f.member.Field.Type, fileType)
	if out.Type == typeArray {
		out.Items, out.Format = jsonType(target(f.member.Field.Type).Elem(), fileType)
	}
	if f.rules.format != "" {
		out.Format = f.rules.format
	}
	if f.rules.enum != "" {
		out.Enum = splitList(f.rules.enum)
	}
	return out
}

// appendTagValue converts text, the content of a default or example tag, to a JSON value of type t and appends the JSON
// to dst. It returns false if text is not a value of that type.
func appendTagValue(dst []byte, t reflect.Type, text string) ([]byte, bool) {
	t = target(t)
	name, _ := jsonType(t, nil)
	switch name {
	case typeString:
		return jsonx.AppendString(dst, text), true
	case typeBoolean:
		b, err := strconv.ParseBool(text)
		return strconv.AppendBool(dst, b), err == nil
	case typeInteger, typeNumber:
		return appendTagNumber(dst, t, text)
	case typeArray:
		if !isJSON(text, '[') {
			return appendTagList(dst, t.Elem(), splitList(text))
		}
	case typeObject:
		return jsonx.AppendRaw(dst, []byte(text)), isJSON(text, '{')
	}
	if !isJSON(text, 0) {
		return jsonx.AppendString(dst, text), true
	}
	return jsonx.AppendRaw(dst, []byte(text)), true
}

func appendTagNumber(dst []byte, t reflect.Type, text string) ([]byte, bool) {
	v := reflect.New(t)
	if scalarPlans[t.Kind()].set(layout.AddressOf(v.Elem()), text, fromText) != accepted {
		return dst, false
	}
	dst, err := jsonx.Append(dst, v.Interface())
	return dst, err == nil
}

func appendTagList(dst []byte, elem reflect.Type, texts []string) ([]byte, bool) {
	dst = append(dst, '[')
	for i, text := range texts {
		if i > 0 {
			dst = append(dst, ',')
		}
		var ok bool
		if dst, ok = appendTagValue(dst, elem, text); !ok {
			return dst, false
		}
	}
	return append(dst, ']'), true
}

// isJSON reports whether text is a JSON value that begins with the byte open. If open is 0, the value may begin with
// any byte.
func isJSON(text string, open byte) bool {
	raw := trim([]byte(text))
	return len(raw) > 0 && (open == 0 || raw[0] == open) && jsonx.Valid(raw) == nil
}
