package layout

import (
	"fmt"
	"reflect"
)

// problem is a fault of a field that is not named yet. The text completes "field X of T ".
type problem string

func (p problem) Error() string { return string(p) }

// Problem returns an error for a type that is at fault wherever it is used. [Member.Explain] adds the name of the field.
func Problem(format string, args ...any) error { return problem(fmt.Sprintf(format, args...)) }

// Explain returns err with the name of the field in front if err is a [Problem], and err itself otherwise.
func (m *Member) Explain(err error) error {
	if p, ok := err.(problem); ok {
		return m.Errorf("%s", string(p))
	}
	return err
}

// Errorf returns an error that begins with "field X of T ".
func (m *Member) Errorf(format string, args ...any) error {
	return fieldError(m.Owner, m.Field, format, args...)
}

func fieldError(t reflect.Type, sf reflect.StructField, format string, args ...any) error {
	return fmt.Errorf("field %s of %v "+format, append([]any{sf.Name, t}, args...)...)
}
