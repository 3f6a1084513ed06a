package cli

import (
	"fmt"
	"io"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/control"
	"github.com/actionhero-go/actionhero/internal/jsonx"
)

// exitCodes are the exit codes of the command `action` by the code of the error of the action. docs/command-line.md lists
// them, and scripts depend on them.
var exitCodes = map[actionhero.Code]int{
	actionhero.CodeInternal:          1, // and every error that is none of the action
	actionhero.CodeInvalidInput:      2, // and wrong flags
	actionhero.CodeNotFound:          3,
	actionhero.CodeAlreadyExists:     4,
	actionhero.CodeUnauthenticated:   5,
	actionhero.CodePermissionDenied:  6,
	actionhero.CodeResourceExhausted: 7,
	actionhero.CodeConflict:          8,
	actionhero.CodeCanceled:          9,
	actionhero.CodeDeadlineExceeded:  10,
	actionhero.CodeUnavailable:       11,
}

// failure is an error with the exit code of the process, and the faults of the single inputs.
type failure struct {
	code    int
	err     error
	details []actionhero.Detail
	hint    string
	printed bool // each error has been printed already
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// print writes the error, a line for each fault if there are several, and the hint.
func (f *failure) print(w io.Writer) {
	if f.printed {
		return
	}
	fmt.Fprintln(w, "Error:", printable(f.Error()))
	if len(f.details) > 1 {
		for _, d := range f.details {
			fmt.Fprintln(w, "      ", printable(d.Message))
		}
	}
	if f.hint != "" {
		fmt.Fprintln(w, "      ", printable(f.hint))
	}
}

// usage is a failure because of wrong arguments or flags.
func usage(format string, args ...any) *failure {
	return &failure{code: exitCodes[actionhero.CodeInvalidInput], err: fmt.Errorf(format, args...)}
}

// failed returns the failure for the error of an action.
func failed(err error) *failure {
	e := actionhero.AsError(err)
	return &failure{code: exitCodes[e.Code], err: e, details: e.Details}
}

// failedThere returns the failure for the error that an action has in a running server.
func failedThere(e *control.Error) *failure {
	f := &failure{code: 1, err: e}
	for code, exit := range exitCodes {
		if code.String() == e.Code {
			f.code = exit
		}
	}
	_ = jsonx.Unmarshal(e.Details, &f.details) // of another version: the message is enough
	return f
}
