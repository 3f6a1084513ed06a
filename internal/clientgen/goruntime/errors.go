package goruntime

import (
	"errors"
	"fmt"
	"time"
)

// Code is the kind of an [Error]. It is an error itself, for errors.Is: errors.Is(err, CodeNotFound).
type Code string

// The codes of the server.
const (
	CodeInternal          Code = "internal"
	CodeInvalidInput      Code = "invalidInput"
	CodeNotFound          Code = "notFound"
	CodeAlreadyExists     Code = "alreadyExists"
	CodeUnauthenticated   Code = "unauthenticated"
	CodePermissionDenied  Code = "permissionDenied"
	CodeResourceExhausted Code = "resourceExhausted"
	CodeConflict          Code = "conflict"
	CodeCanceled          Code = "canceled"
	CodeDeadlineExceeded  Code = "deadlineExceeded"
	CodeUnavailable       Code = "unavailable"
)

// The codes of the client.
const (
	CodeNetwork     Code = "network"     // no answer came, and the server may have run the action
	CodeTimeout     Code = "timeout"     // the time limit of the call has passed; the action may run to its end
	CodeAborted     Code = "aborted"     // the context of the call was canceled; the action may run to its end
	CodeClosed      Code = "closed"      // the connection is closed for good
	CodeProtocol    Code = "protocol"    // the answer is not one of an actionHero server
	CodeInvalidCall Code = "invalidCall" // the call cannot be sent
)

// Error returns the name of the code.
func (c Code) Error() string { return string(c) }

// Detail is one rule that one input breaks.
type Detail struct {
	Field   string `json:"field"` // the input, with its path: "address.street", "tags[2]"
	Rule    string `json:"rule"`
	Message string `json:"message"`
}

// Error is the error of each call that fails; errors.As finds it.
type Error struct {
	Code       Code
	Action     string        // the name of the action
	Message    string        // for people
	Status     int           // of the answer over HTTP; 0 otherwise
	Details    []Detail      // with CodeInvalidInput
	RetryAfter time.Duration // when a retry makes sense
	CanRetry   bool          // the server has said RetryAfter, which may be 0
	RequestID  string        // of the request in the log of the server
	Err        error         // the cause; nil for an error of the server
}

// Error returns the name of the action, the code and the message.
func (e *Error) Error() string {
	return fmt.Sprintf("%s: %s (%s)", e.Action, e.Message, string(e.Code))
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is the code of the error.
func (e *Error) Is(target error) bool {
	code, ok := target.(Code)
	return ok && code == e.Code
}

// CodeOf returns the code of an error, or "" if it is no [Error].
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}
