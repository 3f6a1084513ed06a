package encode

import (
	"reflect"

	"github.com/actionhero-go/actionhero/internal/layout"
)

// Names returns the names of the members that a value of type t, or that t points to, can have. Names returns ok false
// if the names are known only when the value is written: for a map, and for a type that encodes itself.
func Names(t reflect.Type) (names []string, ok bool) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || layout.EncodesItself(t) {
		return nil, false
	}
	members, err := layout.Members(t)
	for i := range members {
		names = append(names, members[i].Name)
	}
	return names, err == nil
}
