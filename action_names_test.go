package actionhero_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/transport"
)

// An answer has each name once: a member of a map that has a name of the envelope is renamed, and no member is lost.
func TestOutputsKeepClearOfTheEnvelope(t *testing.T) {
	t.Parallel()
	type record struct {
		ID     int    `json:"id"`
		Status string `json:"status"`
	}
	var out any
	api := newAPI(t, actionhero.Config{},
		action("map", func(context.Context) (map[string]any, error) {
			return map[string]any{"id": 7, "status": "open", "error": "e", "messageCount": 1, "data": map[string]any{"error": 1}}, nil
		}),
		actionhero.Action[actionhero.None, record]{Name: "record", Run: func(context.Context, actionhero.None) (record, error) { return record{7, "open"}, nil }},
		actionhero.Action[actionhero.None, actionhero.None]{Name: "none", Run: func(context.Context, actionhero.None) (n actionhero.None, err error) { return }},
	)
	for _, test := range []struct {
		action   string
		reserved []string
		want     string
	}{
		{"map", nil, `"data":{"error":1},"_error":"e","id":7,"_messageCount":1,"status":"open"`},
		{"map", []string{"id"}, `"data":{"error":1},"_error":"e","_id":7,"_messageCount":1,"status":"open"`},
		{"record", nil, `"id":7,"status":"open"`},
		{"record", []string{"id"}, `"_id":7,"status":"open"`},
		{"record", []string{"data"}, `"id":7,"status":"open"`},
		{"none", []string{"id"}, ``},
	} {
		req := transport.Of(api).NewRequest("test")
		req.Action = test.action
		var err error
		if out, err = transport.Of(api).Dispatch(t.Context(), req); err != nil {
			t.Fatal(err)
		}
		if got, err := transport.AppendOutput([]byte("{"), req, out, test.reserved...); err != nil || string(got) != "{"+test.want {
			t.Errorf("%s without %v: %s, want %s: %v", test.action, test.reserved, got, test.want, err)
		}
	}
}

// An action has all the routes that it declares, in one list.
func TestAnActionHasSeveralRoutes(t *testing.T) {
	t.Parallel()
	part := actionhero.Action[struct {
		Path string `json:"path"`
	}, actionhero.None]{Name: "docs", Route: "GET /docs/{path...}", Routes: []string{"GET /manual/{path...}"}}
	part.Run = func(context.Context, struct {
		Path string `json:"path"`
	}) (n actionhero.None, err error) {
		return
	}
	info := newAPI(t, actionhero.Config{}, part).Actions()[0]
	if want := []string{"GET /docs/{path...}", "GET /manual/{path...}"}; !slices.Equal(info.Routes, want) || info.Route != want[0] {
		t.Errorf("the routes are %q and %q", info.Route, info.Routes)
	}
}

// A client cannot ask for a page of any size.
func TestTheLimitOfAPageIsBounded(t *testing.T) {
	t.Parallel()
	page := action("page", func(ctx context.Context) (map[string]any, error) {
		return map[string]any{"limit": actionhero.RequestFrom(ctx).Limit}, nil
	})
	for limit, want := range map[string]string{
		"1000": "", "1001": "limit must be at most 1000", "999999999999999999": "limit must be at most 1000", "0": "",
		"9999999999999999999": "limit must be a whole number of 0 or more",
	} {
		_, err := dispatch(t, newAPI(t, actionhero.Config{}, page), "page", "limit", limit)
		switch {
		case want == "" && err != nil:
			t.Errorf("limit %s: %v", limit, err)
		case want != "":
			failed(t, limit, err, actionhero.CodeInvalidInput, want)
			if err == nil || len(err.Details) != 1 || err.Details[0].Field != "limit" {
				t.Errorf("limit %s: the details are %+v", limit, err)
			}
		}
	}
	if out, err := dispatch(t, newAPI(t, actionhero.Config{MaxLimit: -1}, page), "page", "limit", "5000"); err != nil || out.(map[string]any)["limit"] != 5000 {
		t.Errorf("without a bound: %v, %v", out, err)
	}
}

