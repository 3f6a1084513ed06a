package oidc_test

import (
	"context"
	"crypto"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/actionherotest"
	"github.com/actionhero-go/actionhero/auth"
	"github.com/actionhero-go/actionhero/auth/oidc"
	"github.com/actionhero-go/actionhero/backend/local"
)

// provider is a fakeIssuer on the network that logs users in. The users approve at once.
type provider struct {
	*fakeIssuer
	key    crypto.Signer
	codes  map[string]url.Values // the requests of the codes that were not exchanged
	forge  map[string]any        // changes of the next ID tokens
	signer crypto.Signer         // of the next ID tokens, if it is not key
	basic  bool                  // the client must authenticate in the header
}

func newProvider(t testing.TB) *provider {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	server.Start()
	t.Cleanup(server.Close)
	key := ecKey(t)
	p := &provider{fakeIssuer: newIssuer(server.URL, public("1", key.Public())), key: key, signer: key, codes: map[string]url.Values{}, basic: true}
	p.mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) { p.token(t, w, r) })
	server.Config.Handler = p.mux
	return p
}

// token exchanges a code once, for the client that has asked for it, and for the secret of PKCE.
func (p *provider) token(t testing.TB, w http.ResponseWriter, r *http.Request) {
	id, secret, ok := r.BasicAuth()
	if !p.basic {
		id, secret, ok = r.PostFormValue("client_id"), r.PostFormValue("client_secret"), true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	asked := p.codes[r.PostFormValue("code")]
	delete(p.codes, r.PostFormValue("code"))
	challenge := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	if !ok || id != "app" || secret != "s%26cret" && p.basic || asked == nil || r.PostFormValue("redirect_uri") != asked.Get("redirect_uri") ||
		asked.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(challenge[:]) || asked.Get("code_challenge_method") != "S256" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	changes := map[string]any{"nonce": asked.Get("nonce")}
	maps.Copy(changes, p.forge)
	_ = json.NewEncoder(w).Encode(map[string]any{"id_token": sign(t, jose.ES256, "1", p.signer, claims(p.url, changes)), "access_token": "x", "token_type": "Bearer"})
}

// approve returns the path of the callback for a request at the issuer.
func (p *provider) approve(t testing.TB, authorize string) string {
	t.Helper()
	u, err := url.Parse(authorize)
	if err != nil || !strings.HasPrefix(authorize, p.url+"/authorize?") {
		t.Fatalf("the browser is sent to %s (%v)", authorize, err)
	}
	query := u.Query()
	if query.Get("tenant") != "1" || query.Get("response_type") != "code" || query.Get("client_id") != "app" || query.Get("scope") != "openid profile email" {
		t.Errorf("the request is %s", authorize)
	}
	code := "code" + query.Get("state")[:8]
	p.set(func() { p.codes[code] = query })
	return "/auth/callback?session_state=x&code=" + code + "&state=" + url.QueryEscape(query.Get("state"))
}

// browser keeps cookies and follows no redirect.
type browser struct {
	*http.Client
	base string
	t    testing.TB
}

func newBrowser(t testing.TB, base string) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &browser{&http.Client{Jar: jar, Transport: transport, CheckRedirect: stay}, base, t}
}

// get returns the answer to a navigation that comes from another site.
func (b *browser) get(path string) (status int, location, body string) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.base+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	r.Header.Set("Sec-Fetch-Dest", "document")
	answer, err := b.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	return answer.StatusCode, answer.Header.Get("Location"), string(text)
}

// login starts a login and returns the path of the callback.
func (b *browser) login(p *provider, path string) string {
	b.t.Helper()
	status, location, body := b.get(path)
	if status != http.StatusSeeOther {
		b.t.Fatalf("%s is answered with %d %s", path, status, body)
	}
	return p.approve(b.t, location)
}

// site is a server with a login at the provider.
func site(t testing.TB, p *provider, change func(*oidc.LoginConfig)) (base string) {
	t.Helper()
	sessions := auth.NewSessions(auth.SessionConfig{})
	cfg := oidc.LoginConfig{Issuer: p.url, ClientID: "app", ClientSecret: "s&cret", RedirectURL: "http://localhost/auth/callback", Sessions: sessions}
	if change != nil {
		change(&cfg)
	}
	s := actionherotest.NewServer(t, sessions, oidc.Login(cfg), actionhero.DefaultAccess(actionhero.Authenticated), actionhero.Action[actionhero.None, caller]{
		Name: "whoami", Kind: actionhero.KindRead,
		Run: func(ctx context.Context, _ actionhero.None) (caller, error) {
			who := actionhero.IdentityFrom(ctx)
			return caller{Who: who.ID, Email: who.Claims["email"]}, nil
		},
	})
	return "http://" + s.Web.Addr().String()
}

