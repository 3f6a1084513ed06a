package encode

import (
	"errors"
	"fmt"
	"strings"
)

// maxErrorPath is the maximum number of steps that the path in an error message shows. A step is a field, a map key or
// a list index.
const maxErrorPath = 16

// Error reports that a part of a response cannot be written as JSON. Err is the reason; [Error.Path] returns the path
// of the part.
type Error struct {
	Err  error
	path []string // innermost step first
}

// Path returns the path of the part that cannot be written, such as "stats.mean" or "rows[2].ratio". The path is empty
// if Err concerns the whole response.
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

// Error returns a sentence that contains the path of the part and the reason e.Err.
func (e *Error) Error() string {
	if len(e.path) == 0 {
		return fmt.Sprintf("the output does not encode as JSON: %v", e.Err)
	}
	return fmt.Sprintf("the output field %s does not encode as JSON: %v", e.Path(), e.Err)
}

// Unwrap returns e.Err, the reason of the failure.
func (e *Error) Unwrap() error { return e.Err }

var (
	errTooDeep   = fmt.Errorf("it nests deeper than %d levels, as a value does that contains itself: break the cycle", maxDepth)
	errSameKey   = errors.New("two keys are duplicates once their invalid UTF-8 is replaced: use valid text as keys")
	errNotObject = errors.New("it is not a JSON object: answer with a struct or with a map that has string keys")
)

func errNotFinite(f float64) error {
	return &Error{Err: fmt.Errorf("%v is not a number that JSON knows: check for it before answering", f)}
}

// wrap returns err itself if err is an [*Error], or else a new [*Error] around err.
func wrap(err error) *Error {
	if e, ok := err.(*Error); ok {
		return e
	}
	return &Error{Err: err}
}

// inside adds an outer step, such as ".stats" or "[2]", to the path of err and returns err as an [*Error].
func inside(step string, err error) error {
	e := wrap(err)
	e.path = append(e.path, step)
	return e
}
