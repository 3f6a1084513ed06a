package web_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

type versionInput struct {
	ID     string `json:"id"`
	Ticket string `json:"ticket"`
}

// ticket returns a version of the action "ticket".
func ticket(version int, kind actionhero.Kind, routes ...string) actionhero.Action[versionInput, map[string]string] {
	return actionhero.Action[versionInput, map[string]string]{
		Name: "ticket", Version: version, Kind: kind, Routes: routes,
		Run: func(_ context.Context, in versionInput) (map[string]string, error) {
			return map[string]string{"ran": fmt.Sprintf("v%d %s|%s", version, in.ID, in.Ticket)}, nil
		},
	}
}

// A path, a param, a header and a body choose the version of an action, and of the action of a route.
func TestARequestChoosesAVersionOverHTTP(t *testing.T) {
	t.Parallel()
	s := start(t, nil,
		ticket(1, actionhero.KindRead, "GET /tickets/{id}", "POST /old/{id}"), ticket(2, actionhero.KindRead, "GET /tickets/{ticket}"),
		ticket(10, actionhero.KindRead, "GET /v10/{ticket}"), routed("other", "GET /other"),
	)
	const json, unknown = "Content-Type: application/json", "ticket has no version 3: choose one of 1, 2, 10"
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for _, test := range []struct {
			method, path, body, header string
			status                     int
			want                       string
		}{
			{"GET", "/api/ticket", "", "", 200, `"v10 |"`},
			{"GET", "/api/ticket?apiVersion=2", "", "", 200, `"v2 |"`},
			{"GET", "/api/v2/ticket", "", "", 200, `"v2 |"`},
			{"GET", "/api/v2/ticket/", "", "", 200, `"v2 |"`},
			{"GET", "/api/v2/ticket?apiVersion=1", "", "Api-Version: 10", 200, `"v2 |"`},
			{"GET", "/api/ticket?apiVersion=1", "", "Api-Version: 10", 200, `"v1 |"`},
			{"GET", "/api/ticket", "", "Api-Version: 2", 200, `"v2 |"`},
			{"GET", "/api?action=v1/ticket", "", "", 200, `"v1 |"`},
			{"GET", "/api?action=ticket&apiVersion=1", "", "", 200, `"v1 |"`},
			{"POST", "/api/ticket", `{"apiVersion":2,"id":"a"}`, json, 200, `"v2 a|"`},
			{"POST", "/api/ticket?apiVersion=1", `{"apiVersion":2}`, json, 200, `"v2 |"`},
			{"POST", "/api", `{"action":"ticket","apiVersion":"1"}`, json, 200, `"v1 |"`},
			{"POST", "/api", "action=ticket&apiVersion=1", "Content-Type: application/x-www-form-urlencoded", 200, `"v1 |"`},
			{"GET", "/tickets/7", "", "", 200, `"v2 |7"`},
			{"GET", "/tickets/7?apiVersion=1", "", "", 200, `"v1 7|"`},
			{"GET", "/tickets/7", "", "Api-Version: 1", 200, `"v1 7|"`},
			{"GET", "/tickets/7?ticket=x", "", "Api-Version: 1", 200, `"v1 7|x"`},
			{"POST", "/old/7", `{"apiVersion":1}`, json, 200, `"v1 7|"`},
			{"GET", "/v10/7", "", "", 200, `"v10 |7"`},
			{"GET", "/other?apiVersion=9", "", "Api-Version: 8", 200, `"ran":"other"`},
			{"GET", "/tickets/7?apiVersion=10", "", "", 404, "version 10 of ticket has no route for this path: call it as /api/v10/ticket"},
			{"GET", "/tickets/7?apiVersion=3", "", "", 404, unknown},
			{"POST", "/old/7", `{"apiVersion":3}`, json, 404, unknown},
			{"GET", "/api/ticket", "", "Api-Version: 3", 404, unknown},
			{"GET", "/api/v3/ticket", "", "", 404, unknown},
			{"GET", "/api/ticket?apiVersion=x", "", "", 400, "apiVersion must be a whole number of 1 or more"},
			{"GET", "/tickets/7", "", "Api-Version: x", 400, "the header Api-Version must be a whole number of 1 or more"},
			{"GET", "/api/v1/other", "", "", 404, "v1/other is not a known action."},
		} {
			headers := []string{}
			if test.header != "" {
				headers = append(headers, test.header)
			}
			if got := c.Ask(test.method, test.path, test.body, headers...); got.StatusCode != test.status || !strings.Contains(got.Text, test.want) {
				t.Errorf("%s %s %s %s: %d %s, want %d %s", test.method, test.path, test.body, test.header, got.StatusCode, got.Text, test.status, test.want)
			}
		}
		c.Ask("GET", "/api/v2/ticket", "").Want(t, 200, `"recievedParams":{"action":"ticket"`)
		c.Ask("GET", "/api/ticket?apiVersion=2", "").WantHeader(t, "Vary: Api-Version")
	})
}