// A browser that logs in at the issuer comes back with a session, at the page from which it has come.
func TestALoginAtTheIssuerMakesASession(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	b := newBrowser(t, site(t, p, nil))
	if status, _, _ := b.get("/api/whoami"); status != http.StatusUnauthorized {
		t.Fatalf("before the login: %d", status)
	}
	callback := b.login(p, "/auth/login?return="+url.QueryEscape("/tickets?page=2"))
	if status, location, body := b.get(callback); status != http.StatusSeeOther || location != "/tickets?page=2" {
		t.Fatalf("the callback is answered with %d %s %s", status, location, body)
	}
	if status, _, body := b.get("/api/whoami"); status != 200 || !strings.Contains(body, `"who":"ann"`) || !strings.Contains(body, "ann@example.com") {
		t.Errorf("after the login: %d %s", status, body)
	}
	u, err := url.Parse(b.base)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range b.Jar.Cookies(u) {
		if strings.Contains(c.Name, "oidc") {
			t.Errorf("the cookie of the login is left over: %v", c)
		}
	}
}

// A client without a secret, and one whose secret goes into the body, log in, too.
func TestOtherKindsOfClients(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*oidc.LoginConfig){
		"public": func(cfg *oidc.LoginConfig) { cfg.ClientSecret = "" },
		"post":   func(*oidc.LoginConfig) {},
	} {
		p := newProvider(t)
		p.basic = false
		p.meta["token_endpoint_auth_methods_supported"] = []string{"client_secret_post"}
		b := newBrowser(t, site(t, p, change))
		if status, location, body := b.get(b.login(p, "/auth/login")); status != http.StatusSeeOther || location != "/" {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
}

// An answer that does not belong to the login of this browser at this issuer, or that was used, makes no session.
func TestForgedCallbacksAreRefused(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	base := site(t, p, nil)
	const failed = "the login has failed: start it again"
	refused := func(what string, b *browser, path string) {
		t.Helper()
		if status, location, body := b.get(path); status != http.StatusUnauthorized || location != "" || !strings.Contains(body, failed) {
			t.Errorf("%s: %d %s %s", what, status, location, body)
		}
		if status, _, _ := b.get("/api/whoami"); status != http.StatusUnauthorized {
			t.Errorf("%s: the browser has a session", what)
		}
	}
	attacker := newBrowser(t, base)
	refused("the callback of another browser", newBrowser(t, base), attacker.login(p, "/auth/login"))
	for what, change := range map[string]func(path string) string{
		"another state":     func(path string) string { return path[:len(path)-1] + "_" },
		"no state":          func(path string) string { path, _, _ = strings.Cut(path, "&state="); return path },
		"no code":           func(path string) string { return "/auth/callback?state=" + path[strings.LastIndex(path, "state=")+6:] },
		"another code":      func(path string) string { return strings.Replace(path, "code=", "code=x", 1) },
		"of another issuer": func(path string) string { return path + "&iss=" + url.QueryEscape("https://evil.example.com") },
		"an error":          func(path string) string { return path + "&error=access_denied&error_description=<b>" },
	} {
		b := newBrowser(t, base)
		refused(what, b, change(b.login(p, "/auth/login")))
	}
}

// A callback works once, also for an attacker who has a copy of the cookie.
func TestACallbackIsNotReplayed(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	b := newBrowser(t, site(t, p, nil))
	callback := b.login(p, "/auth/login")
	u, err := url.Parse(b.base)
	if err != nil {
		t.Fatal(err)
	}
	thief := newBrowser(t, b.base)
	thief.Jar.SetCookies(u, b.Jar.Cookies(u))
	codes := maps.Clone(p.codes)
	if status, _, body := b.get(callback); status != http.StatusSeeOther {
		t.Fatal(status, body)
	}
	p.set(func() { p.codes = codes }) // an issuer that accepts a code twice
	for name, again := range map[string]*browser{"the browser": b, "the thief": thief} {
		if status, _, _ := again.get(callback); status != http.StatusUnauthorized {
			t.Errorf("%s repeats the callback: %d", name, status)
		}
	}
	if len(codes) != 1 {
		t.Error("the code was exchanged again")
	}
	if status, _, _ := thief.get("/api/whoami"); status != http.StatusUnauthorized {
		t.Error("the thief has a session")
	}
}

// An ID token of another login, client, issuer or key makes no session.
func TestForgedIDTokensAreRefused(t *testing.T) {
	t.Parallel()
	for what, forge := range map[string]map[string]any{
		"another nonce": {"nonce": "x"}, "no nonce": {"nonce": nil}, "another client": {"aud": "other"}, "another party": {"azp": "other"},
		"two audiences without a party": {"aud": []string{"app", "other"}}, "another issuer": {"iss": ours}, "expired": {"exp": 1},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t)
			p.forge = forge
			b := newBrowser(t, site(t, p, nil))
			if status, _, body := b.get(b.login(p, "/auth/login")); status != http.StatusUnauthorized || !strings.Contains(body, "the login has failed") {
				t.Errorf("%d %s", status, body)
			}
		})
	}
	p := newProvider(t)
	p.signer = ecKey(t)
	b := newBrowser(t, site(t, p, nil))
	if status, _, body := b.get(b.login(p, "/auth/login")); status != http.StatusUnauthorized {
		t.Errorf("signed by another key: %d %s", status, body)
	}
}

