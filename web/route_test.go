package web_test

import (
	"context"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/web"
)

type personInput struct {
	Name  string `json:"name"`
	Other string `json:"other"`
}

// routed is an action with a route that answers its name and its params.
func routed(name, route string) actionhero.Action[personInput, map[string]string] {
	return actionhero.Action[personInput, map[string]string]{
		Name: name, Route: route,
		Run: func(_ context.Context, in personInput) (map[string]string, error) {
			return map[string]string{"ran": name, "got": in.Name + "|" + in.Other}, nil
		},
	}
}

// Routes lead to their actions, with the values of the path as params. If several match, a literal segment wins.
func TestRoutes(t *testing.T) {
	t.Parallel()
	s := start(t, nil,
		routed("list", "GET /people"), routed("add", "POST /people/{name}"), routed("show", "GET /people/{name}"),
		routed("me", "GET /people/me"), routed("pair", "PUT /people/{name}/of/{other}"), routed("home", "GET /"),
	)
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for request, want := range map[[2]string]string{
			{"GET", "/people"}:                        `{"got":"|","ran":"list"`,
			{"GET", "/people/"}:                       `{"got":"|","ran":"list"`,
			{"GET", "/people/ann"}:                    `{"got":"ann|","ran":"show"`,
			{"GET", "/people/me"}:                     `{"got":"|","ran":"me"`,
			{"POST", "/people/ann"}:                   `{"got":"ann|","ran":"add"`,
			{"PUT", "/people/ann/of/bob"}:             `{"got":"ann|bob","ran":"pair"`,
			{"PUT", "/people/a%2Fb%20c/of/%C3%A4+d"}:  `{"got":"a/b c|ä+d","ran":"pair"`,
			{"GET", "/people/ann?name=x&other=query"}: `{"got":"ann|query","ran":"show"`,
			{"GET", "/"}:                              `{"got":"|","ran":"home"`,
			{"GET", "/api/show?name=ann"}:             `{"got":"ann|","ran":"show"`,
			{"GET", "/people/ann?action=list"}:        `{"got":"ann|","ran":"show"`,
		} {
			c.Ask(request[0], request[1], "").Want(t, 200, want)
		}
		got := c.Ask("POST", "/people/ann", `{"name":"x","other":"json","action":"list"}`, "Content-Type: application/json")
		got.Want(t, 200, `{"got":"ann|json","ran":"add"`)
		if head := c.Ask("HEAD", "/people/ann", ""); head.StatusCode != 200 || head.Text != "" {
			t.Errorf("HEAD is answered with %d %q", head.StatusCode, head.Text)
		}
	})
}

// A path with routes for other methods is answered with 405 and those methods. A path without routes is an action.
func TestRoutesOfOtherMethods(t *testing.T) {
	t.Parallel()
	s := start(t, nil, routed("show", "GET /people/{name}"), routed("add", "POST /people/{name}"), routed("change", "PUT /people/me"))
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		got := c.Ask("DELETE", "/people/ann", "")
		got.Want(t, 405, `"error":"this path answers to GET, POST only"`)
		got.WantHeader(t, "Allow: GET, POST, HEAD, OPTIONS", "Content-Type: application/json")
		c.Ask("DELETE", "/people/me", "").WantHeader(t, "Allow: GET, POST, PUT, HEAD, OPTIONS")
		c.Ask("GET", "/people/ann/more", "").Want(t, 404, `"error":"people/ann/more is not a known action."`)
	})
}

// A path that refuses a method lists the methods that OPTIONS lists there, whatever is at the path.
func TestARefusedMethodListsWhatOptionsLists(t *testing.T) {
	t.Parallel()
	s := start(t, nil, routed("show", "GET /people/{name}"), routed("remove", "DELETE /people/{name}"), routed("add", "POST /people"),
		web.Mount("POST /form", echo("form")), web.Mount("GET /view", echo("view")))
	s.Put(t, "a.txt", "the file")
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for _, ask := range []string{
			"POST /people/ann", "TRACE /people/ann", "GET /people", "TRACE /people", "PROPFIND /people", "GET /api/remove", "TRACE /api/remove", "TRACE /api/show", "TRACE /api/none",
			"GET /form", "TRACE /form", "POST /view", "POST /public/a.txt", "TRACE /public/a.txt", "TRACE /public/none",
		} {
			method, target, _ := strings.Cut(ask, " ")
			refused, options := c.Ask(method, target, ""), c.Ask("OPTIONS", target, "")
			if refused.StatusCode != 405 || options.StatusCode != 204 || refused.Header.Get("Allow") != options.Header.Get("Allow") || options.Header.Get("Allow") == "" {
				t.Errorf("%s is answered with %d, Allow %q; OPTIONS with %d, Allow %q", ask, refused.StatusCode, refused.Header.Get("Allow"), options.StatusCode, options.Header.Get("Allow"))
			}
		}
	})
}

// With error codes off, a wrong method of a route is answered with 200, and a method of no action with 405.
func TestMethods(t *testing.T) {
	t.Parallel()
	s := start(t, always200, routed("show", "GET /people/{name}"))
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		c.Ask("DELETE", "/people/ann", "").Want(t, 200, `"error":"this path answers to GET only"`)
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
			c.Ask(method, "/api/randomNumber", "").Want(t, 200, `"error":"OK"`)
		}
		for _, method := range []string{"TRACE", "PROPFIND", "get"} {
			got := c.Ask(method, "/api/randomNumber", "")
			got.Want(t, 405, "the method "+method+" is not supported here")
			got.WantHeader(t, "Allow: GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS")
		}
	})
}

// An action answers at each of its routes, and the rest of a path is one value.
func TestSeveralRoutesAndTheRestOfAPath(t *testing.T) {
	t.Parallel()
	docs := routed("docs", "GET /docs/{name...}")
	docs.Routes = []string{"GET /manual/{name...}", "POST /docs"}
	s := start(t, nil, docs)
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		c.Ask("GET", "/docs/a/b%20c", "").Want(t, 200, `{"got":"a/b c|","ran":"docs"`)
		c.Ask("GET", "/manual/x?other=y", "").Want(t, 200, `{"got":"x|y","ran":"docs"`)
		c.Ask("GET", "/manual", "").Want(t, 200, `{"got":"|","ran":"docs"`)
		c.Ask("POST", "/docs", "").Want(t, 200, `{"got":"|","ran":"docs"`)
		c.Ask("GET", "/docs/a/%2e%2e/%2e%2e/etc", "").Want(t, 404, ``)
	})
}
