package actionhero_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend/local"
)

type greetIn struct {
	Name  string `json:"name" required:"true"`
	Times int    `json:"times" minimum:"1" default:"1"`
	Token string `json:"token" secret:"true"`
}

type greetOut struct {
	Greeting string `json:"greeting" example:"hello hello you"`
}

var greet = actionhero.Action[greetIn, greetOut]{
	Name: "greet", Description: "Greets",
	Run: func(_ context.Context, in greetIn) (greetOut, error) {
		return greetOut{strings.Repeat("hello ", in.Times) + in.Name}, nil
	},
}

// byID returns an action with the input id.
func byID(name string, routes ...string) actionhero.Part {
	type in struct {
		ID string `json:"id"`
	}
	return actionhero.Action[in, actionhero.None]{Name: name, Routes: routes, Run: func(context.Context, in) (n actionhero.None, err error) { return }}
}

func takes[In any]() actionhero.Part {
	return actionhero.Action[In, actionhero.None]{Name: "a", Run: func(context.Context, In) (n actionhero.None, err error) { return }}
}

func answers[Out any]() actionhero.Part {
	return actionhero.Action[actionhero.None, Out]{Name: "a", Run: func(context.Context, actionhero.None) (out Out, err error) { return }}
}

func TestRegistrationRefuses(t *testing.T) {
	t.Parallel()
	run := func(context.Context, actionhero.None) (actionhero.None, error) { return actionhero.None{}, nil }
	type none = actionhero.Action[actionhero.None, actionhero.None]
	type badTag struct {
		N int `json:"n" minimum:"many"`
	}
	type badType struct {
		C chan int `json:"c"`
	}
	for name, test := range map[string]struct {
		parts actionhero.Parts
		want  string // part of the sentence
	}{
		"no name":        {actionhero.Parts{none{Run: run}}, "has no name"},
		"illegal name":   {actionhero.Parts{none{Name: "two words", Run: run}}, `"two words" is not allowed`},
		"long name":      {actionhero.Parts{none{Name: strings.Repeat("x", 65), Run: run}}, "is not allowed"},
		"reserved name":  {actionhero.Parts{none{Name: "paramAdd", Run: run}}, `"paramAdd" is reserved`},
		"twice":          {actionhero.Parts{none{Name: "a", Run: run}, none{Name: "a", Run: run}}, `two actions are named "a"`},
		"no Run":         {actionhero.Parts{none{Name: "a"}}, `"a" has no Run`},
		"nil part":       {actionhero.Parts{nil}, "is nil"},
		"malformed tag":  {actionhero.Parts{actionhero.Action[badTag, actionhero.None]{Name: "a", Run: func(context.Context, badTag) (n actionhero.None, err error) { return }}}, "minimum"},
		"impossible in":  {actionhero.Parts{actionhero.Action[badType, actionhero.None]{Name: "a", Run: func(context.Context, badType) (n actionhero.None, err error) { return }}}, "chan"},
		"in no struct":   {actionhero.Parts{actionhero.Action[int, actionhero.None]{Name: "a", Run: func(context.Context, int) (n actionhero.None, err error) { return }}}, "struct"},
		"out no object":  {actionhero.Parts{actionhero.Action[actionhero.None, []int]{Name: "a", Run: func(context.Context, actionhero.None) (n []int, err error) { return }}}, "object"},
		"bad route":      {actionhero.Parts{none{Name: "a", Route: "/a", Run: run}}, "route"},
		"route no input": {actionhero.Parts{none{Name: "a", Route: "GET /a/{id}", Run: run}}, "{id}"},
		"same route":     {actionhero.Parts{none{Name: "a", Route: "GET /a", Run: run}, none{Name: "b", Route: "GET /a", Run: run}}, "same route"},
		"same shape":     {actionhero.Parts{byID("a", "GET /a/{id}"), byID("b", "PUT /b/{id}", "GET /a/{id}")}, `actions "a" and "b" have the same route: "GET /a/{id}" and "GET /a/{id}" match the same requests`},
		"route twice":    {actionhero.Parts{byID("a", "GET /a/{id}", "GET /a/{id}")}, `action "a" has the route "GET /a/{id}" twice`},
		"second route":   {actionhero.Parts{byID("a", "GET /a/{id}", "GET /a/{name...}")}, `its route "GET /a/{name...}" has {name}, but it has no input of that name`},
		"read by PUT":    {reads("a", "GET /a", "PUT /a"), `action "a" has the route "PUT /a", whose method is for changes, but its Kind is KindRead`},
		"read by PATCH":  {reads("a", "PATCH /a"), `use KindWrite or KindDestructive, or a route with GET or POST`},
		"read by DELETE": {reads("a", "POST /b", "DELETE /a"), `action "a" has the route "DELETE /a"`},
		"input action": {actionhero.Parts{takes[struct { //
			A string `json:"action"`
		}]()}, `has an input "action", but the param of that name names the action: give the input another name`},
		"input callback": {actionhero.Parts{takes[struct { //
			A string `json:"callback"`
		}]()}, `asks for JSONP`},
		"input XML": {actionhero.Parts{takes[struct { //
			A string `json:"outputType"`
		}]()}, `asks for XML`},
		"output error": {actionhero.Parts{answers[struct { //
			A string `json:"error"`
		}]()}, `has a member "error", which every answer uses for itself: give the member another name`},
		"output context": {actionhero.Parts{answers[*struct { //
			A string `json:"context"`
		}]()}, `has a member "context"`},
		"no init name": {actionhero.Parts{actionhero.Initializer{}}, "no name"},
		"init twice":   {actionhero.Parts{actionhero.Initializer{Name: "db"}, actionhero.Initializer{Name: "db"}}, `two initializers are named "db"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := actionhero.New(actionhero.Config{Backend: local.New(local.Config{})}, test.parts)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("New: got error %v, want one that has %q", err, test.want)
			}
		})
	}
}

// reads is an action of KindRead with these routes.
func reads(name string, routes ...string) actionhero.Parts {
	return actionhero.Parts{actionhero.Action[actionhero.None, actionhero.None]{
		Name: name, Kind: actionhero.KindRead, Routes: routes,
		Run: func(context.Context, actionhero.None) (n actionhero.None, err error) { return n, nil },
	}}
}

// An action that reads may have a route with POST, as for a search whose query is a body.
func TestAnActionThatReadsMayHaveARouteWithPOST(t *testing.T) {
	t.Parallel()
	newAPI(t, actionhero.Config{}, reads("search", "POST /search", "GET /search", "HEAD /search/all"))
}

func TestRegisterIsAllOrNothing(t *testing.T) {
	t.Parallel()
	api := newAPI(t, actionhero.Config{})
	if err := api.Register(greet, greet); err == nil {
		t.Fatal("the same action twice was registered")
	}
	if got := api.Actions(); len(got) != 0 {
		t.Errorf("a refused call registered %v", got)
	}
	if err := api.Register(greet); err != nil {
		t.Fatal(err)
	}
}

func TestDispatchDecodesAndChecks(t *testing.T) {
	t.Parallel()
	api := newAPI(t, actionhero.Config{}, greet)
	out, err := dispatch(t, api, "greet", "name", "you", "times", "2", "unknown", "x")
	if err != nil || out != (greetOut{"hello hello you"}) {
		t.Errorf("got %v, %v", out, err)
	}
	_, err = dispatch(t, api, "greet", "name", "")
	if err == nil || err.Code != actionhero.CodeInvalidInput || err.Message != "name is a required parameter for this action" {
		t.Errorf("an empty required input: got %+v", err)
	}
	_, err = dispatch(t, api, "greet", "name", "you", "times", "0")
	want := []actionhero.Detail{{Field: "times", Rule: "minimum", Message: "times must be at least 1"}}
	if err == nil || !cmp.Equal(err.Details, want) {
		t.Errorf("a broken rule: got %+v", err)
	}
	_, err = dispatch(t, api, "nothing")
	if err == nil || err.Code != actionhero.CodeNotFound || err.Message != "nothing is not a known action." {
		t.Errorf("an unknown action: got %+v", err)
	}
	_, err = dispatch(t, api, "")
	if err == nil || err.Message != "{no action} is not a known action." {
		t.Errorf("no action: got %+v", err)
	}
	_, err = dispatch(t, api, "greet", "name", "you", "limit", "many")
	if err == nil || err.Code != actionhero.CodeInvalidInput || err.Details[0].Field != "limit" {
		t.Errorf("a limit that is no number: got %+v", err)
	}
}

func TestCall(t *testing.T) {
	t.Parallel()
	api := newAPI(t, actionhero.Config{}, greet)
	out, err := greet.Call(t.Context(), api, greetIn{Name: "you", Times: 1})
	if err != nil || out.Greeting != "hello you" {
		t.Errorf("got %+v, %v", out, err)
	}
	_, err = greet.Call(t.Context(), api, greetIn{Name: "you", Times: -1})
	var e *actionhero.Error
	if !errors.As(err, &e) || e.Code != actionhero.CodeInvalidInput {
		t.Errorf("a call skips the check of its input: %v", err)
	}
}

func TestMiddlewareOrderAndRefusal(t *testing.T) {
	t.Parallel()
	var order []string
	mark := func(name string) actionhero.Middleware {
		return func(next actionhero.Handler) actionhero.Handler {
			return func(ctx context.Context, req *actionhero.Request) (any, error) {
				order = append(order, name)
				return next(ctx, req)
			}
		}
	}
	act := actionhero.Action[actionhero.None, actionhero.None]{
		Name: "a", Middleware: []actionhero.Middleware{mark("own 1"), mark("own 2")},
		Run: func(ctx context.Context, _ actionhero.None) (actionhero.None, error) {
			order = append(order, "run")
			if actionhero.RequestFrom(ctx).Action != "a" {
				t.Error("RequestFrom does not give the request")
			}
			return actionhero.None{}, nil
		},
	}
	api := newAPI(t, actionhero.Config{}, act)
	api.Use(mark("api 1"), mark("api 2"))
	if _, err := dispatch(t, api, "a"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"api 1", "api 2", "own 1", "own 2", "run"}, order); diff != "" {
		t.Error(diff)
	}
	order = nil
	_, _ = dispatch(t, api, "unknown")
	if diff := cmp.Diff([]string{"api 1", "api 2"}, order); diff != "" {
		t.Errorf("unknown actions must pass the API's middleware: %s", diff)
	}
}
