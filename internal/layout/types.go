package layout

import (
	"encoding"
	"reflect"

	"github.com/go-json-experiment/json"
)

var (
	jsonMarshalers   = []reflect.Type{reflect.TypeFor[json.MarshalerTo](), reflect.TypeFor[json.Marshaler]()}
	textMarshalers   = []reflect.Type{reflect.TypeFor[encoding.TextAppender](), reflect.TypeFor[encoding.TextMarshaler]()}
	jsonUnmarshalers = []reflect.Type{reflect.TypeFor[json.UnmarshalerFrom](), reflect.TypeFor[json.Unmarshaler]()}
	textUnmarshalers = []reflect.Type{reflect.TypeFor[encoding.TextUnmarshaler]()}
)

// MarshalsJSON reports whether t has a method that writes a value as JSON. A method of *t counts as a method of t.
// MarshalsJSON returns false for pointer and interface types; callers examine the type that the pointer or interface
// leads to. The other functions of this file follow the same rules.
func MarshalsJSON(t reflect.Type) bool { return implementsAny(t, jsonMarshalers) }

// MarshalsText reports whether t has a method that writes a value as text. In JSON, the text becomes a string.
func MarshalsText(t reflect.Type) bool { return implementsAny(t, textMarshalers) }

// UnmarshalsJSON reports whether t has a method that decodes a value from JSON.
func UnmarshalsJSON(t reflect.Type) bool { return implementsAny(t, jsonUnmarshalers) }

// UnmarshalsText reports whether t has a method that decodes a value from text.
func UnmarshalsText(t reflect.Type) bool { return implementsAny(t, textUnmarshalers) }

// EncodesItself reports whether t has a method that writes a value as JSON or as text.
func EncodesItself(t reflect.Type) bool { return MarshalsJSON(t) || MarshalsText(t) }

// DecodesItself reports whether t has a method that decodes a value from JSON or from text.
func DecodesItself(t reflect.Type) bool { return UnmarshalsJSON(t) || UnmarshalsText(t) }

func implementsAny(t reflect.Type, interfaces []reflect.Type) bool {
	if t.Kind() == reflect.Pointer || t.Kind() == reflect.Interface || t.PkgPath() == "" && t.Kind() != reflect.Struct {
		return false // a type without a name has no methods, except those of embedded fields
	}
	for _, i := range interfaces {
		if reflect.PointerTo(t).Implements(i) {
			return true
		}
	}
	return false
}

// IsByte reports whether t is the type byte (uint8) itself, not a named type of the same kind. In JSON, a list of bytes
// is base64 text.
func IsByte(t reflect.Type) bool { return t.Kind() == reflect.Uint8 && t.PkgPath() == "" }

// IsNumber reports whether k is the kind of an integer or of a floating-point number.
func IsNumber(k reflect.Kind) bool { return k >= reflect.Int && k <= reflect.Float64 }
