package auth_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/coder/websocket"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/actionherotest"
	"github.com/actionhero-go/actionhero/auth"
	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

type none = actionhero.None

type userInput struct {
	User string `json:"user" default:"ann"`
	ID   string `json:"id"`
}

type whoOutput struct {
	Who    string         `json:"who"`
	Roles  []string       `json:"roles"`
	Scopes []string       `json:"scopes"`
	Claims map[string]any `json:"claims"`
}

// site is an app with sessions. changes counts the runs of its action "change".
type site struct {
	*auth.Sessions
	changes atomic.Int64
	parts   actionhero.Parts
}

func newSite(cfg auth.SessionConfig) *site {
	s := &site{Sessions: auth.NewSessions(cfg)}
	run := func(f func(ctx context.Context, in userInput) error) func(context.Context, userInput) (none, error) {
		return func(ctx context.Context, in userInput) (none, error) { return none{}, f(ctx, in) }
	}
	who := func(ctx context.Context, _ none) (whoOutput, error) {
		id := actionhero.IdentityFrom(ctx)
		return whoOutput{id.ID, id.Roles, id.Scopes, id.Claims}, nil
	}
	write := func(name string, access actionhero.Access, f func(ctx context.Context, in userInput) error) actionhero.Part {
		return actionhero.Action[userInput, none]{Name: name, Access: access, Run: run(f)}
	}
	login := actionhero.Action[userInput, none]{Name: "login", Access: actionhero.Public, Run: run(func(ctx context.Context, in userInput) error {
		return s.Login(ctx, actionhero.Identity{ID: in.User, Roles: []string{"agent"}, Claims: map[string]any{"name": "Ann"}})
	})}
	s.parts = actionhero.Parts{
		s.Sessions, actionhero.DefaultAccess(actionhero.Authenticated),
		login,
		write("logout", actionhero.Public, func(ctx context.Context, _ userInput) error { return s.Logout(ctx) }),
		write("others", actionhero.Authenticated, func(ctx context.Context, _ userInput) error { return s.RevokeOthers(ctx) }),
		write("revoke", actionhero.Authenticated, func(ctx context.Context, in userInput) error {
			return s.Revoke(ctx, actionhero.RequestFrom(ctx).API, actionhero.IdentityFrom(ctx).ID, in.ID)
		}),
		write("change", actionhero.Authenticated, func(context.Context, userInput) error { s.changes.Add(1); return nil }),
		actionhero.Action[none, *actionhero.Content]{Name: "page", Kind: actionhero.KindRead, Access: actionhero.Public, Run: func(ctx context.Context, _ none) (*actionhero.Content, error) {
			return actionhero.RequestFrom(ctx).API.Files.Open("page.html")
		}},
		actionhero.Action[none, none]{Name: "signUp", Access: actionhero.Public, Run: func(ctx context.Context, _ none) (none, error) {
			_, err := login.Call(ctx, actionhero.RequestFrom(ctx).API, userInput{User: "ann"})
			return none{}, err
		}},
		actionhero.Action[none, whoOutput]{Name: "who", Kind: actionhero.KindRead, Run: who},
		actionhero.Action[none, whoOutput]{Name: "open", Kind: actionhero.KindRead, Access: actionhero.Public, Run: who},
		actionhero.Action[none, map[string][]auth.Session]{Name: "list", Kind: actionhero.KindRead, Run: func(ctx context.Context, _ none) (map[string][]auth.Session, error) {
			list, err := s.List(ctx, actionhero.RequestFrom(ctx).API, actionhero.IdentityFrom(ctx).ID)
			return map[string][]auth.Session{"sessions": list}, err
		}},
	}
	return s
}

// start starts a server with the app.
func (s *site) start(t *testing.T, change ...func(*server.Config)) *testkit.Server {
	t.Helper()
	return testkit.Start(t, testkit.Options{TLS: true, Parts: s.parts, Change: func(cfg *server.Config) {
		for _, f := range change {
			f(cfg)
		}
	}})
}

// startNode starts a server with the app as a node of a cluster.
func (s *site) startNode(t *testing.T, id string, b backend.Backend) *testkit.Server {
	t.Helper()
	return s.start(t, func(cfg *server.Config) { cfg.General.ID, cfg.General.Backend = id, b })
}

// browser sends the cookies that it has got.
type browser struct {
	*testkit.HTTPClient
	cookies map[string]string
}

func newBrowser(c *testkit.HTTPClient) *browser { return &browser{c, map[string]string{}} }

