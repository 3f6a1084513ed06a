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

// MarshalsJSON reports whether t has a method that writes its JSON. Here and in the functions below, methods of *t count
// as methods of t, and pointer and interface types have none: the type they lead to is examined instead.
func MarshalsJSON(t reflect.Type) bool { return implementsAny(t, jsonMarshalers) }

// MarshalsText reports whether t has a method that writes it as text, which becomes a JSON string.
func MarshalsText(t reflect.Type) bool { return implementsAny(t, textMarshalers) }

// UnmarshalsJSON reports whether t has a method that reads its JSON.
func UnmarshalsJSON(t reflect.Type) bool { return implementsAny(t, jsonUnmarshalers) }

// UnmarshalsText reports whether t has a method that reads its text.
func UnmarshalsText(t reflect.Type) bool { return implementsAny(t, textUnmarshalers) }

// EncodesItself reports whether t has a method that writes its JSON or its text.
func EncodesItself(t reflect.Type) bool { return MarshalsJSON(t) || MarshalsText(t) }

// DecodesItself reports whether t has a method that reads its JSON or its text.
func DecodesItself(t reflect.Type) bool { return UnmarshalsJSON(t) || UnmarshalsText(t) }

func implementsAny(t reflect.Type, interfaces []reflect.Type) bool {
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

// IsByte reports whether a list of t is base64 in JSON.
func IsByte(t reflect.Type) bool { return t.Kind() == reflect.Uint8 && t.PkgPath() == "" }

// IsNumber reports whether k is an integer or a floating-point number.
func IsNumber(k reflect.Kind) bool { return k >= reflect.Int && k <= reflect.Float64 }
