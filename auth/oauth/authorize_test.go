package oauth_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/auth/oauth"
)

// The whole way: a client sends the browser of a user, who logs in and allows some scopes; the client gets tokens for these
// scopes, and calls actions in the name of the user.
func TestAClientActsForAUserWithTheScopesThatTheUserAllows(t *testing.T) {
	t.Parallel()
	s := start(t, config())
	stranger := s.browser(t)
	target := "/authorize?" + query("scope").Encode()
	got := stranger.get(target)
	if want := "/login?return_to=" + url.QueryEscape(target); got.StatusCode != 302 || got.Header.Get("Location") != want {
		t.Errorf("a visitor is sent to %d %q, want %q", got.StatusCode, got.Header.Get("Location"), want)
	}
	ann, c := s.login(t, "ann"), s.client(t)
	page := ann.get(target)
	page.Want(t, 200, "Allow The Agent to use your account?")
	page.Want(t, 200, "Ann &lt;b&gt;")
	page.Want(t, 200, "read your notes")
	page.WantHeader(t, "Cache-Control: no-store", "X-Frame-Options: DENY", "Referrer-Policy: no-referrer")
	if csp := page.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "form-action 'self' https://agent.example.com;") || !strings.Contains(csp, "frame-ancestors 'none'") {
		t.Errorf("the policy of the page is %q", csp)
	}
	form := ann.consent(t, query("scope"))
	if len(form["scope"]) != 2 {
		t.Errorf("without a scope, the user is asked for %q", form["scope"])
	}
	form["scope"] = []string{"notes:write", "admin"} // less, and one that was not asked
	back := location(t, ann.post("/authorize", form))
	if back.Get("state") != "s t&ate" || back.Get("iss") != issuer {
		t.Errorf("the client gets %v", back)
	}
	got = c.post("/token", redemption(back.Get("code")))
	got.WantHeader(t, "Cache-Control: no-store", "Pragma: no-cache", "Content-Type: application/json", "Access-Control-Allow-Origin: *")
	if strings.Contains(got.Text, "admin") {
		t.Error(got.Text)
	}
	t2 := c.tokens(t, redemption(ann.code(t)))
	if t2.Type != "Bearer" || t2.Expires != 900 || t2.Scope != "notes:read" {
		t.Errorf("the tokens are %+v", t2)
	}
	c.call("read", t2.Access).Want(t, 200, `"client":"agent"`)
	c.call("who", t2.Access).Want(t, 200, `"who":"ann"`)
	c.call("who", t2.Access).Want(t, 200, `"roles":["member"]`)
	c.call("write", t2.Access).Want(t, 403, "permissionDenied")
	c.call("who", "other").Want(t, 200, `"who":"other"`) // tokens of another kind stay what they are
	c.Ask("GET", "/mcp", "", "Authorization: Bearer "+t2.Access).Want(t, 200, "mounted ann")
}

