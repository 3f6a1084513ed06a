package schema

import (
	"fmt"
	"strings"
)

// maxErrorPath is how many steps of the way to a bad value an error names.
const maxErrorPath = 16

// EncodeError says which part of an answer cannot be written as JSON.
type EncodeError struct {
	Err  error
	path []string // from the inside out
}

// Path returns where the part is: "stats.mean", "rows[2].ratio". It is empty if the whole answer is meant.
func (e *EncodeError) Path() string {
	var b strings.Builder
	for i := len(e.path) - 1; i >= 0; i-- {
		if len(e.path)-i > maxErrorPath {
			b.WriteString("…")
			break
		}
		b.WriteString(e.path[i])
	}
	return strings.TrimPrefix(b.String(), ".")
}

// Error returns a sentence that names the part.
func (e *EncodeError) Error() string {
	if len(e.path) == 0 {
		return fmt.Sprintf("the output does not encode as JSON: %v", e.Err)
	}
	return fmt.Sprintf("the output field %s does not encode as JSON: %v", e.Path(), e.Err)
}

// Unwrap returns the cause.
func (e *EncodeError) Unwrap() error { return e.Err }

var errTooDeep = fmt.Errorf("it nests deeper than %d levels, as a value does that contains itself: break the cycle", maxEncodeDepth)

func notFinite(f float64) error {
	return &EncodeError{Err: fmt.Errorf("%v is not a number that JSON knows: check for it before answering", f)}
}

// within adds a step to the way an error shows.
func within(step string, err error) error {
	e, ok := err.(*EncodeError)
	if !ok {
		e = &EncodeError{Err: err}
	}
	e.path = append(e.path, step)
	return e
}