// The rules that HTTP has for an action are those of the version that runs, also if only the body asks for it.
func TestTheRulesAreThoseOfTheVersionThatRuns(t *testing.T) {
	t.Parallel()
	small := ticket(2, actionhero.KindWrite)
	small.MaxBody = 40
	routed := ticket(3, actionhero.KindRead, "POST /tickets")
	s := start(t, func(cfg *server.Config) { cfg.CommonWeb.Envelope = "plain" }, ticket(10, actionhero.KindRead), small, routed,
		actionhero.Action[actionhero.None, actionhero.None]{Name: "none", Version: 1, Kind: actionhero.KindRead, Run: func(context.Context, actionhero.None) (n actionhero.None, err error) { return n, nil }},
		actionhero.Action[actionhero.None, map[string]string]{Name: "none", Version: 2, Kind: actionhero.KindRead, Run: func(context.Context, actionhero.None) (map[string]string, error) { return nil, nil }},
	)
	const json, foreign = "Content-Type: application/json", "Origin: https://else.example"
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for _, test := range []struct {
			method, path, body string
			status             int
			want               string
		}{
			{"GET", "/api/ticket", "", 200, "v10"},
			{"GET", "/api/v2/ticket", "", 403, "a page of another site"},
			{"GET", "/api/ticket?apiVersion=2", "", 403, "a page of another site"},
			{"POST", "/api/ticket", `{"apiVersion":2}`, 403, "a page of another site"},
			{"GET", "/api/v3/ticket", "", 405, "is not run by GET"},
			{"GET", "/api/ticket?apiVersion=3", "", 405, "is not run by GET"},
			{"POST", "/tickets", `{"apiVersion":3}`, 200, "v3"},
			{"POST", "/tickets", `{"apiVersion":2}`, 404, "version 2 of ticket has no route for this path"},
			{"GET", "/api/v1/none", "", 204, ""},
			{"GET", "/api/none", "", 200, "{}"},
		} {
			if got := c.Ask(test.method, test.path, test.body, json, foreign); got.StatusCode != test.status || !strings.Contains(got.Text, test.want) {
				t.Errorf("%s %s %s: %d %s, want %d %s", test.method, test.path, test.body, got.StatusCode, got.Text, test.status, test.want)
			}
		}
		large := `{"apiVersion":2,"id":"` + strings.Repeat("a", 40) + `"}`
		c.Ask("POST", "/api/ticket", large, json).Want(t, 413, "40 bytes")
		c.Ask("POST", "/api/v2/ticket", large, json).Want(t, 413, "40 bytes")
		c.Ask("POST", "/api/v10/ticket", large, json).Want(t, 200, "v10")
	})
}

