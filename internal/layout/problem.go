package layout

import (
	"fmt"
	"reflect"
)

// problem is an error about a field, without the name of the field. Its text completes the sentence "field X of T ".
type problem string

func (p problem) Error() string { return string(p) }

// Problem returns an error for a type that no field may have. [Member.Explain] adds the name of the field to the error.
func Problem(format string, args ...any) error { return problem(fmt.Sprintf(format, args...)) }

// Explain adds the name of the field m to the beginning of err if [Problem] created err. It returns any other err
// unchanged.
func (m *Member) Explain(err error) error {
	if p, ok := err.(problem); ok {
		return m.Errorf("%s", string(p))
	}
	return err
}

// Errorf returns an error that begins with "field X of T ", where X is the field of m and T is the struct that declares
// the field.
func (m *Member) Errorf(format string, args ...any) error {
	return fieldError(m.Owner, m.Field, format, args...)
}

func fieldError(t reflect.Type, sf reflect.StructField, format string, args ...any) error {
	return fmt.Errorf("field %s of %v "+format, append([]any{sf.Name, t}, args...)...)
}
