package actionhero

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Errorf returns an [Error] with this code. The message is formatted as by [fmt.Errorf], with one difference: the
// operand of %w becomes the cause of the Error, which is logged, and its text is no part of the Message, which
// the client reads. To show the text of an error to the client, use %v.
//
//	Errorf(CodeNotFound, "there is no ticket %d: %w", id, err) // the client reads "there is no ticket 7"
func Errorf(code Code, format string, args ...any) *Error {
	if !strings.Contains(format, "w") {
		return &Error{Code: code, Message: fmt.Errorf(format, args...).Error()}
	}
	hidden := hiddenCauses(format, args)
	shown, causes := slices.Clone(args), make([]error, 0, len(hidden))
	for _, i := range hidden {
		shown[i] = hiddenCause{}
		causes = append(causes, args[i].(error))
	}
	e := &Error{Code: code, Message: withoutHidden(fmt.Errorf(format, shown...).Error())}
	e.Message = cmp.Or(e.Message, generalTexts[code%codeCount])
	switch len(causes) {
	case 0:
	case 1:
		e.Err = causes[0]
	default:
		e.Err = errors.Join(causes...)
	}
	return e
}

// generalTexts are the messages of errors whose format is only a cause.
var generalTexts = [codeCount]string{
	CodeInternal: internalText, CodeInvalidInput: "The input is not valid", CodeNotFound: "It was not found",
	CodeAlreadyExists: "It exists already", CodeUnauthenticated: "You are not signed in", CodePermissionDenied: "You may not do this",
	CodeResourceExhausted: "A limit is used up", CodeConflict: "The current state does not allow this", CodeCanceled: canceledText,
	CodeDeadlineExceeded: deadlineText, CodeUnavailable: "The service is not available at the moment",
}

// operand is an argument of Errorf that is an error. Its index is known, so that hiddenCauses can find it again.
type operand struct {
	error
	index int
}

// hiddenCauses returns the indexes of the errors in args that format uses with %w.
func hiddenCauses(format string, args []any) (hidden []int) {
	marked := slices.Clone(args)
	for i, arg := range args {
		if err, ok := arg.(error); ok {
			marked[i] = &operand{err, i}
		}
	}
	var used []error
	switch err := fmt.Errorf(format, marked...).(type) {
	case interface{ Unwrap() error }:
		used = []error{err.Unwrap()}
	case interface{ Unwrap() []error }:
		used = err.Unwrap()
	}
	for _, err := range used {
		if o, ok := err.(*operand); ok {
			hidden = append(hidden, o.index)
		}
	}
	return hidden
}

// hiddenMark stands for a hidden cause in a formatted message. Its character is not assigned to any text.
const hiddenMark = "\ufdd0"

// hiddenCause is the operand of %w while Errorf formats the message.
type hiddenCause struct{}

func (hiddenCause) Error() string { return hiddenMark }

// withoutHidden removes the marks of hidden causes from message, with the punctuation that introduces them.
func withoutHidden(message string) string {
	for {
		before, after, found := strings.Cut(message, hiddenMark)
		if !found {
			return message
		}
		before = strings.TrimRight(before, " \t\n")
		if open, ok := strings.CutSuffix(before, "("); ok && strings.HasPrefix(after, ")") {
			before, after = open, after[1:]
		}
		message = strings.TrimRight(before, " \t\n:;,-–—") + after
		if before == "" {
			message = strings.TrimLeft(after, " \t\n:;,-–—")
		}
	}
}
