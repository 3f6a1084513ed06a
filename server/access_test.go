package server_test

import (
	"context"
	"encoding/base64"
	"errors"
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
)

// callersByName are the identities of the tests by their names.
func callersByName() map[string]actionhero.Identity {
	return map[string]actionhero.Identity{
		"anonymous":  {},
		"wrong role": {ID: "ann", Roles: []string{"customer"}, Scopes: []string{"tickets:read"}},
		"right role": {ID: "bob", Roles: []string{"x", "agent"}, Scopes: []string{"tickets:read", "tickets:write"}},
		"all scopes": {ID: "root", Roles: []string{"admin"}, Scopes: []string{actionhero.AnyScope}, ExpiresAt: time.Now().Add(time.Hour)},
		"expired":    {ID: "bob", Roles: []string{"agent"}, Scopes: []string{actionhero.AnyScope}, ExpiresAt: time.Now().Add(-time.Second)},
	}
}

type accessInput struct {
	Owner string `json:"owner" default:"bob"`
}

// accessRules are the rules of the tests, and the callers that each of them lets run an action. The rest is refused.
var accessRules = map[string]struct {
	rule    actionhero.Access
	allowed []string
}{
	"default":       {actionhero.Access{}, []string{"wrong role", "right role", "all scopes"}},
	"public":        {actionhero.Public, []string{"anonymous", "wrong role", "right role", "all scopes", "expired"}},
	"authenticated": {actionhero.Authenticated, []string{"wrong role", "right role", "all scopes"}},
	"roles":         {actionhero.Roles("agent", "admin"), []string{"right role", "all scopes"}},
	"scopes":        {actionhero.Scopes("tickets:read", "tickets:write"), []string{"right role", "all scopes"}},
	"both":          {actionhero.Roles("agent").And(actionhero.Scopes("tickets:write")), []string{"right role"}},
	"input": {actionhero.Authenticated.And(actionhero.Allow(func(_ context.Context, who actionhero.Identity, in accessInput) error {
		if who.ID != in.Owner {
			return actionhero.Errorf(actionhero.CodePermissionDenied, "you are not allowed to do this")
		}
		return nil
	})), []string{"right role"}},
}

const (
	logIn        = "you must log in to do this"
	logInAgain   = "your login has expired: log in again"
	notPermitted = "you are not allowed to do this"
)

// accessApp has an action for each rule, an action that makes the client another user, and an authenticator that
// believes a header.
func accessApp() actionhero.Parts {
	parts := actionhero.Parts{
		actionhero.DefaultAccess(actionhero.Authenticated),
		actionhero.Authenticator(func(_ context.Context, c *actionhero.Credentials) (actionhero.Identity, error) {
			if c.Header("X-As") == "forged" {
				return actionhero.Identity{}, actionhero.Errorf(actionhero.CodeUnauthenticated, "the token is forged")
			}
			return callersByName()[c.Header("X-As")], nil
		}),
		actionhero.Action[struct {
			As string `json:"as"`
		}, actionhero.None]{Name: "become", Access: actionhero.Public, Run: func(ctx context.Context, in struct {
			As string `json:"as"`
		}) (actionhero.None, error) {
			return actionhero.None{}, actionhero.RequestFrom(ctx).SetIdentity(ctx, callersByName()[in.As])
		}},
	}
	for name, rule := range accessRules {
		parts = append(parts, actionhero.Action[accessInput, map[string]string]{
			Name: "rule:" + name, Access: rule.rule,
			Run: func(ctx context.Context, _ accessInput) (map[string]string, error) {
				return map[string]string{"who": actionhero.IdentityFrom(ctx).ID}, nil
			},
		})
	}
	return parts
}

// Each rule gives each caller the same answer on every transport.
func TestAccessIsTheSameEverywhere(t *testing.T) {
	t.Parallel()
	s := testkit.Start(t, testkit.Options{TLS: true, Parts: accessApp()})
	transports := maps.Clone(testkit.Transports)
	delete(transports, "worker") // a job has no caller
	transports["https"] = func(t testing.TB, s *testkit.Server) testkit.Client { return s.HTTPS(t, false) }
	transports["http2"] = func(t testing.TB, s *testkit.Server) testkit.Client { return s.HTTPS(t, true) }
	for transport, connect := range transports {
		for who := range callersByName() {
			t.Run(who+" over "+transport, func(t *testing.T) {
				t.Parallel()
				client := connect(t, s)
				if c, ok := client.(*testkit.HTTPClient); ok {
					c.Headers = []string{"X-As: " + who}
				} else if got := client.Do("become", map[string]string{"as": who}); got.Error != "" {
					t.Fatal(got.Error)
				}
				for name, rule := range accessRules {
					want := notPermitted
					switch {
					case slices.Contains(rule.allowed, who):
						want = ""
					case who == "anonymous":
						want = logIn
					case who == "expired":
						want = logInAgain
					}
					if got := client.Do("rule:"+name, nil).Error; got != want {
						t.Errorf("%s: got %q, want %q", name, got, want)
					}
				}
			})
		}
	}
}

