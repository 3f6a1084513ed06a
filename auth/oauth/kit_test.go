package oauth_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/auth"
	"github.com/actionhero-go/actionhero/auth/oauth"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
	"github.com/actionhero-go/actionhero/web"
)

type none = actionhero.None

const (
	issuer   = "https://app.example.com"
	callback = "https://agent.example.com/callback"
	verifier = "0123456789-0123456789-0123456789-0123456789"
)

// secret is the secret of the client "safe".
const secret = "0123456789abcdef 0123456789abcdef:%&+"

func config() oauth.Config {
	return oauth.Config{
		Issuer: issuer, Registration: true,
		Scopes: []oauth.Scope{{Name: "notes:read", Description: "read your notes"}, {Name: "notes:write", Description: "change your notes"}},
		Clients: []oauth.Client{
			{ID: "agent", Name: "The Agent", RedirectURIs: []string{callback, "http://127.0.0.1:1/cb", "com.example.agent:/done"}},
			{ID: "safe", RedirectURIs: []string{callback + "?a=b"}, Secret: secret, Scopes: []string{"notes:read"}},
			{ID: "own", RedirectURIs: []string{callback}, Trusted: true},
		},
	}
}

// site is an app with logins and an authorization server.
type site struct {
	*testkit.Server
	oauth *oauth.Server
}

func parts(o *oauth.Server) actionhero.Parts {
	sessions := auth.NewSessions(auth.SessionConfig{})
	keys := auth.Bearer(func(_ context.Context, token string) (actionhero.Identity, error) {
		if token != "other" {
			return actionhero.Identity{}, actionhero.Errorf(actionhero.CodeUnauthenticated, "the token is not valid")
		}
		return actionhero.Identity{ID: "other"}, nil
	})
	who := func(ctx context.Context, _ none) (map[string]any, error) {
		id := actionhero.IdentityFrom(ctx)
		return map[string]any{"who": id.ID, "roles": id.Roles, "scopes": id.Scopes, "client": oauth.ClientIDOf(id)}, nil
	}
	type login struct {
		User string `json:"user" default:"ann"`
	}
	mounted := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("mounted " + actionhero.IdentityFrom(r.Context()).ID))
	})
	return actionhero.Parts{
		sessions, o, keys, actionhero.DefaultAccess(actionhero.Authenticated),
		actionhero.Action[login, none]{Name: "login", Access: actionhero.Public, Run: func(ctx context.Context, in login) (none, error) {
			who := actionhero.Identity{ID: in.User, Roles: []string{"member"}, Claims: map[string]any{"name": "Ann <b>"}}
			if in.User == "guest" {
				who.Scopes = []string{} // none; nil would be all
			}
			return none{}, sessions.Login(ctx, who)
		}},
		actionhero.Action[none, map[string]any]{Name: "who", Run: who},
		actionhero.Action[none, map[string]any]{Name: "read", Access: actionhero.Scopes("notes:read"), Run: who},
		actionhero.Action[none, map[string]any]{Name: "write", Access: actionhero.Scopes("notes:write"), Run: who},
		web.Mount("/mcp", web.Protect(actionhero.Authenticated, mounted)),
	}
}

func start(t *testing.T, cfg oauth.Config, change ...func(*server.Config)) *site {
	t.Helper()
	o := oauth.New(cfg)
	return &site{testkit.Start(t, testkit.Options{Parts: parts(o), Change: func(c *server.Config) {
		for _, f := range change {
			f(c)
		}
	}}), o}
}

// user is a browser that is logged in.
type user struct {
	*testkit.HTTPClient
	cookie string
}

// browser returns a browser without a login.
func (s *site) browser(t *testing.T) *user {
	t.Helper()
	c := s.HTTP(t)
	c.Client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &user{c, ""}
}

func (s *site) login(t *testing.T, name string) *user {
	t.Helper()
	u := s.browser(t)
	got := u.Ask("POST", "/api/login", `{"user":"`+name+`"}`, "Content-Type: application/json")
	got.Want(t, 200, "")
	for _, c := range got.Cookies() {
		u.cookie = c.Name + "=" + c.Value
	}
	return u
}

func (u *user) get(path string) testkit.Reply { return u.Ask("GET", path, "", "Cookie: "+u.cookie) }