// RFC 6749, 4.1.2.1: before the client and the URI are known to belong together, the user reads the error, and nothing is sent
// to the URI. After that, the client gets it.
func TestAnErrorIsSentOnlyToAURIOfTheClient(t *testing.T) {
	t.Parallel()
	s := start(t, config())
	ann := s.login(t, "ann")
	for _, c := range []struct{ change, text string }{
		{"client_id", "client_id must be given once"},
		{"client_id=nobody", "no client has this id"},
		{"client_id=reg_aaaaaaaaaaaaaaaaaaaaaaaaaa", "no client has this id"},
		{"client_id=https://127.0.0.1/client", "address in place of a host name"},
		{"redirect_uri", "redirect_uri is none"}, // the client has several
		{"redirect_uri=https://evil.example/callback", "redirect_uri is none"},
		{"redirect_uri=" + callback + "/", "redirect_uri is none"},
		{"redirect_uri=" + callback + "?x", "redirect_uri is none"},
		{"redirect_uri=HTTPS://agent.example.com/callback", "redirect_uri is none"},
		{"redirect_uri=http://127.0.0.1:9/other", "redirect_uri is none"},
		{"redirect_uri=http://127.0.0.2:9/cb", "redirect_uri is none"},
		{"redirect_uri=http://user@127.0.0.1:9/cb", "redirect_uri is none"},
		{"redirect_uri=javascript:alert(1)", "redirect_uri is none"},
	} {
		got := ann.get("/authorize?" + query(c.change).Encode())
		got.Want(t, 400, c.text)
		if got.Header.Get("Location") != "" || !strings.HasPrefix(got.Header.Get("Content-Type"), "text/html") {
			t.Errorf("%s: leads to %q", c.change, got.Header.Get("Location"))
		}
	}
	ann.get("/authorize?"+query().Encode()+"&client_id=agent").Want(t, 400, "client_id must be given once")
	ann.get("/authorize?"+query("client_id=<script>").Encode()).Want(t, 400, "no client has this id")
	for _, c := range []struct{ changes, code string }{
		{"response_type", "invalid_request"}, {"response_type=token", "unsupported_response_type"}, {"response_mode=fragment", "invalid_request"},
		{"code_challenge", "invalid_request"}, {"code_challenge_method", "invalid_request"}, {"code_challenge_method=plain", "invalid_request"},
		{"code_challenge=short", "invalid_request"}, {"request=x", "request_not_supported"}, {"request_uri=x", "request_uri_not_supported"},
		{"scope=admin", "invalid_scope"}, {"scope=notes:read admin", "invalid_scope"}, {"scope=*", "invalid_scope"},
		{"resource=https://other.example.com/mcp", "invalid_target"}, {"resource=" + issuer + "/mcp#a", "invalid_target"}, {"resource=" + issuer + "/a/../mcp", "invalid_target"},
		{"resource=http://app.example.com/mcp", "invalid_target"}, {"resource=mcp", "invalid_target"}, {"resource=" + issuer + "@evil.example", "invalid_target"},
	} {
		back := location(t, ann.get("/authorize?"+query(c.changes).Encode()))
		if back.Get("error") != c.code || back.Get("state") != "s t&ate" || back.Get("iss") != issuer || back.Has("code") {
			t.Errorf("%s: the client gets %v, want %s", c.changes, back, c.code)
		}
	}
	back := location(t, ann.get("/authorize?"+query().Encode()+"&scope=notes:write")) // RFC 6749, 3.1
	if back.Get("error") != "invalid_request" {
		t.Errorf("a param that is given twice: %v", back)
	}
}

// RFC 8252, 7.3: a program on the machine of the user listens on any port. RFC 8252, 7.1: or it has a scheme of its own.
func TestANativeClientGetsItsCode(t *testing.T) {
	t.Parallel()
	s := start(t, config())
	ann := s.login(t, "ann")
	for _, uri := range []string{"http://127.0.0.1:54321/cb", "com.example.agent:/done"} {
		q := query("redirect_uri="+uri, "state")
		ann.get("/authorize?"+q.Encode()).Want(t, 200, "a program on your own device")
		got := ann.post("/authorize", ann.consent(t, q))
		back := location(t, got)
		if !strings.HasPrefix(got.Header.Get("Location"), uri+"?") || back.Get("code") == "" || back.Has("state") {
			t.Errorf("the answer leads to %q", got.Header.Get("Location"))
		}
		s.client(t).tokens(t, redemption(back.Get("code"), "redirect_uri="+uri))
	}
	got := ann.post("/authorize", ann.consent(t, query("client_id=safe", "redirect_uri")))
	if at := got.Header.Get("Location"); !strings.HasPrefix(at, callback+"?a=b&code=") {
		t.Errorf("the query of a redirect URI is lost: %q", at)
	}
}

// A page of another site, another user, and a second use of the page allow nothing.
func TestOnlyTheUserWhoWasAskedAllows(t *testing.T) {
	t.Parallel()
	s := start(t, config())
	ann, bob := s.login(t, "ann"), s.login(t, "bob")
	form := ann.consent(t, query())
	bob.post("/authorize", form).Want(t, 400, "belongs to another login")
	s.browser(t).post("/authorize", form).Want(t, 400, "belongs to another login")
	got := ann.Ask("POST", "/authorize", form.Encode(), "Cookie: "+ann.cookie, "Content-Type: application/x-www-form-urlencoded", "Origin: https://evil.example", "Sec-Fetch-Site: cross-site")
	if got.StatusCode != 403 {
		t.Errorf("the form of another site is answered with %d", got.StatusCode)
	}
	if location(t, ann.post("/authorize", form)).Get("code") == "" {
		t.Error("the user cannot allow")
	}
	ann.post("/authorize", form).Want(t, 400, "was used")
	ann.post("/authorize", url.Values{"decision": {"allow"}}).Want(t, 400, "too old")
	for _, change := range []string{"decision=refuse", "decision", "scope"} {
		if back := location(t, ann.post("/authorize", changed(ann.consent(t, query()), []string{change}))); back.Get("error") != "access_denied" || back.Has("code") {
			t.Errorf("%s: the client gets %v", change, back)
		}
	}
	back := location(t, ann.get("/authorize?"+query("client_id=own").Encode()))
	if back.Get("code") == "" {
		t.Errorf("a trusted client gets %v", back)
	}
}

