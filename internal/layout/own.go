package layout

import (
	"reflect"
	"strings"
)

// module is the path of the package that declares the types Date and Optional. Packages under internal cannot import it.
const module = "github.com/actionhero-go/actionhero"

// IsDate reports whether t is actionhero.Date.
func IsDate(t reflect.Type) bool { return t.PkgPath() == module && t.Name() == "Date" }

// Optional holds the parts of a type actionhero.Optional[T].
type Optional struct {
	Elem  reflect.Type // T
	value uintptr      // the offset of the field Value
}

// OptionalOf returns the parts of t. It returns false if t is not an actionhero.Optional.
func OptionalOf(t reflect.Type) (o Optional, ok bool) {
	if t.Kind() != reflect.Struct || t.PkgPath() != module || !strings.HasPrefix(t.Name(), "Optional[") {
		return o, false
	}
	value := t.Field(2)
	return Optional{value.Type, value.Offset}, true
}

// State returns the fields Set and Null of the optional value at p.
func (o Optional) State(p Pointer) (set, null *bool) { return As[bool](p), As[bool](p.Field(1)) }

// Value returns a Pointer to the field Value of the optional value at p.
func (o Optional) Value(p Pointer) Pointer { return p.Field(o.value) }
