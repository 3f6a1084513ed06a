package web_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/auth"
	"github.com/actionhero-go/actionhero/server"
	"github.com/actionhero-go/actionhero/web"
)

// whoami answers with the caller that it finds.
var whoami = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "%q reads %s", actionhero.IdentityFrom(r.Context()).ID, r.URL.Path)
})

// callers are the users of the tests: the token is the name and the role.
var callers = auth.Bearer(func(_ context.Context, token string) (actionhero.Identity, error) {
	if token == "panic" {
		panic("of an authenticator")
	}
	name, role, ok := strings.Cut(token, ":")
	if !ok {
		return actionhero.Identity{}, actionhero.Errorf(actionhero.CodeUnauthenticated, "the token is not valid")
	}
	return actionhero.Identity{ID: name, Roles: []string{role}}, nil
})

// A mounted handler has the rules of the actions, and reads from whom a request comes.
func TestAProtectedHandlerIsReachedByCallersOfItsRule(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.Handle("/app/open", whoami)
	mux.Handle("/app/staff", web.Protect(actionhero.Roles("staff"), whoami))
	for _, envelope := range []string{"classic", "plain"} {
		s := start(t, func(cfg *server.Config) { cfg.CommonWeb.Envelope = envelope },
			callers, actionhero.DefaultAccess(actionhero.Authenticated),
			web.Mount("/default", web.Protect(actionhero.Access{}, whoami)),
			web.Mount("/staff", web.MaxBody(4, web.Protect(actionhero.Roles("staff"), whoami))),
			web.Mount("/all", web.Protect(actionhero.Public, web.CrossOrigin(whoami))),
			web.Mount("/app/", mux))
		c := s.HTTP(t)
		for _, test := range []struct {
			path, token string
			status      int
			text        string
		}{
			{"/default", "", 401, "you must log in to do this"},
			{"/default", "ann:user", 200, `"ann" reads /default`},
			{"/default", "wrong", 401, "the token is not valid"},
			{"/default", "panic", 500, ""},
			{"/staff", "ann:user", 403, "you are not allowed to do this"},
			{"/staff", "bo:staff", 200, `"bo" reads /staff`},
			{"/all", "", 200, `"" reads /all`},
			{"/all", "ann:user", 200, `"ann" reads /all`},
			{"/app/open", "", 200, `"" reads /app/open`},
			{"/app/staff", "", 401, "you must log in to do this"},
			{"/app/staff", "bo:staff", 200, `"bo" reads /app/staff`},
		} {
			var headers []string
			if test.token != "" {
				headers = append(headers, "Authorization: Bearer "+test.token)
			}
			resp := c.Ask("GET", test.path, "", headers...)
			if resp.StatusCode != test.status || !strings.Contains(resp.Text, test.text) {
				t.Errorf("%s: %s with %q: %d, %s", envelope, test.path, test.token, resp.StatusCode, resp.Text)
			}
			if want := test.status == 401; want != (resp.Header.Get("WWW-Authenticate") != "") {
				t.Errorf("%s: %s with %q has WWW-Authenticate %q", envelope, test.path, test.token, resp.Header.Get("WWW-Authenticate"))
			}
			if got := resp.Header.Get("Cache-Control"); test.path != "/app/open" && got != "private, no-store" {
				t.Errorf("%s: %s with %q has Cache-Control %q", envelope, test.path, test.token, got)
			}
		}
	}
}

// A rule that cannot be checked lets no caller on.
func TestAProtectedHandlerWithoutACheckableRuleIsClosed(t *testing.T) {
	t.Parallel()
	rule := actionhero.Allow(func(context.Context, actionhero.Identity, actionhero.None) error { return nil })
	_, err := server.New(server.Config{}, web.Mount("/x", web.Protect(rule, whoami)))
	if err == nil || !strings.Contains(err.Error(), "has an Allow, which needs the input of an action") {
		t.Errorf("the start says %v", err)
	}
	mux := http.NewServeMux()
	mux.Handle("/x", web.Protect(rule, whoami))
	s := start(t, nil, web.Mount("/x", mux))
	if resp := s.HTTP(t).Ask("GET", "/x", ""); resp.StatusCode != 500 {
		t.Errorf("%d, %s", resp.StatusCode, resp.Text)
	}
}
