package schema

import (
	"reflect"
	"strconv"
)

// Types in the words of JSON Schema.
const (
	typeString  = "string"
	typeInteger = "integer"
	typeNumber  = "number"
	typeBoolean = "boolean"
	typeArray   = "array"
	typeObject  = "object"
)

// target is what a pointer points to, through several if need be. A type of pointers to itself is taken for any.
func target(t reflect.Type) reflect.Type {
	for range 8 {
		if t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
	}
	if t.Kind() == reflect.Pointer {
		return anyType
	}
	return t
}

// jsonType names the type and the format of the JSON that a Go type is written as or read from; both are empty for a
// type that may be anything.
func jsonType(t reflect.Type, fileType reflect.Type) (name, format string) {
	t = target(t)
	switch {
	case t == timeType:
		return typeString, "date-time"
	case t == durationType:
		return typeString, ""
	case fileType != nil && t == fileType:
		return typeString, "binary"
	case implements(t, jsonUnmarshalTypes...) || implements(t, jsonMarshalTypes...):
		return "", ""
	case implements(t, textUnmarshalerType) || implements(t, textMarshalerTypes...):
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
		if isByte(t.Elem()) {
			return typeString, ""
		}
		return typeArray, ""
	default:
		if isNumber(k) {
			return typeInteger, ""
		}
	}
	return "", ""
}

// isByte reports whether a list of t is written as base64.
func isByte(t reflect.Type) bool { return t.Kind() == reflect.Uint8 && t.PkgPath() == "" }

// describe returns what documentation says about an input.
func (f *inputField) describe(fileType reflect.Type) Field {
	out := Field{
		Name: f.name, Doc: f.doc, Default: f.def, Example: f.example, Pattern: f.rules.pattern,
		Required: f.required, Secret: f.secret, File: f.codec.file != nil,
	}
	out.Type, out.Format = jsonType(f.member.field.Type, fileType)
	if out.Type == typeArray {
		out.Items, out.Format = jsonType(target(f.member.field.Type).Elem(), fileType)
	}
	if f.rules.format != "" {
		out.Format = f.rules.format
	}
	if f.rules.enum != "" {
		out.Enum = splitList(f.rules.enum)
	}
	return out
}

// appendTagValue appends the text of a default or example tag as the JSON of a value of type t. It reports whether the
// text is such a value.
func appendTagValue(dst []byte, t reflect.Type, text string) ([]byte, bool) {
	t = target(t)
	name, _ := jsonType(t, nil)
	switch name {
	case typeString:
		return jsonString(dst, text), true
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
		return jsonRaw(dst, text), isJSON(text, '{')
	}
	if !isJSON(text, 0) {
		return jsonString(dst, text), true
	}
	return jsonRaw(dst, text), true
}

func appendTagNumber(dst []byte, t reflect.Type, text string) ([]byte, bool) {
	p := reflect.New(t).UnsafePointer()
	if scalarCodecs[t.Kind()].set(p, text, fromText) != good {
		return dst, false
	}
	dst, err := scalars[t.Kind()](dst, p, 0)
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
