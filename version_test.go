package actionhero_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/transport"
)

type versionOut struct {
	Ran int `json:"ran"`
}

// versioned returns an action that answers its version.
func versioned(name string, version int) actionhero.Action[actionhero.None, versionOut] {
	return actionhero.Action[actionhero.None, versionOut]{
		Name: name, Version: version, Kind: actionhero.KindRead,
		Run: func(context.Context, actionhero.None) (versionOut, error) { return versionOut{version}, nil },
	}
}

// headers is the Extra of a request with headers.
type headers map[string]string

func (h headers) RequestHeader(name string) string { return h[name] }

// ask dispatches a request with a name, a param apiVersion and a header; an empty text is not sent.
func ask(t *testing.T, api *actionhero.API, name, param, header string) (out any, err error) {
	t.Helper()
	host := transport.Of(api)
	req := host.NewRequest("tcp")
	req.Action = name
	if param != "" {
		if err := transport.ParamsOf(&req.Params).Add("apiVersion", param); err != nil {
			t.Fatal(err)
		}
	}
	if header != "" {
		req.Extra = headers{"Api-Version": header}
	}
	return host.Dispatch(t.Context(), req)
}

// The newest version is the greatest number, and the name, the param and the header choose another one, in this order.
func TestARequestChoosesTheVersionOfAnAction(t *testing.T) {
	t.Parallel()
	over := versioned("x", 3)
	over.Transports = []string{actionhero.TransportWeb}
	api := newAPI(t, actionhero.Config{}, versioned("x", 2), over, versioned("x", 10), versioned("x", 9), versioned("alone", 4), versioned("plain", 0))
	const unknown = "x has no version %s: choose one of 2, 9, 10"
	for _, test := range []struct{ name, param, header, want string }{
		{"x", "", "", "10"}, {"x", "9", "", "9"}, {"x", "", "2", "2"}, {"x", "9", "2", "9"}, {"v2/x", "9", "10", "2"}, {"v10/x", "", "", "10"},
		{"x", "9.0", "", "9"}, {"alone", "", "", "4"}, {"v4/alone", "", "", "4"},
		{"x", "1", "", fmt.Sprintf(unknown, "1")}, {"x", "", "11", fmt.Sprintf(unknown, "11")}, {"v1/x", "", "", fmt.Sprintf(unknown, "1")},
		{"alone", "1", "", "alone has no version 1: choose one of 4"},
		{"v3/x", "", "", "x is not a known action."},
		{"x", "new", "", "apiVersion must be a whole number of 1 or more"}, {"x", "0", "", "apiVersion must be a whole number of 1 or more"},
		{"x", "", "-1", "the header Api-Version must be a whole number of 1 or more"}, {"x", "1.5", "", "apiVersion must be a whole number of 1 or more"},
		{"x", "99999999999999999999", "", "apiVersion must be a whole number of 1 or more"},
		{"v02/x", "", "", "v02/x is not a known action."}, {"v+2/x", "", "", "v+2/x is not a known action."}, {"v2/v2/x", "", "", "v2/v2/x is not a known action."},
		{"v2/", "", "", "v2/ is not a known action."}, {"v2/unknown", "", "", "v2/unknown is not a known action."}, {"v1/plain", "", "", "v1/plain is not a known action."},
		{"plain", "", "", "0"}, {"plain", "7", "8", "0"}, // each version of the API has an action without versions
	} {
		out, err := ask(t, api, test.name, test.param, test.header)
		got := fmt.Sprint(err)
		if err == nil {
			got = fmt.Sprint(out.(versionOut).Ran)
		}
		if got != test.want {
			t.Errorf("%s with the param %q and the header %q: %s, want %s", test.name, test.param, test.header, got, test.want)
		}
		if want := actionhero.CodeNotFound; err != nil && strings.Contains(test.want, "no version") && actionhero.AsError(err).Code != want {
			t.Errorf("%s: the code is %v, want %v", test.name, actionhero.AsError(err).Code, want)
		}
	}
}

// Middleware and the action read the plain name, and the version from Info.
func TestMiddlewareReadsThePlainNameOfAVersion(t *testing.T) {
	t.Parallel()
	api := newAPI(t, actionhero.Config{}, versioned("x", 1), versioned("x", 2))
	var seen []string
	api.Use(func(next actionhero.Handler) actionhero.Handler {
		return func(ctx context.Context, req *actionhero.Request) (any, error) {
			version := -1
			if info := req.Info(); info != nil {
				version = info.Version
			}
			seen = append(seen, fmt.Sprint(req.Action, " ", version))
			return next(ctx, req)
		}
	})
	for _, name := range []string{"x", "v1/x", "v2/x", "v3/x"} {
		_, _ = ask(t, api, name, "", "")
	}
	if want := []string{"x 2", "x 1", "x 2", "v3/x -1"}; !slices.Equal(seen, want) {
		t.Errorf("middleware read %q, want %q", seen, want)
	}
}