func (u *user) post(path string, form url.Values) testkit.Reply {
	return u.Ask("POST", path, form.Encode(), "Cookie: "+u.cookie, "Content-Type: application/x-www-form-urlencoded")
}

func challenge() string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// query returns the query of a good request for a code, with changes "name=value"; without a value, the param is left out.
func query(changes ...string) url.Values {
	q := url.Values{
		"response_type": {"code"}, "client_id": {"agent"}, "redirect_uri": {callback}, "state": {"s t&ate"},
		"code_challenge": {challenge()}, "code_challenge_method": {"S256"}, "scope": {"notes:read"},
	}
	return changed(q, changes)
}

func changed(q url.Values, changes []string) url.Values {
	for _, change := range changes {
		name, value, has := strings.Cut(change, "=")
		if q.Del(name); has {
			q.Set(name, value)
		}
	}
	return q
}

var consentField = regexp.MustCompile(`name="consent" value="([^"]+)"`)

// consent opens the page and returns its form with the scopes that are offered.
func (u *user) consent(t *testing.T, q url.Values) url.Values {
	t.Helper()
	got := u.get("/authorize?" + q.Encode())
	m := consentField.FindStringSubmatch(got.Text)
	if got.StatusCode != 200 || m == nil {
		t.Fatalf("the page is %d %.500s", got.StatusCode, got.Text)
	}
	form := url.Values{"consent": {m[1]}, "decision": {"allow"}}
	for _, m := range regexp.MustCompile(`name="scope" value="([^"]+)"`).FindAllStringSubmatch(got.Text, -1) {
		form.Add("scope", html.UnescapeString(m[1]))
	}
	return form
}

// location returns the query of the URI to which an answer leads.
func location(t *testing.T, got testkit.Reply) url.Values {
	t.Helper()
	u, err := url.Parse(got.Header.Get("Location"))
	if err != nil || got.StatusCode != http.StatusSeeOther {
		t.Fatalf("the answer is %d, Location %q: %.300s", got.StatusCode, got.Header.Get("Location"), got.Text)
	}
	return u.Query()
}

// code lets the user allow a request and returns the code.
func (u *user) code(t *testing.T, changes ...string) string {
	t.Helper()
	return location(t, u.post("/authorize", u.consent(t, query(changes...)))).Get("code")
}

// client is the program that uses the endpoints.
type client struct{ *testkit.HTTPClient }

func (s *site) client(t *testing.T) client { return client{s.HTTP(t)} }

func (c client) post(path string, form url.Values, headers ...string) testkit.Reply {
	return c.Ask("POST", path, form.Encode(), append(headers, "Content-Type: application/x-www-form-urlencoded")...)
}

func redemption(code string, changes ...string) url.Values {
	return changed(url.Values{"grant_type": {"authorization_code"}, "client_id": {"agent"}, "code": {code}, "code_verifier": {verifier}, "redirect_uri": {callback}}, changes)
}

func renewal(refresh string, changes ...string) url.Values {
	return changed(url.Values{"grant_type": {"refresh_token"}, "client_id": {"agent"}, "refresh_token": {refresh}}, changes)
}

// tokens is the answer of the endpoint for tokens.
type tokens struct {
	Access  string `json:"access_token"`
	Type    string `json:"token_type"`
	Expires int    `json:"expires_in"`
	Refresh string `json:"refresh_token"`
	Scope   string `json:"scope"`
}

func (c client) tokens(t *testing.T, form url.Values, headers ...string) (got tokens) {
	t.Helper()
	r := c.post("/token", form, headers...)
	if err := json.Unmarshal([]byte(r.Text), &got); err != nil || r.StatusCode != 200 {
		t.Fatalf("the endpoint for tokens answers %d %s", r.StatusCode, r.Text)
	}
	return got
}

// call runs an action with an access token.
func (c client) call(action, token string) testkit.Reply {
	return c.Ask("POST", "/api/"+action, "{}", "Content-Type: application/json", "Authorization: Bearer "+token)
}

// register returns the error of the registration of the part.
func register(o *oauth.Server) error {
	_, err := actionhero.New(actionhero.Config{Backend: local.New(local.Config{})}, parts(o)...)
	return err
}