// An issuer that announces its name in answers must send it.
func TestAnAnnouncedIssuerIsRequired(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	p.meta["authorization_response_iss_parameter_supported"] = true
	b := newBrowser(t, site(t, p, nil))
	if status, _, _ := b.get(b.login(p, "/auth/login")); status != http.StatusUnauthorized {
		t.Errorf("without its name: %d", status)
	}
	if status, _, body := b.get(b.login(p, "/auth/login") + "&iss=" + url.QueryEscape(p.url)); status != http.StatusSeeOther {
		t.Errorf("with its name: %d %s", status, body)
	}
}

// The login sends browsers to no other server.
func TestALoginComesBackToThisServerOnly(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	b := newBrowser(t, site(t, p, nil))
	for _, path := range []string{"//evil.example.com", "https://evil.example.com", `/\evil.example.com`, "/\t/evil.example.com", "javascript:x", "evil", "/" + strings.Repeat("x", 1024)} {
		if status, location, body := b.get("/auth/login?return=" + url.QueryEscape(path)); status != http.StatusBadRequest {
			t.Errorf("%q: %d %s %s", path, status, location, body)
		}
	}
}

// A failed login leads to the page of the app, and an address has a limit.
func TestFailedLogins(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	b := newBrowser(t, site(t, p, func(cfg *oidc.LoginConfig) { cfg.FailureURL = "/sorry" }))
	for range 30 {
		if status, location, body := b.get("/auth/callback?error=access_denied&state=x"); status != http.StatusSeeOther || location != "/sorry" {
			t.Fatal(status, location, body)
		}
	}
	if status, _, _ := b.get("/auth/login"); status != http.StatusTooManyRequests {
		t.Errorf("beyond the limit: %d", status)
	}
}

// Behind TLS, the cookie of a login has the prefix that binds it to the host.
func TestTheCookieOfALogin(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	b := newBrowser(t, site(t, p, func(cfg *oidc.LoginConfig) { cfg.RedirectURL = "https://app.example.com/auth/callback" }))
	answer, err := b.Get(b.base + "/auth/login")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	c := answer.Cookies()
	if len(c) != 1 || c[0].Name != "__Host-oidc" || !c[0].Secure || !c[0].HttpOnly || c[0].SameSite != http.SameSiteLaxMode || c[0].Path != "/" || c[0].MaxAge != 600 {
		t.Errorf("the cookies are %v", c)
	}
	if answer.Header.Get("Cache-Control") != "no-store" {
		t.Error("the redirect may be cached")
	}
}

// A wrong declaration is refused at the start.
func TestAWrongLoginConfigIsRefused(t *testing.T) {
	t.Parallel()
	sessions := auth.NewSessions(auth.SessionConfig{})
	good := oidc.LoginConfig{Issuer: ours, ClientID: "app", RedirectURL: "https://app.example.com/auth/callback", Sessions: sessions}
	for want, change := range map[string]func(*oidc.LoginConfig){
		"LoginConfig.Issuer is":             func(c *oidc.LoginConfig) { c.Issuer = "login.example.com" },
		"LoginConfig.ClientID is missing":   func(c *oidc.LoginConfig) { c.ClientID = "" },
		"LoginConfig.Sessions is missing":   func(c *oidc.LoginConfig) { c.Sessions = nil },
		"LoginConfig.Name is":               func(c *oidc.LoginConfig) { c.Name = "a b" },
		"LoginConfig.Path is":               func(c *oidc.LoginConfig) { c.Path = "auth" },
		"LoginConfig.FailureURL is":         func(c *oidc.LoginConfig) { c.FailureURL = "//evil.example.com" },
		"LoginConfig.RedirectURL is":        func(c *oidc.LoginConfig) { c.RedirectURL = "http://app.example.com/auth/callback" },
		"LoginConfig.Scopes has an empty":   func(c *oidc.LoginConfig) { c.Scopes = []string{""} },
		`LoginConfig.Algorithms has "none"`: func(c *oidc.LoginConfig) { c.Algorithms = []string{"none"} },
	} {
		cfg := good
		change(&cfg)
		_, err := actionhero.New(actionhero.Config{Backend: local.New(local.Config{})}, oidc.Login(cfg))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want …%s…", err, want)
		}
	}
}