// A program with a token cannot allow itself more.
func TestATokenAllowsNoTokens(t *testing.T) {
	t.Parallel()
	s := start(t, config())
	ann, c := s.login(t, "ann"), s.client(t)
	access := c.tokens(t, redemption(ann.code(t))).Access
	for _, header := range []string{"Authorization: Bearer " + access, "Authorization: Bearer other"} {
		c.Ask("GET", "/authorize?"+query().Encode(), "", header).Want(t, 403, "only a person")
		c.Ask("POST", "/authorize", ann.consent(t, query()).Encode(), header, "Content-Type: application/x-www-form-urlencoded").Want(t, 403, "only a person")
	}
	ann.Ask("DELETE", "/authorize", "", "Cookie: "+ann.cookie).Want(t, 405, "")
}

// A configuration that would be unsafe, or that no client could use, is refused at the start.
func TestAWrongConfigurationIsRefused(t *testing.T) {
	t.Parallel()
	for text, change := range map[string]func(*oauth.Config){
		"Config.Issuer is":           func(c *oauth.Config) { c.Issuer = issuer + "/" },
		"use https":                  func(c *oauth.Config) { c.Issuer = "http://app.example.com" },
		"Config.Login is":            func(c *oauth.Config) { c.Login = "//evil.example" },
		"Config.AccessLife":          func(c *oauth.Config) { c.AccessLife = time.Second },
		"Config.GrantIdle":           func(c *oauth.Config) { c.GrantIdle = time.Minute },
		"Config.GrantLife":           func(c *oauth.Config) { c.GrantLife = time.Hour },
		"Config.PerUser":             func(c *oauth.Config) { c.PerUser = -1 },
		"0 scopes":                   func(c *oauth.Config) { c.Scopes = nil },
		"allows everything":          func(c *oauth.Config) { c.Scopes[0].Name = "*" },
		"has the name":               func(c *oauth.Config) { c.Scopes[1].Name = c.Scopes[0].Name },
		"no Description":             func(c *oauth.Config) { c.Scopes[0].Description = "" },
		"the client \"agent\" twice": func(c *oauth.Config) { c.Clients[1].ID = "agent" },
		"no RedirectURIs":            func(c *oauth.Config) { c.Clients[0].RedirectURIs = nil },
		"does not use https":         func(c *oauth.Config) { c.Clients[0].RedirectURIs[0] = "http://agent.example.com/" },
		"less than 32":               func(c *oauth.Config) { c.Clients[1].Secret = "short" },
		"is Trusted":                 func(c *oauth.Config) { c.Clients[2].RedirectURIs[0] = "http://localhost/" },
		"has the scope":              func(c *oauth.Config) { c.Clients[1].Scopes = []string{"x"} },
		"reg_ at the beginning":      func(c *oauth.Config) { c.Clients[1].ID = "reg_x" },
	} {
		cfg := config()
		change(&cfg)
		if err := register(oauth.New(cfg)); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("the error is %v, want %q", err, text)
		}
	}
}

// A page that a user opens again and again does not fill the store.
func TestQuestionsToAUserAreLimited(t *testing.T) {
	t.Parallel()
	s := start(t, config())
	ann, bob := s.login(t, "ann"), s.login(t, "bob")
	limited := 0
	for range 70 {
		if ann.get("/authorize?"+query().Encode()).StatusCode == 429 {
			limited++
		}
	}
	if limited == 0 || limited > 10 {
		t.Errorf("%d of 70 pages were refused", limited)
	}
	bob.get("/authorize?"+query().Encode()).Want(t, 200, "")
}
