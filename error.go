package actionhero

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/actionhero-go/actionhero/internal/jsonx"
)

// Code is the kind of an [Error]. An app cannot add codes, because every transport maps each code to its own protocol,
// for example to an HTTP status.
type Code uint8

// The codes. Each comment begins with the HTTP status that package web sends for the code.
const (
	CodeInternal          Code = iota // 500: a failure whose cause the client must not see
	CodeInvalidInput                  // 400: an input is missing or breaks a rule
	CodeNotFound                      // 404: no such action, record or file
	CodeAlreadyExists                 // 409: the record exists already
	CodeUnauthenticated               // 401: the client has not identified itself
	CodePermissionDenied              // 403: this client is not allowed to do this
	CodeResourceExhausted             // 429: a limit or quota is used up; see Error.RetryAfter
	CodeConflict                      // 409: the current state of the record does not allow the operation
	CodeCanceled                      // 499: the client disconnected, or the server cancelled the request
	CodeDeadlineExceeded              // 504: the time limit has passed
	CodeUnavailable                   // 503: try again later
	codeCount
)

var codeNames = [codeCount]string{
	"internal", "invalidInput", "notFound", "alreadyExists", "unauthenticated", "permissionDenied",
	"resourceExhausted", "conflict", "canceled", "deadlineExceeded", "unavailable",
}

// String returns the name of the code in lower camel case, for example "notFound". Clients read this name as errorCode;
// logs and metrics use the same name.
func (c Code) String() string {
	if c < codeCount {
		return codeNames[c]
	}
	return fmt.Sprintf("code(%d)", uint8(c))
}

// These messages are for clients. They replace the internal text of a failure, which clients must not read.
const (
	internalText = "The server experienced an internal error"
	deadlineText = "The request took too long"
	canceledText = "The request was canceled"
	stoppingText = "The server is stopping"
)

// Error is a failure that a client may see: the client reads Message, and Err is only logged. [Errorf] returns an
// Error. [AsError] defines how errors of other types reach the client, mostly as [CodeInternal].
type Error struct {
	Code       Code
	Message    string
	Details    []Detail      // the broken rules of each input; only with CodeInvalidInput
	RetryAfter time.Duration // when a retry makes sense; 0: unknown
	Err        error         // the cause: logged, never sent
}

// Detail is one rule that one input of a request breaks.
type Detail struct {
	Field   string `json:"field"`   // the input, with a path for nested ones: "address.street", "tags[2]"
	Rule    string `json:"rule"`    // the tag that it breaks: "minimum", "format", …; "type" if it does not parse
	Message string `json:"message"` // a sentence for people: "age must be at least 18"
}

// appendError implements transport.AppendError, which documents it.
func appendError(dst []byte, err any) []byte {
	e := err.(*Error)
	dst = jsonx.AppendString(append(dst, `,"errorCode":`...), e.Code.String())
	if len(e.Details) > 0 {
		dst = append(dst, `,"errorDetails":[`...)
		for i, d := range e.Details {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = jsonx.AppendString(append(dst, `{"field":`...), d.Field)
			dst = jsonx.AppendString(append(dst, `,"rule":`...), d.Rule)
			dst = jsonx.AppendString(append(dst, `,"message":`...), d.Message)
			dst = append(dst, '}')
		}
		dst = append(dst, ']')
	}
	if e.RetryAfter > 0 {
		dst = append(dst, `,"retryAfter":`...)
		dst = strconv.AppendInt(dst, int64((e.RetryAfter+time.Second-1)/time.Second), 10)
	}
	return dst
}

// Error returns e.Message, the text that the client reads.
func (e *Error) Error() string { return e.Message }

// Unwrap returns e.Err, the cause of the error, or nil if no cause is known.
func (e *Error) Unwrap() error { return e.Err }

// AsError converts any error into an [Error] for the client. If err is or wraps an Error, AsError returns that Error
// unchanged. A JSON syntax error becomes [CodeInvalidInput]. The end of a context becomes [CodeDeadlineExceeded] or
// [CodeCanceled]. Every other error becomes a [CodeInternal] with a general message and err as the cause. If err is
// nil, AsError returns nil.
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