// One answer names all faults of all params in order: of the page, unknown ones, and of the inputs. The middleware of the
// action comes first, as for every other fault of an input.
func TestAllFaultsOfAllParamsAreInOneAnswer(t *testing.T) {
	t.Parallel()
	type input struct {
		Limit int    `json:"limit" maximum:"50"`
		Name  string `json:"name" required:"true"`
		Age   int    `json:"age" minimum:"18"`
		Deep  struct {
			Size int `json:"size"`
		} `json:"deep"`
	}
	run := func(context.Context, input) (n actionhero.None, err error) { return }
	sets := func(next actionhero.Handler) actionhero.Handler {
		return func(ctx context.Context, req *actionhero.Request) (any, error) {
			req.Params.Set("name", "set")
			return next(ctx, req)
		}
	}
	denies := func(actionhero.Handler) actionhero.Handler {
		return func(context.Context, *actionhero.Request) (any, error) {
			return nil, actionhero.Errorf(actionhero.CodeUnauthenticated, "log in")
		}
	}
	part := func(name string, strict bool, middleware ...actionhero.Middleware) actionhero.Part {
		return actionhero.Action[input, actionhero.None]{Name: name, Strict: strict, Middleware: middleware, Run: run}
	}
	api := newAPI(t, actionhero.Config{}, part("lax", false), part("strict", true), part("sets", false, sets), part("denies", false, denies),
		actionhero.Action[actionhero.None, actionhero.None]{Name: "none", Run: func(context.Context, actionhero.None) (n actionhero.None, err error) { return }})
	const (
		limit, offset = "limit must be a whole number of 0 or more", "offset must be a whole number of 0 or more"
		name, age     = "name must be given", "age must be at least 18"
	)
	for _, test := range []struct {
		action, params, message string
		details                 []string
	}{
		{"none", `{"limit":"abc","offset":-1}`, limit, []string{limit, offset}},
		{"none", `{"limit":2000,"offset":1.5}`, "limit must be at most 1000", []string{"limit must be at most 1000", offset}},
		{"lax", `{"limit":"abc","offset":-1,"age":3,"x":1}`, limit, []string{limit, offset, name, age}},
		{"lax", `{"limit":60,"offset":-1,"name":"a"}`, offset, []string{offset, "limit must be at most 50"}},
		{"lax", `{"offset":{},"name":"a","age":20}`, offset, []string{offset}},
		{"strict", `{"limit":[],"x":1,"age":3,"deep":{"size":"x","y":1}}`, limit,
			[]string{limit, "x is not a parameter of this action", name, age, "deep.size must be a whole number", "deep.y must not be given, because it is not known"}},
		{"strict", `{"x":1,"age":3}`, "x is not a parameter of this action", []string{"x is not a parameter of this action", name, age}},
		{"sets", `{"limit":"abc","age":3}`, limit, []string{limit, age}},
		{"denies", `{"limit":"abc","age":3}`, "log in", nil},
		{"unknown", `{"limit":"abc"}`, limit, []string{limit}},
	} {
		req := transport.Of(api).NewRequest("test")
		req.Action = test.action
		if err := transport.ParamsOf(&req.Params).AddObject([]byte(test.params)); err != nil {
			t.Fatal(err)
		}
		_, err := transport.Of(api).Dispatch(t.Context(), req)
		if err == nil {
			t.Errorf("%s %s is accepted", test.action, test.params)
			continue
		}
		failure := actionhero.AsError(err)
		var got []string
		for _, d := range failure.Details {
			got = append(got, d.Message)
		}
		if failure.Message != test.message || !slices.Equal(got, test.details) {
			t.Errorf("%s %s: %q\ngot  %q\nwant %q", test.action, test.params, failure.Message, got, test.details)
		}
	}
}

// The numbers of a page may be written as every whole number.
func TestANumberOfAPageHasEachFormOfAWholeNumber(t *testing.T) {
	t.Parallel()
	api := newAPI(t, actionhero.Config{}, action("page", func(ctx context.Context) (map[string]any, error) {
		req := actionhero.RequestFrom(ctx)
		return map[string]any{"page": fmt.Sprintf("%d %d %s %s", req.Limit, req.Offset, req.Params.Get("limit"), req.Params.Get("offset"))}, nil
	}))
	for _, text := range []string{"10", "1e1", "10.0", "+10", "0010", "100e-1"} {
		if out, err := dispatch(t, api, "page", "limit", text, "offset", text); err != nil || out.(map[string]any)["page"] != "10 10 10 10" {
			t.Errorf("%s: %v, %v", text, out, err)
		}
	}
}

// A setting that would refuse every request, or lead no client into its room, is refused by New with its name.
func TestSettingsThatCannotWorkAreRefused(t *testing.T) {
	t.Parallel()
	for setting, cfg := range map[string]actionhero.Config{
		"general.requestLimitWindow": {RequestLimit: 5, RequestLimitWindow: -time.Second},
		"general.defaultChatRoom":    {DefaultChatRoom: strings.Repeat("x", 200)},
		"general.defaultLimit":       {DefaultLimit: 2000},
		"general.maxLimit":           {MaxLimit: -2},
	} {
		cfg.Backend = local.New(local.Config{})
		if _, err := actionhero.New(cfg); err == nil || !strings.Contains(err.Error(), setting) {
			t.Errorf("%s: New returns %v", setting, err)
		}
	}
}
