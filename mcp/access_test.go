package mcp_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/auth"
	"github.com/actionhero-go/actionhero/server"
)

// knows is an authenticator that takes bearer tokens for names. The token "admin" has a role.
var knows = auth.Bearer(func(_ context.Context, token string) (actionhero.Identity, error) {
	switch token {
	case "ann":
		return actionhero.Identity{ID: "ann"}, nil
	case "admin":
		return actionhero.Identity{ID: "root", Roles: []string{"admin"}}, nil
	case "broken":
		return actionhero.Identity{}, errors.New("the database is gone")
	}
	return actionhero.Identity{}, actionhero.Errorf(actionhero.CodeUnauthenticated, "no such token")
})

func bearer(token string) map[string]string {
	return map[string]string{"Authorization": "Bearer " + token}
}

type whoOutput struct {
	ID        string `json:"id"`
	Transport string `json:"transport"`
	IP        string `json:"ip"`
	Header    string `json:"header"`
}

func who(name string, access actionhero.Access) actionhero.Part {
	return isTool(actionhero.Action[actionhero.None, whoOutput]{
		Name: name, Access: access,
		Run: func(ctx context.Context, _ actionhero.None) (whoOutput, error) {
			req := actionhero.RequestFrom(ctx)
			return whoOutput{actionhero.IdentityFrom(ctx).ID, req.Transport, req.RemoteIP, req.Header("X-Any")}, nil
		},
	})
}

func TestAListShowsOnlyWhatItsCallerMayCall(t *testing.T) {
	t.Parallel()
	s := start(t, nil, knows, actionhero.DefaultAccess(actionhero.Authenticated),
		who("open", actionhero.Public), who("own", actionhero.Access{}), who("admins", actionhero.Roles("admin")))
	for _, version := range versions {
		for token, want := range map[string][]string{"": {"open"}, "ann": {"open", "own"}, "admin": {"admins", "open", "own"}} {
			add := map[string]string{"X-Any": "x"}
			if token != "" {
				add["Authorization"] = "Bearer " + token
			}
			session := connect(t, s, version, add)
			if got := names(t, session); !slices.Equal(got, want) {
				t.Errorf("%s: the caller %q sees %v, want %v", version, token, got, want)
			}
			id := map[string]string{"ann": "ann", "admin": "root"}[token]
			if got := structured(t, call(t, session, "open", nil)); got != `{"header":"x","id":"`+id+`","ip":"127.0.0.1","transport":"mcp"}` {
				t.Errorf("%s: the caller %q is %s", version, token, got)
			}
			code := map[string]string{"": "unauthenticated", "ann": "permissionDenied"}[token]
			if got := call(t, session, "admins", nil); code != "" && failureOf(t, got).ErrorCode != code {
				t.Errorf("%s: the caller %q gets %s", version, token, text(t, got))
			}
		}
	}
}

func TestWrongCredentialsAreRefusedBeforeAnyMessage(t *testing.T) {
	t.Parallel()
	s := start(t, nil, knows, actionhero.DefaultAccess(actionhero.Public), who("open", actionhero.Public))
	c := s.HTTP(t)
	for token, want := range map[string]struct {
		status    int
		text      string
		challenge string
	}{
		"wrong":  {401, "no such token", `Bearer error="invalid_token"`},
		"broken": {500, "The server experienced an internal error", ""},
	} {
		got := c.Ask("POST", "/mcp", `{"jsonrpc":"2.0","id":1,"method":"ping"}`, "Authorization: Bearer "+token, "Content-Type: application/json")
		if got.StatusCode != want.status || !strings.Contains(got.Text, want.text) || got.Header.Get("Www-Authenticate") != want.challenge {
			t.Errorf("%s: %d %s %v", token, got.StatusCode, got.Text, got.Header)
		}
	}
}

// If an anonymous caller may call nothing, the answer says that credentials are missing.
func TestAServerWithoutOpenToolsAsksForCredentials(t *testing.T) {
	t.Parallel()
	s := start(t, nil, knows, actionhero.DefaultAccess(actionhero.Authenticated), who("own", actionhero.Access{}))
	got := s.HTTP(t).Ask("POST", "/mcp", `{"jsonrpc":"2.0","id":1,"method":"ping"}`, "Content-Type: application/json")
	if got.StatusCode != 401 || got.Header.Get("Www-Authenticate") != "Bearer" {
		t.Errorf("%d %s %v", got.StatusCode, got.Text, got.Header)
	}
	if got := names(t, connect(t, s, versions[0], bearer("ann"))); !slices.Equal(got, []string{"own"}) {
		t.Error(got)
	}
}

// A session belongs to the user that has opened it.
func TestAStolenSessionIsOfNoUse(t *testing.T) {
	t.Parallel()
	s := start(t, nil, knows, actionhero.DefaultAccess(actionhero.Public), who("open", actionhero.Public))
	session := connect(t, s, "2025-11-25", bearer("ann"))
	if session.ID() == "" {
		t.Fatal("there is no session")
	}
	c := s.HTTP(t)
	for _, method := range []string{"POST", "DELETE"} {
		for _, as := range []string{"Authorization: Bearer admin", "X-None: x"} {
			got := c.Ask(method, "/mcp", `{"jsonrpc":"2.0","id":1,"method":"ping"}`, as, "Mcp-Session-Id: "+session.ID(), "Content-Type: application/json", "Accept: application/json, text/event-stream")
			if got.StatusCode != http.StatusForbidden {
				t.Errorf("%s as %s: %d %s", method, as, got.StatusCode, got.Text)
			}
		}
	}
	if got := structured(t, call(t, session, "open", nil)); !strings.Contains(got, `"id":"ann"`) {
		t.Error(got)
	}
}

func TestActionTransportsHonourTools(t *testing.T) {
	t.Parallel()
	only := close("only")
	only.Transports = []string{actionhero.TransportMCP}
	s := start(t, nil, isTool(only))
	if got := s.HTTP(t).Do("only", map[string]string{"id": "12"}).Error; got != "only is not a known action." {
		t.Errorf("over HTTP: %q", got)
	}
	if got := structured(t, call(t, connect(t, s, versions[0], nil), "only", map[string]any{"id": "12"})); got != `{"id":"12","votes":3}` {
		t.Error(got)
	}
}

// The request limit of an address counts the messages of agents, and tells them what is left to wait.
func TestTheRequestLimitCountsMessages(t *testing.T) {
	t.Parallel()
	s := start(t, func(cfg *server.Config) { cfg.General.RequestLimit = 4 }, isTool(close("any")))
	session := connect(t, s, "2026-07-28", nil)
	var last failure
	for range 4 {
		if got := call(t, session, "any", map[string]any{"id": "12"}); got.IsError {
			last = failureOf(t, got)
		}
	}
	if last.ErrorCode != "resourceExhausted" || last.RetryAfter < 1 {
		t.Errorf("the last call gets %+v", last)
	}
	if _, err := session.ListTools(t.Context(), nil); err == nil || !strings.Contains(err.Error(), last.Error) {
		t.Errorf("a list beyond the limit: %v", err)
	}
}
