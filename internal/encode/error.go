package encode

import (
	"errors"
	"fmt"
	"strings"
)

// maxErrorPath is the largest number of steps in the path of an error message.
const maxErrorPath = 16

// Error says which part of an answer cannot be written as JSON.
type Error struct {
	Err  error
	path []string // innermost step first
}

// Path returns the path of the part: "stats.mean", "rows[2].ratio". It is empty if Err concerns the whole answer.
func (e *Error) Path() string {
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
func (e *Error) Error() string {
	if len(e.path) == 0 {
		return fmt.Sprintf("the output does not encode as JSON: %v", e.Err)
	}
	return fmt.Sprintf("the output field %s does not encode as JSON: %v", e.Path(), e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

var (
	errTooDeep   = fmt.Errorf("it nests deeper than %d levels, as a value does that contains itself: break the cycle", maxDepth)
	errNotObject = errors.New("it is not a JSON object: answer with a struct or with a map that has string keys")
)

func errNotFinite(f float64) error {
	return &Error{Err: fmt.Errorf("%v is not a number that JSON knows: check for it before answering", f)}
}

// wrap returns err as an [*Error].
func wrap(err error) *Error {
	if e, ok := err.(*Error); ok {
		return e
	}
	return &Error{Err: err}
}

// inside returns err with one more outer step in its path.
func inside(step string, err error) error {
	e := wrap(err)
	e.path = append(e.path, step)
	return e
}