// A route that hides the path of a version is refused.
func TestARouteThatHidesAVersionIsRefused(t *testing.T) {
	t.Parallel()
	for route, want := range map[string]string{
		"GET /api/v1/ticket": "hides the action", "GET /api/ticket": "hides the action", "GET /api/v2/ticket": "", "GET /tickets": "",
	} {
		s := testkit.New(t, testkit.Options{Parts: actionhero.Parts{ticket(1, actionhero.KindRead), ticket(2, actionhero.KindRead, route), ticket(3, actionhero.KindRead)}})
		err := s.Server.Start(t.Context())
		if err == nil {
			err = s.Server.Stop(context.WithoutCancel(t.Context()))
		}
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v", route, err)
		}
	}
}

// The document has a path for each version, and the default one and shared routes belong to the newest.
func TestTheDocumentHasAPathForEachVersion(t *testing.T) {
	t.Parallel()
	s := start(t, nil, ticket(1, actionhero.KindRead, "GET /tickets/{id}", "GET /old/{id}"), ticket(10, actionhero.KindRead, "GET /tickets/{ticket}"), ticket(9, actionhero.KindWrite))
	text, err := s.Web.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	var doc openAPIDoc
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for path, operations := range doc.Paths {
		for method, operation := range operations {
			if strings.Contains(operation.OperationID, "ticket") {
				got[method+" "+path] = operation.OperationID
			}
		}
	}
	want := map[string]string{
		"get /api/ticket": "ticket", "get /api/v10/ticket": "ticket~v10", "post /api/v9/ticket": "ticket~v9", "get /api/v1/ticket": "ticket~v1",
		"get /tickets/{ticket}": "ticket~v10-route", "get /old/{id}": "ticket~v1-route2",
	}
	if !maps.Equal(got, want) {
		t.Errorf("the operations are %v, want %v", got, want)
	}
}

// The answer of a deprecated action has the headers about it, and the document marks it.
func TestADeprecatedActionSaysSo(t *testing.T) {
	t.Parallel()
	old := ticket(1, actionhero.KindRead, "GET /old/{id}")
	old.Deprecated = &actionhero.Deprecation{Since: "2026-12-01", Sunset: "2027-06-01T12:00:00+02:00", Replacement: "v2/ticket", Link: "https://example.org/change"}
	failing := actionhero.Action[actionhero.None, actionhero.None]{
		Name: "failing", Kind: actionhero.KindRead, Deprecated: &actionhero.Deprecation{Since: "2100-01-01"},
		Run: func(context.Context, actionhero.None) (n actionhero.None, err error) {
			return n, actionhero.Errorf(actionhero.CodeConflict, "it fails")
		},
	}
	s := start(t, nil, old, ticket(2, actionhero.KindRead), failing)
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for _, path := range []string{"/api/v1/ticket", "/api/ticket?apiVersion=1", "/old/7"} {
			got := c.Ask("GET", path, "")
			got.Want(t, 200, "v1 ")
			got.WantHeader(t, "Deprecation: @1796083200", "Sunset: Tue, 01 Jun 2027 10:00:00 GMT")
			if want := []string{`<https://example.org/change>; rel="deprecation"`, `</api/v2/ticket>; rel="successor-version"`}; !slices.Equal(got.Header["Link"], want) {
				t.Errorf("%s: the links are %q, want %q", path, got.Header["Link"], want)
			}
		}
		got := c.Ask("GET", "/api/failing", "")
		got.Want(t, 409, "it fails")
		got.WantHeader(t, "Deprecation: @4102444800")
		for _, header := range []string{"Sunset", "Link"} {
			if got.Header.Get(header) != "" {
				t.Errorf("%s is %q", header, got.Header.Get(header))
			}
		}
		if got := c.Ask("GET", "/api/ticket", ""); got.Header.Get("Deprecation") != "" {
			t.Error("the newest version is deprecated")
		}
		c.Ask("GET", "/api/openapi.json", "").Want(t, 200, `"deprecated":true`)
		c.Ask("GET", "/api/actionsView", "").Want(t, 200, `"deprecated":"since 2026-12-01, gone from 2027-06-01T12:00:00+02:00: use v2/ticket, see https://example.org/change"`)
	})
}
