package actionhero_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/transport"
)

type strictInput struct {
	Color  string `json:"color"`
	Nested struct {
		Size int `json:"size"`
	} `json:"nested"`
}

// A strict action names each param that it does not take; other actions drop them.
func TestAStrictActionRefusesUnknownParams(t *testing.T) {
	t.Parallel()
	action := func(name string, strict bool) actionhero.Action[strictInput, map[string]any] {
		return actionhero.Action[strictInput, map[string]any]{
			Name: name, Strict: strict,
			Run: func(_ context.Context, in strictInput) (map[string]any, error) {
				return map[string]any{"color": in.Color}, nil
			},
		}
	}
	other := actionhero.Action[struct {
		Other string `json:"other"`
	}, actionhero.None]{Name: "other", Run: func(context.Context, struct {
		Other string `json:"other"`
	}) (n actionhero.None, err error) {
		return n, nil
	}}
	one := newAPI(t, actionhero.Config{}, action("strict", true), action("lax", false), other)
	all := newAPI(t, actionhero.Config{StrictParams: true}, action("lax", false), other)
	one.Accept("session")
	long := strings.Repeat("é", 100)
	for params, want := range map[string][]string{
		`{"color":"red","nested":{"size":1},"limit":1,"offset":1,"callback":"f","outputType":"json","action":"x"}`: nil,
		`{"colour":"red"}`:              {"colour is not a parameter of this action; did you mean color?"},
		`{"other":"x"}`:                 {"other is not a parameter of this action"},
		`{"lmit":1,"zzzzzzzz":1}`:       {"lmit is not a parameter of this action; did you mean limit?", "zzzzzzzz is not a parameter of this action"},
		`{"nested":{"sise":1}}`:         {"nested.sise must not be given, because it is not known"},
		`{"` + long + `":1}`:            {strings.Repeat("é", 32) + "… is not a parameter of this action"},
		`{"` + "\xff" + `":1}`:          {"\ufffd is not a parameter of this action"},
		`{"nested":{"size":"x","a":1}}`: {"nested.size must be a whole number", "nested.a must not be given, because it is not known"},
	} {
		ask := func(api *actionhero.API, action string) []string {
			req := transport.Of(api).NewRequest("test")
			req.Action = action
			req.Err = transport.ParamsOf(&req.Params).AddObject([]byte(params))
			_, err := transport.Of(api).Dispatch(t.Context(), req)
			if err == nil {
				return nil
			}
			failure := actionhero.AsError(err)
			if failure.Code != actionhero.CodeInvalidInput || failure.Message != failure.Details[0].Message {
				t.Errorf("%s: %v %v", params, failure.Code, failure)
			}
			var messages []string
			for _, d := range failure.Details {
				messages = append(messages, d.Message)
			}
			return messages
		}
		if diff := cmp.Diff(want, ask(one, "strict")); diff != "" {
			t.Errorf("%s to a strict action: %s", params, diff)
		}
		if diff := cmp.Diff(want, ask(all, "lax")); diff != "" {
			t.Errorf("%s to a strict API: %s", params, diff)
		}
		if got := ask(one, "lax"); got != nil && !strings.Contains(params, `"x"`) {
			t.Errorf("%s to an action that is not strict: %v", params, got)
		}
	}
	if _, err := dispatch(t, one, "strict", "session", "x"); err != nil {
		t.Errorf("a param of Accept is refused: %v", err)
	}
	many := "{" + strings.TrimSuffix(numberedKeys(1000), ",") + "}"
	req := transport.Of(one).NewRequest("test")
	req.Action = "strict"
	if err := transport.ParamsOf(&req.Params).AddObject([]byte(many)); err != nil {
		t.Fatal(err)
	}
	if _, err := transport.Of(one).Dispatch(t.Context(), req); err == nil || len(actionhero.AsError(err).Details) != 16 {
		t.Errorf("1,000 unknown params: %v", err)
	}
	if _, err := action("strict", true).Call(t.Context(), one, strictInput{Color: "red"}); err != nil {
		t.Errorf("a call: %v", err)
	}
}

func numberedKeys(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(`"unknown` + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + strings.Repeat("y", i/26) + `":1,`)
	}
	return b.String()
}
