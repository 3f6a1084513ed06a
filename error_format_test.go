package actionhero_test

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"github.com/actionhero-go/actionhero"
)

// The client never reads the text of a cause, wherever %w stands in the format; %v shows it.
func TestClientsDoNotReadCauses(t *testing.T) {
	t.Parallel()
	secret, other := errors.New("password=hunter2"), errors.New("table users is locked")
	for name, test := range map[string]struct {
		format string
		args   []any
		want   string
		causes []error
	}{
		"at the end":      {"no such ticket %d: %w", []any{7, secret}, "no such ticket 7", []error{secret}},
		"in brackets":     {"no such ticket (%w), sorry", []any{secret}, "no such ticket, sorry", []error{secret}},
		"in the middle":   {"saving failed with %w in %s", []any{secret, "a.txt"}, "saving failed with in a.txt", []error{secret}},
		"at the start":    {"%w: no such ticket", []any{secret}, "no such ticket", []error{secret}},
		"alone":           {"%w", []any{secret}, "It was not found", []error{secret}},
		"after a quote":   {"no user %q: %w", []any{"ann", secret}, `no user "ann"`, []error{secret}},
		"an index":        {"%[2]s is missing: %[1]w", []any{secret, "it"}, "it is missing", []error{secret}},
		"two":             {"a: %w; b: %w", []any{secret, other}, "a; b", []error{secret, other}},
		"one of two":      {"a: %w; b: %v", []any{secret, other}, "a; b: table users is locked", []error{secret}},
		"shown":           {"no such ticket: %v", []any{other}, "no such ticket: table users is locked", nil},
		"nested":          {"outer: %w", []any{fmt.Errorf("inner: %w", secret)}, "outer", []error{secret}},
		"no verb":         {"wow", nil, "wow", nil},
		"a type":          {"%T and %w", []any{other, secret}, "*errors.errorString and", []error{secret}},
		"not an error":    {"a: %w", []any{7}, "a: %!w(int=7)", nil},
		"not comparable":  {"a: %w", []any{listError{secret}}, "a", []error{secret}},
		"nil":             {"a: %w", []any{nil}, "a: %!w(<nil>)", nil},
		"one error twice": {"a: %w", []any{errors.Join(secret, other)}, "a", []error{secret, other}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := actionhero.Errorf(actionhero.CodeNotFound, test.format, test.args...)
			if e.Message != test.want || e.Code != actionhero.CodeNotFound {
				t.Errorf("the client reads %v: %q, want %q", e.Code, e.Message, test.want)
			}
			if e.Error() != e.Message {
				t.Errorf("the text of the error is %q", e.Error())
			}
			for _, cause := range test.causes {
				if !errors.Is(e, cause) {
					t.Errorf("the cause %q is lost", cause)
				}
			}
			if (e.Err == nil) != (test.causes == nil) || errors.Is(e, fs.ErrNotExist) {
				t.Errorf("the cause is %v", e.Err)
			}
		})
	}
}

// listError is an error whose type is not comparable.
type listError []error

func (e listError) Error() string   { return fmt.Sprint([]error(e)) }
func (e listError) Unwrap() []error { return e }

// Every code has a message for a format that is only a cause.
func TestEveryCodeHasAGeneralMessage(t *testing.T) {
	t.Parallel()
	for code := actionhero.CodeInternal; code <= actionhero.CodeUnavailable; code++ {
		if e := actionhero.Errorf(code, "%w", fs.ErrExist); e.Message == "" || e.Message == fs.ErrExist.Error() {
			t.Errorf("%v: the message is %q", code, e.Message)
		}
	}
}