// A token reaches the app in the form of each transport. Of a WebSocket, it is no name of a selected subprotocol.
func TestATokenComesWithTheHandshake(t *testing.T) {
	t.Parallel()
	s := testkit.Start(t, testkit.Options{Parts: actionhero.Parts{
		actionhero.DefaultAccess(actionhero.Authenticated),
		actionhero.Authenticator(func(_ context.Context, c *actionhero.Credentials) (actionhero.Identity, error) {
			return actionhero.Identity{ID: c.Bearer()}, nil
		}),
		actionhero.Action[actionhero.None, map[string]string]{Name: "who", Run: func(ctx context.Context, _ actionhero.None) (map[string]string, error) {
			return map[string]string{"who": actionhero.IdentityFrom(ctx).ID}, nil
		}},
	}})
	const request, answer = `{"event":"action","params":{"action":"who"},"messageId":1}`, `"who":"t é"`
	s.HTTP(t).Ask("GET", "/api/who", "", "Authorization: bearer t é").Want(t, 200, answer)
	s.HTTP(t).Ask("GET", "/api/who", "", "Authorization: Basic dDp4").Want(t, 401, logIn)
	token := "bearer." + base64.RawURLEncoding.EncodeToString([]byte("t é"))
	for name, options := range map[string]*websocket.DialOptions{
		"header":      {HTTPHeader: http.Header{"Authorization": {"Bearer t é"}}},
		"subprotocol": {Subprotocols: []string{"other", token, actionhero.WebSocketProtocol}},
	} {
		c := testkit.DialSocket(t, s.WSURL(), options)
		if want := map[bool]string{true: actionhero.WebSocketProtocol}[options.Subprotocols != nil]; c.Subprotocol() != want {
			t.Errorf("%s: the server selects %q", name, c.Subprotocol())
		}
		c.Send(request)
		until(t, func() string { return c.Next() }, answer)
	}
	c := testkit.DialSocket(t, "ws://"+s.Web.Addr().String()+testkit.SIOPath, nil)
	c.Send(`40{"token":"t é"}`)
	until(t, func() string { return c.Next() }, `40{`)
	c.Send(`42["action",{"action":"who"}]`)
	until(t, func() string { return c.Next() }, `"who":"t é"`)
}

// A refusal has the status that clients of HTTP know, and wrong credentials refuse also an action that is open to all.
func TestAccessOverHTTPHasItsStatus(t *testing.T) {
	t.Parallel()
	s := testkit.Start(t, testkit.Options{Parts: accessApp()})
	c := s.HTTP(t)
	c.Ask("GET", "/api/rule:roles", "").Want(t, 401, logIn)
	c.Ask("GET", "/api/rule:roles", "", "X-As: wrong role").Want(t, 403, notPermitted)
	c.Ask("GET", "/api/rule:public", "", "X-As: forged").Want(t, 401, "the token is forged")
	c.Ask("GET", "/api/rule:roles", "", "X-As: right role").Want(t, 200, `"who":"bob"`)
	c.Ask("GET", "/api/rule:roles?owner=%7B", "").Want(t, 401, logIn)
}

// A client whose identity has expired is closed so that it may come back: over a plain WebSocket with the code 4401, over
// Socket.IO without the packet after which stock clients stay away.
func TestAClientWithAnExpiredIdentityMayComeBack(t *testing.T) {
	t.Parallel()
	s := testkit.Start(t, testkit.Options{Parts: actionhero.Parts{
		actionhero.DefaultAccess(actionhero.Public),
		actionhero.Authenticator(func(context.Context, *actionhero.Credentials) (actionhero.Identity, error) {
			return actionhero.Identity{ID: "ann", ExpiresAt: time.Now().Add(100 * time.Millisecond)}, nil
		}),
	}})
	const reason = "your login has expired: connect again"
	plain := testkit.DialSocket(t, s.WSURL(), nil)
	sio := testkit.DialSocket(t, "ws://"+s.Web.Addr().String()+testkit.SIOPath, nil)
	sio.Send("40")
	lines := s.TCP(t)
	lines.WantClosed()
	last := func(c *testkit.Socket) (texts []string, end error) {
		for {
			_, text, err := c.Read(t.Context())
			if err != nil {
				return texts, err
			}
			texts = append(texts, string(text))
		}
	}
	_, err := last(plain)
	if closed := (websocket.CloseError{}); !errors.As(err, &closed) || closed.Code != 4401 || closed.Reason != reason {
		t.Errorf("the plain WebSocket ends with %v", err)
	}
	texts, err := last(sio)
	if closed := (websocket.CloseError{}); !errors.As(err, &closed) || slices.Contains(texts, "41") {
		t.Errorf("Socket.IO ends with %q, %v", texts, err)
	}
}
