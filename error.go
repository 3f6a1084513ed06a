package actionhero

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/actionhero-go/actionhero/internal/jsonx"
)

// Code is the kind of a failure. The list is closed, because every transport maps each code to its own wire, for
// example to an HTTP status.
type Code uint8

// The codes, with the HTTP status that package web gives each.
const (
	CodeInternal          Code = iota // 500: a failure whose cause the client must not see
	CodeInvalidInput                  // 400: an input is missing or breaks a rule
	CodeNotFound                      // 404: no such action, record or file
	CodeAlreadyExists                 // 409: it is there already
	CodeUnauthenticated               // 401: the client has not identified itself
	CodePermissionDenied              // 403: this client is not allowed to do this
	CodeResourceExhausted             // 429: a limit or quota is used up; see Error.RetryAfter
	CodeConflict                      // 409: the state of the record does not allow it now
	CodeCanceled                      // 499: the client disconnected, or the server cancelled the request
	CodeDeadlineExceeded              // 504: the time limit has passed
	CodeUnavailable                   // 503: try again later
	codeCount
)

var codeNames = [codeCount]string{
	"internal", "invalid_input", "not_found", "already_exists", "unauthenticated", "permission_denied",
	"resource_exhausted", "conflict", "canceled", "deadline_exceeded", "unavailable",
}

// String returns the code in snake case, as it appears in logs and metrics.
func (c Code) String() string {
	if c < codeCount {
		return codeNames[c]
	}
	return fmt.Sprintf("code(%d)", uint8(c))
}

// Texts for clients where the text of the failure itself is internal.
const (
	internalText = "The server experienced an internal error"
	deadlineText = "The request took too long"
	canceledText = "The request was canceled"
	stoppingText = "The server is stopping"
)

// Error is a failure that a client may see. Clients read Message; Err is only logged. [Errorf] makes one. An error of
// any other type reaches the client as [CodeInternal].
type Error struct {
	Code       Code
	Message    string
	Details    []Detail      // the broken rules of each input; only with CodeInvalidInput
	RetryAfter time.Duration // when a retry makes sense; 0: unknown
	Err        error         // the cause: logged, never sent
}

// Detail is one broken rule of one input.
type Detail struct {
	Field   string `json:"field"`   // the input, with a path for nested ones: "address.street", "tags[2]"
	Rule    string `json:"rule"`    // the tag that it breaks: "minimum", "format", …; "type" if it does not parse
	Message string `json:"message"` // a sentence for people: "age must be at least 18"
}

// Errorf returns an [Error] whose message is formatted as by [fmt.Errorf]; an operand of a %w verb becomes its cause.
func Errorf(code Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: err.Error(), Err: errors.Unwrap(err)}
}

// Error returns the message that the client sees.
func (e *Error) Error() string { return e.Message }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// AsError converts any error into one for the client. It returns an [Error] in the chain unchanged. The end of a
// context becomes [CodeDeadlineExceeded] or [CodeCanceled]. Everything else becomes a [CodeInternal] with a general
// message and the error as its cause. It returns nil for nil.
func AsError(err error) *Error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if _, ok := errors.AsType[*jsonx.SyntaxError](err); ok {
		return &Error{Code: CodeInvalidInput, Message: err.Error(), Err: err}
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return &Error{Code: CodeDeadlineExceeded, Message: deadlineText, Err: err}
	case errors.Is(err, context.Canceled):
		return &Error{Code: CodeCanceled, Message: canceledText, Err: err}
	}
	return &Error{Code: CodeInternal, Message: internalText, Err: err}
}
