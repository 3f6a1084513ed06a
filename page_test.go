package actionhero_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/transport"
)

type pagedInput struct {
	Limit  int `json:"limit" maximum:"5" default:"3"`
	Offset int `json:"offset" default:"7"`
}

type boundedInput struct {
	Limit int `json:"limit" maximum:"50"`
}

type pageSeen struct{ Limit, Offset, OwnLimit, OwnOffset int }

// The client's number wins, then the default of the action, then the default of the API, within the maximum of the action.
func TestTheLimitOfAnActionWinsOverTheLimitOfTheAPI(t *testing.T) {
	t.Parallel()
	seen := func(ctx context.Context, own pagedInput) (pageSeen, error) {
		req := actionhero.RequestFrom(ctx)
		return pageSeen{req.Limit, req.Offset, own.Limit, own.Offset}, nil
	}
	api := newAPI(t, actionhero.Config{MaxLimit: 200, DefaultOffset: 2},
		actionhero.Action[pagedInput, pageSeen]{Name: "paged", Run: seen},
		actionhero.Action[boundedInput, pageSeen]{Name: "bounded", Run: func(ctx context.Context, in boundedInput) (pageSeen, error) {
			return seen(ctx, pagedInput{Limit: in.Limit})
		}},
		actionhero.Action[actionhero.None, pageSeen]{Name: "plain", Run: func(ctx context.Context, _ actionhero.None) (pageSeen, error) {
			return seen(ctx, pagedInput{})
		}},
		actionhero.Action[struct {
			Limit int `json:"limit" default:"500"`
		}, pageSeen]{Name: "large", Run: func(ctx context.Context, in struct {
			Limit int `json:"limit" default:"500"`
		}) (pageSeen, error) {
			return seen(ctx, pagedInput{Limit: in.Limit})
		}},
	)
	for _, c := range []struct {
		action, params string
		want           pageSeen
		fault          string
		shown          string
	}{
		{action: "paged", params: `{}`, want: pageSeen{3, 7, 3, 7}, shown: `{"limit":3,"offset":7}`},
		{action: "paged", params: `{"limit":"","offset":null}`, want: pageSeen{3, 7, 3, 7}, shown: `{"limit":3,"offset":7}`},
		{action: "paged", params: `{"limit":5,"offset":"0"}`, want: pageSeen{5, 0, 5, 0}, shown: `{"limit":5,"offset":0}`},
		{action: "paged", params: `{"limit":6}`, fault: "limit must be at most 5"},
		{action: "paged", params: `{"limit":100}`, fault: "limit must be at most 5"},
		{action: "bounded", params: `{}`, want: pageSeen{50, 2, 50, 0}, shown: `{"limit":50,"offset":2}`},
		{action: "bounded", params: `{"limit":7}`, want: pageSeen{7, 2, 7, 0}, shown: `{"limit":7,"offset":2}`},
		{action: "plain", params: `{}`, want: pageSeen{100, 2, 0, 0}, shown: `{"limit":100,"offset":2}`},
		{action: "plain", params: `{"limit":201}`, fault: "limit must be at most 200"},
		{action: "large", params: `{}`, want: pageSeen{500, 2, 500, 0}, shown: `{"limit":500,"offset":2}`},
		{action: "large", params: `{"limit":201}`, fault: "limit must be at most 200"},
	} {
		for _, sticky := range []bool{false, true} {
			name := fmt.Sprint(c.action, c.params, sticky)
			req := transport.Of(api).NewRequest("test")
			req.Action = c.action
			params := transport.ParamsOf(&req.Params)
			if sticky { // a transport with params of a connection adds the defaults of the API to them
				var kept actionhero.Params
				transport.ParamsOf(&kept).SetPage(api)
				if err := params.AddParams(&kept); err != nil {
					t.Fatal(err)
				}
				params.NextSource()
			}
			if err := params.AddObject([]byte(c.params)); err != nil {
				t.Fatal(err)
			}
			got, err := transport.Of(api).Dispatch(t.Context(), req)
			if c.fault != "" {
				if err == nil || err.Error() != c.fault {
					t.Errorf("%s: %v, want %s", name, err, c.fault)
				}
				continue
			}
			if err != nil || got != c.want {
				t.Errorf("%s: %+v, %v, want %+v", name, got, err, c.want)
			}
			if shown := string(params.AppendJSON(nil, api, 0)); !sticky && shown != c.shown {
				t.Errorf("%s: the params are %s, want %s", name, shown, c.shown)
			}
		}
	}
}