// post runs an action and keeps its cookies.
func (b *browser) post(action, body string, headers ...string) testkit.Reply {
	return b.ask("POST", "/api/"+action, body, append(headers, "Content-Type: application/json")...)
}

func (b *browser) get(action string, headers ...string) testkit.Reply {
	return b.ask("GET", "/api/"+action, "", headers...)
}

func (b *browser) ask(method, path, body string, headers ...string) testkit.Reply {
	if cookie := b.cookie(); cookie != "" {
		headers = append(headers, "Cookie: "+cookie)
	}
	got := b.Ask(method, path, body, headers...)
	for _, c := range got.Cookies() {
		if b.cookies[c.Name] = c.Value; c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
	return got
}

// cookie returns the header Cookie.
func (b *browser) cookie() string {
	var pairs []string
	for name, value := range b.cookies {
		pairs = append(pairs, name+"="+value)
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "; ")
}

// login logs the user in, and returns the header Cookie.
func (b *browser) login(t *testing.T, user string) string {
	t.Helper()
	b.post("login", `{"user":"`+user+`"}`).Want(t, 200, "")
	b.get("who").Want(t, 200, `"who":"`+user+`"`)
	return b.cookie()
}

// isUser fails the test unless a request with the header Cookie comes from the user; "" is an anonymous one.
func isUser(t *testing.T, c *testkit.HTTPClient, cookie, user string) {
	t.Helper()
	c.Ask("GET", "/api/open", "", "Cookie: "+cookie).Want(t, 200, `"who":"`+user+`"`)
}

// wsWith opens a WebSocket with the header Cookie.
func wsWith(t *testing.T, s *testkit.Server, cookie string) *testkit.WSClient {
	t.Helper()
	return testkit.NewWS(t, s.WSURL(), &websocket.DialOptions{HTTPHeader: http.Header{"Cookie": {cookie}}})
}

// sioWith opens a connection of Socket.IO with the header Cookie.
func sioWith(t *testing.T, s *testkit.Server, cookie string) *testkit.SIOClient {
	t.Helper()
	return sioDial(t, s, http.Header{"Cookie": {cookie}})
}

// sioDial opens a connection of Socket.IO.
func sioDial(t *testing.T, s *testkit.Server, header http.Header) *testkit.SIOClient {
	t.Helper()
	c := &testkit.SIOClient{Socket: testkit.DialSocket(t, "ws://"+s.Web.Addr().String()+testkit.SIOPath, &websocket.DialOptions{HTTPHeader: header})}
	c.Await(`0{"sid":`)
	c.Send("40")
	c.Await(`40{"sid":`)
	c.Await(`42["welcome",`)
	return c
}

// cookies is a client over HTTPS without a network, which keeps the cookie of its session.
type cookies struct {
	api    *actionhero.API
	header string // the header Cookie
	set    []string
}

func (c *cookies) RequestHeader(name string) string {
	if name == "Cookie" {
		return c.header
	}
	return ""
}

func (c *cookies) RequestTarget() (scheme, host string) { return "https", "shop.example" }

func (c *cookies) AddResponseHeader(_, value string) { c.set = append(c.set, value) }

// run runs an action and returns the id of the user of which it knows.
func (c *cookies) run(t *testing.T, action string, params any) (user string, err error) {
	t.Helper()
	c.set = nil
	out, err := actionherotest.Run(t, c.api, action, params, func(req *actionhero.Request) { req.Extra, req.RemoteIP = c, "192.0.2.1" })
	for _, line := range c.set {
		pair, _, _ := strings.Cut(line, ";")
		if c.header = pair; strings.HasSuffix(pair, "=") {
			c.header = ""
		}
	}
	var answer whoOutput
	if err == nil {
		err = json.Unmarshal(out, &answer)
	}
	return answer.Who, err
}

// want fails the test unless the client is the user; "" is an anonymous one.
func (c *cookies) want(t *testing.T, user string) {
	t.Helper()
	if got, err := c.run(t, "open", nil); err != nil || got != user {
		t.Fatalf("the client is %q, want %q: %v", got, user, err)
	}
}

// login logs the user in.
func (c *cookies) login(t *testing.T, user string) {
	t.Helper()
	if _, err := c.run(t, "login", map[string]string{"user": user}); err != nil || c.header == "" {
		t.Fatalf("the login sets %q, %v", c.set, err)
	}
	c.want(t, user)
}
