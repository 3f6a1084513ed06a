package encode

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero/internal/jsonx"
)

type panicky struct{}

func (panicky) MarshalJSON() ([]byte, error) { panic("in MarshalJSON") }

type panickyText struct{}

func (panickyText) MarshalText() ([]byte, error) { panic("in MarshalText") }

type panickyZero struct{ A int }

func (*panickyZero) IsZero() bool { panic("in IsZero") }

type failing struct{}

func (failing) MarshalJSON() ([]byte, error) { return nil, errors.New("as asked") }

type malformed struct{}

func (malformed) MarshalJSON() ([]byte, error) { return []byte(`{"a":`), nil }

// odd is a declaration that only package json understands.
type odd struct {
	A any `json:",inline"`
}

type pointer *pointer

// cycles returns values that contain themselves, in each way that Go allows.
func cycles() map[string]any {
	var held any
	held = &held
	list := []any{1, nil}
	list[1] = list
	object := map[string]any{}
	object["a"] = object
	type node struct{ Next *node }
	ring := &node{}
	ring.Next = ring
	numbered := map[int]any{1: nil}
	numbered[1] = &numbered
	var own pointer
	own = &own
	invalid := map[string]any{"\xff": nil}
	invalid["\xff"] = invalid
	return map[string]any{
		"pointer to an interface": held, "list": list, "map": object, "struct": ring, "map with numbers": numbered, "pointer to itself": own,
		"interface in a map with numbers": map[int]any{1: held}, "interface in a map with an invalid key": map[string]any{"\xff": held}, "map with an invalid key": invalid,
		"interface in a typed map with an invalid key": map[string][]any{"\xff": {held}}, "odd struct": odd{held}, "odd struct in a list": []odd{{held}},
	}
}

// A value that contains itself is an error. It never overflows the stack, which would end the process.
func TestAValueThatContainsItselfIsAnError(t *testing.T) {
	t.Parallel()
	for name, v := range cycles() {
		for _, value := range []any{v, map[string]any{"v": v}, &v, []any{v}} {
			if got, err := Append([]byte("kept"), value); err == nil || string(got) != "kept" {
				t.Errorf("%s: %.50s, %v", name, got, err)
			}
			if got, err := AppendMembers([]byte("kept"), value); err == nil || string(got) != "kept" {
				t.Errorf("members of %s: %.50s, %v", name, got, err)
			}
		}
	}
}

// A method of the app that panics while a value is encoded makes an error with the stack, wherever the value stands.
func TestAMethodThatPanicsIsAnError(t *testing.T) {
	t.Parallel()
	type zero struct {
		Z panickyZero `json:"z,omitzero"`
	}
	for _, c := range []struct {
		v    any
		want string
	}{
		{panicky{}, "in MarshalJSON"}, {&panicky{}, "in MarshalJSON"}, {panickyText{}, "in MarshalText"}, {zero{}, "in IsZero"}, {map[string]panicky{"a": {}}, "in MarshalJSON"},
		{map[panickyText]int{{}: 1}, "in MarshalText"}, {odd{map[string]any{"a": panicky{}}}, "in MarshalJSON"}, {map[int]any{1: panickyText{}}, "in MarshalText"},
		{failing{}, "as asked"}, {malformed{}, "does not encode"},
	} {
		for _, value := range []any{c.v, map[string]any{"v": c.v}, []any{c.v}} {
			got, err := Append([]byte("kept"), value)
			var failure *Error
			if string(got) != "kept" || !errors.As(err, &failure) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%T: %.50s, %v", value, got, err)
			}
			if got, err = AppendMembers([]byte("kept"), value); string(got) != "kept" || err == nil {
				t.Errorf("members of %T: %.50s, %v", value, got, err)
			}
		}
		if strings.HasPrefix(c.want, "in ") {
			if _, err := Append(nil, c.v); !strings.Contains(err.Error(), "hostile_test.go") {
				t.Errorf("%T: the error has no stack: %v", c.v, err)
			}
		}
	}
}

// Goexit in a method of the app is not stopped: the goroutine ends, as the app asked.
func TestGoexitInAMethodEndsTheGoroutine(t *testing.T) {
	t.Parallel()
	done := make(chan bool)
	go func() {
		ended := false
		defer func() { done <- ended }()
		_, _ = Append(nil, leaving{})
		ended = true
	}()
	if <-done {
		t.Error("the goroutine went on")
	}
}

type leaving struct{}

func (leaving) MarshalJSON() ([]byte, error) { runtime.Goexit(); return nil, nil }

func TestAppendEqualsMarshal(t *testing.T) {
	t.Parallel()
	for _, v := range []any{
		nil, 1, "x", 1.5, true, []int(nil), []byte("hi"), map[string]int(nil), map[int]string{2: "b", 10: "a"}, map[string]any{"\xff": 1, "a": "\xfe"}, new(5), (*int)(nil),
		struct{ A any }{[]any{nil, map[string]any{}}}, odd{map[string]int{"x": 1}},
	} {
		want, wantErr := jsonx.Marshal(v)
		got, err := Marshal(v)
		if string(got) != string(want) || (err == nil) != (wantErr == nil) {
			t.Errorf("%#v: %s, %v, want %s, %v", v, got, err, want, wantErr)
		}
	}
}