// Go code that calls a declared action runs that very version, whatever the client of its own request has asked for.
func TestACallRunsTheDeclaredVersion(t *testing.T) {
	t.Parallel()
	one, two, other := versioned("x", 1), versioned("x", 2), versioned("other", 5)
	outer := actionhero.Action[actionhero.None, map[string]int]{Name: "outer", Version: 1}
	outer.Run = func(ctx context.Context, _ actionhero.None) (map[string]int, error) {
		api := actionhero.RequestFrom(ctx).API
		ran := map[string]int{}
		for key, action := range map[string]actionhero.Action[actionhero.None, versionOut]{"one": one, "two": two, "other": other} {
			out, err := action.Call(ctx, api, actionhero.None{})
			if err != nil {
				return nil, err
			}
			ran[key] = out.Ran
		}
		return ran, nil
	}
	api := newAPI(t, actionhero.Config{}, one, two, other, outer)
	out, err := ask(t, api, "outer", "1", "1")
	if got := fmt.Sprint(out); err != nil || got != "map[one:1 other:5 two:2]" {
		t.Errorf("the calls ran %s: %v", got, err)
	}
}

// An action that forwards its request runs the newest version of the name, or the version in the name.
func TestAForwardedRequestNamesItsVersion(t *testing.T) {
	t.Parallel()
	forward := func(name string, version int, to string) actionhero.Part {
		return actionhero.Action[actionhero.None, map[string]int]{Name: name, Version: version, Run: func(ctx context.Context, _ actionhero.None) (map[string]int, error) {
			req := actionhero.RequestFrom(ctx)
			req.Action = to
			out, err := transport.Of(req.API).Dispatch(ctx, req)
			if err != nil {
				return nil, err
			}
			return map[string]int{"ran": out.(versionOut).Ran}, nil
		}}
	}
	api := newAPI(t, actionhero.Config{}, forward("x", 1, "x"), versioned("x", 2), forward("y", 3, "v2/x"))
	for name, param := range map[string]string{"x": "1", "v1/x": "", "y": "3"} {
		if out, err := ask(t, api, name, param, ""); err != nil || fmt.Sprint(out) != "map[ran:2]" {
			t.Errorf("%s: %v, %v", name, out, err)
		}
	}
}

// A wrong declaration of versions is refused when it is registered.
func TestWrongVersionsAreRefused(t *testing.T) {
	t.Parallel()
	withInput := actionhero.Action[struct {
		APIVersion int `json:"apiVersion"`
	}, actionhero.None]{Name: "x", Version: 1, Run: func(context.Context, struct {
		APIVersion int `json:"apiVersion"`
	}) (n actionhero.None, err error) {
		return n, nil
	}}
	route := func(name string, version int) actionhero.Part {
		a := versioned(name, version)
		a.Route = "GET /same"
		return a
	}
	tool := func(name string) actionhero.Part {
		a := versioned(name, 1)
		a.Tool = &actionhero.Tool{Name: "tool", Description: "A tool."}
		return a
	}
	for want, parts := range map[string]actionhero.Parts{
		`the Version -1`:               {versioned("x", -1)},
		`two actions are named "x" an`: {versioned("x", 1), versioned("x", 1)},
		`give each a Version of its o`: {versioned("x", 1), versioned("x", 0)},
		`two actions are named "x": r`: {versioned("x", 0), versioned("x", 0)},
		`an input "apiVersion"`:        {withInput},
		`have the same route`:          {route("x", 1), route("y", 1)},
		`are both the tool`:            {tool("x"), tool("y")},
	} {
		err := newAPI(t, actionhero.Config{}).Register(parts...)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// The description has each version of an action, the newest first, and the oldest of two equal tools is none.
func TestTheDescriptionHasEachVersion(t *testing.T) {
	t.Parallel()
	var parts actionhero.Parts
	for _, version := range []int{2, 10, 9} {
		a := versioned("x", version)
		a.Tool = &actionhero.Tool{Description: "A tool."}
		if version == 9 {
			a.Tool.Name = "x9"
		}
		parts = append(parts, a)
	}
	api := newAPI(t, actionhero.Config{}, parts, versioned("y", 0))
	var got []string
	for _, info := range api.Describe().Actions {
		tool := ""
		if info.Tool != nil {
			tool = info.Tool.Name
		}
		got = append(got, fmt.Sprint(info.VersionedName(), " ", info.Version, " ", info.Superseded, " ", tool))
	}
	if want := []string{"v10/x 10 false x", "v9/x 9 true x9", "v2/x 2 true ", "y 0 false "}; !slices.Equal(got, want) {
		t.Errorf("the description has %q, want %q", got, want)
	}
	if d := api.Describe(); d.Action("x").Version != 10 || d.Action("v2/x").Version != 2 || d.Action("v3/x") != nil {
		t.Errorf("the description finds %v, %v and %v", d.Action("x"), d.Action("v2/x"), d.Action("v3/x"))
	}
}
