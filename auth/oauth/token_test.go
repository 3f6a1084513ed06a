package oauth_test

import (
	"encoding/base64"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/actionhero-go/actionhero/auth/oauth"
	"github.com/actionhero-go/actionhero/internal/testkit"
)

// wantError fails the test unless the answer is an error of RFC 6749, 5.2.
func wantError(t *testing.T, got testkit.Reply, status int, code string) {
	t.Helper()
	got.Want(t, status, `"error":"`+code+`"`)
	got.WantHeader(t, "Cache-Control: no-store", "Content-Type: application/json")
}

// RFC 6749, 4.1.3 and 5.2, and RFC 7636, 4.6: a code counts only for the client, the URI and the verifier for which it was made.
func TestACodeCountsOnlyWhereItBelongs(t *testing.T) {
	t.Parallel()
	s := start(t, config())
	ann, c := s.login(t, "ann"), s.client(t)
	for _, o := range []struct {
		change, code string
		status       int
	}{
		{"code_verifier=" + strings.Repeat("a", 43), "invalid_grant", 400},
		{"code_verifier=short", "invalid_grant", 400},
		{"code_verifier=" + verifier + "!", "invalid_grant", 400},
		{"code_verifier=" + challenge(), "invalid_grant", 400},
		{"redirect_uri=" + callback + "/", "invalid_grant", 400},
		{"resource=" + issuer + "/mcp", "invalid_target", 400},
		{"code=aaaa", "invalid_grant", 400},
		{"code", "invalid_request", 400},
		{"code_verifier", "invalid_request", 400},
		{"grant_type", "invalid_request", 400},
		{"grant_type=password", "unsupported_grant_type", 400},
		{"client_id=own", "invalid_grant", 400},
		{"client_id=nobody", "invalid_client", 401},
		{"client_id", "invalid_client", 401},
		{"client_secret=x", "invalid_client", 401},
		{"client_assertion=x", "invalid_client", 401},
	} {
		wantError(t, c.post("/token", redemption(ann.code(t), o.change)), o.status, o.code)
	}
	code := ann.code(t)
	wantError(t, c.post("/token", redemption(code, "client_id=own")), 400, "invalid_grant")
	c.tokens(t, redemption(code, "redirect_uri")) // another client burns no code; OAuth 2.1 has no redirect_uri here
	wrong := ann.code(t)
	wantError(t, c.post("/token", redemption(wrong, "code_verifier="+strings.Repeat("a", 43))), 400, "invalid_grant")
	wantError(t, c.post("/token", redemption(wrong)), 400, "invalid_grant")
	wantError(t, c.Ask("GET", "/token", ""), 405, "invalid_request")
	wantError(t, c.Ask("POST", "/token", "{}", "Content-Type: application/json"), 400, "invalid_request")
	wantError(t, c.Ask("POST", "/token", redemption("x").Encode()+"&code=y", "Content-Type: application/x-www-form-urlencoded"), 400, "invalid_request")
	wantError(t, c.Ask("POST", "/token?"+redemption(ann.code(t)).Encode(), "a=b", "Content-Type: application/x-www-form-urlencoded"), 401, "invalid_client")
	if got := c.Ask("POST", "/token", strings.Repeat("a", 70_000), "Content-Type: application/x-www-form-urlencoded"); got.StatusCode != 413 && got.StatusCode != 400 {
		t.Errorf("a large body is answered with %d", got.StatusCode)
	}
}

// RFC 6749, 4.1.2: a code is used once. A second use ends the grant of the first, and of 20 uses at once at most one gets tokens.
func TestACodeThatIsUsedTwiceEndsItsGrant(t *testing.T) {
	t.Parallel()
	s := start(t, config())
	ann, c := s.login(t, "ann"), s.client(t)
	code := ann.code(t)
	got := c.tokens(t, redemption(code))
	c.call("who", got.Access).Want(t, 200, "ann")
	wantError(t, c.post("/token", redemption(code)), 400, "invalid_grant")
	c.call("who", got.Access).Want(t, 401, "unauthenticated")
	wantError(t, c.post("/token", renewal(got.Refresh)), 400, "invalid_grant")
	if s.Log.Has(got.Access) || s.Log.Has(code) || !s.Log.Has("a code was used twice") {
		t.Error("the log has a token or a code, or does not tell the theft")
	}

	code = ann.code(t)
	var wg sync.WaitGroup
	ok := make(chan bool, 20)
	for range 20 {
		wg.Go(func() { ok <- c.post("/token", redemption(code)).StatusCode == 200 })
	}
	wg.Wait()
	close(ok)
	n := 0
	for is := range ok {
		if is {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d of 20 uses of a code got tokens", n)
	}
}

// RFC 6749, 6, and RFC 9700, 4.14: a refresh token is used once. A second use ends the grant, because one of both users has stolen
// it.
func TestARefreshTokenThatIsUsedTwiceEndsItsGrant(t *testing.T) {
	t.Parallel()
	s := start(t, config())
	ann, c := s.login(t, "ann"), s.client(t)
	first := c.tokens(t, redemption(ann.code(t, "scope=notes:read notes:write")))
	wantError(t, c.post("/token", renewal(first.Refresh, "client_id=own")), 400, "invalid_grant")
	wantError(t, c.post("/token", renewal(first.Access)), 400, "invalid_grant")
	wantError(t, c.post("/token", renewal(first.Refresh, "scope=admin")), 400, "invalid_scope")
	wantError(t, c.post("/token", renewal(first.Refresh, "resource="+issuer+"/mcp")), 400, "invalid_target")
	wantError(t, c.post("/token", renewal("")), 400, "invalid_request")
	second := c.tokens(t, renewal(first.Refresh, "scope=notes:read"))
	if second.Scope != "notes:read" || second.Refresh == first.Refresh {
		t.Errorf("the tokens are %+v", second)
	}
	c.call("write", second.Access).Want(t, 403, "")
	c.call("write", first.Access).Want(t, 200, "") // it has not expired
	third := c.tokens(t, renewal(second.Refresh))
	c.call("write", third.Access).Want(t, 200, "") // the grant has all that the user has allowed
	wantError(t, c.post("/token", renewal(forged(third.Refresh))), 400, "invalid_grant")
	c.call("who", third.Access).Want(t, 200, "") // a guess ends nothing
	wantError(t, c.post("/token", renewal(first.Refresh)), 400, "invalid_grant")
	for _, access := range []string{first.Access, second.Access, third.Access} {
		got := c.call("who", access)
		got.Want(t, 401, "unauthenticated")
		if !strings.Contains(got.Header.Get("WWW-Authenticate"), `error="invalid_token"`) { // RFC 6750, 3.1
			t.Errorf("the challenge is %q", got.Header.Get("WWW-Authenticate"))
		}
	}
	wantError(t, c.post("/token", renewal(third.Refresh)), 400, "invalid_grant")
}

// forged returns a token of the same grant with another secret.
func forged(token string) string { return token[:len(token)-8] + "aaaaaaaa" }

// A client with a secret must prove it, in the header or in the body, but not in both (RFC 6749, 2.3).
func TestAClientProvesItsSecret(t *testing.T) {
	t.Parallel()
	s := start(t, config())
	ann, c := s.login(t, "ann"), s.client(t)
	uri := callback + "?a=b"
	code := func() string { return ann.code(t, "client_id=safe", "redirect_uri="+uri) }
	basic := func(id, secret string) string {
		return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+url.QueryEscape(secret)))
	}
	form := func(changes ...string) url.Values {
		return redemption(code(), append([]string{"client_id=safe", "redirect_uri=" + uri}, changes...)...)
	}
	wantError(t, c.post("/token", form()), 401, "invalid_client")
	wantError(t, c.post("/token", form("client_secret=x")), 401, "invalid_client")
	got := c.post("/token", form("client_id"), basic("safe", "wrong"))
	wantError(t, got, 401, "invalid_client")
	got.WantHeader(t, `WWW-Authenticate: Basic realm="oauth"`)
	wantError(t, c.post("/token", form("client_secret="+secret), basic("safe", secret)), 400, "invalid_request")
	wantError(t, c.post("/token", form("client_id=agent"), basic("safe", secret)), 400, "invalid_request")
	wantError(t, c.post("/token", form(), "Authorization: Bearer x"), 401, "invalid_client")
	c.tokens(t, form("client_secret="+secret))
	got2 := c.tokens(t, form("client_id"), basic("safe", secret))
	wantError(t, c.post("/token", renewal(got2.Refresh, "client_id=safe")), 401, "invalid_client")
	c.tokens(t, renewal(got2.Refresh, "client_id=safe", "client_secret="+secret))
	if back := location(t, ann.get("/authorize?"+query("client_id=safe", "redirect_uri="+uri, "scope=notes:write").Encode())); back.Get("error") != "invalid_scope" {
		t.Errorf("a client gets a scope that it may not have: %v", back)
	}
}

// RFC 8707: a token for a part of the app is valid there only.
func TestATokenIsValidForItsResourceOnly(t *testing.T) {
	t.Parallel()
	s := start(t, config())
	ann, c := s.login(t, "ann"), s.client(t)
	resource := "resource=HTTPS://APP.example.com:443/mcp/"
	form := ann.consent(t, query(resource))
	got := c.tokens(t, redemption(location(t, ann.post("/authorize", form)).Get("code"), "resource="+issuer+"/mcp"))
	c.Ask("GET", "/mcp", "", "Authorization: Bearer "+got.Access).Want(t, 200, "mounted ann")
	c.call("who", got.Access).Want(t, 401, "is for https://app.example.com/mcp only")
	renewed := c.tokens(t, renewal(got.Refresh, resource))
	c.call("who", renewed.Access).Want(t, 401, "only")
	for path, want := range map[string]bool{"/mcp": true, "/mcp/": true, "/mcp/x": true, "/mcp2": false, "/": false, "": false, "/mcp/../api/who": false, "/x/../mcp": false, "//mcp": false} {
		if got := oauth.Covers(issuer+"/mcp", path); got != want {
			t.Errorf("a token for /mcp is valid at %q: %t", path, got)
		}
		if path != "" && !oauth.Covers(issuer, path) {
			t.Errorf("a token for the app is not valid at %q", path)
		}
	}
}

// RFC 7009: a client gives a token back. A refresh token ends the grant, an access token only itself.
func TestAClientGivesATokenBack(t *testing.T) {
	t.Parallel()
	s := start(t, config())
	ann, c := s.login(t, "ann"), s.client(t)
	got := c.tokens(t, redemption(ann.code(t)))
	revoke := func(token string, changes ...string) testkit.Reply {
		return c.post("/revoke", changed(url.Values{"client_id": {"agent"}, "token": {token}, "token_type_hint": {"access_token"}}, changes))
	}
	wantError(t, revoke(got.Access, "client_id=own"), 400, "invalid_grant")
	wantError(t, revoke(got.Access, "client_id=nobody"), 401, "invalid_client")
	wantError(t, revoke("", "token"), 400, "invalid_request")
	revoke("unknown").Want(t, 200, "")
	revoke(forged(got.Access)).Want(t, 200, "")
	c.call("who", got.Access).Want(t, 200, "ann")
	revoke(got.Access).Want(t, 200, "")
	c.call("who", got.Access).Want(t, 401, "")
	next := c.tokens(t, renewal(got.Refresh))
	c.call("who", next.Access).Want(t, 200, "ann")
	revoke(next.Refresh).Want(t, 200, "")
	c.call("who", next.Access).Want(t, 401, "")
	wantError(t, c.post("/token", renewal(next.Refresh)), 400, "invalid_grant")
	wantError(t, c.Ask("GET", "/revoke", ""), 405, "invalid_request")
	if got := c.Ask("OPTIONS", "/token", "", "Origin: https://inspector.example", "Access-Control-Request-Method: POST"); got.StatusCode != 204 || got.Header.Get("Access-Control-Allow-Origin") != "*" || got.Header.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("a preflight is answered with %d %v", got.StatusCode, got.Header)
	}
}

// A user sees and ends the own grants, and has a bounded number of them.
func TestAUserEndsAGrant(t *testing.T) {
	t.Parallel()
	cfg := config()
	cfg.PerUser = 2
	s := start(t, cfg)
	ann, bob, c := s.login(t, "ann"), s.login(t, "bob"), s.client(t)
	a, b := c.tokens(t, redemption(ann.code(t))), c.tokens(t, redemption(bob.code(t)))
	list, err := s.oauth.List(t.Context(), s.API, "ann")
	if err != nil || len(list) != 1 || list[0].Client != "agent" || list[0].ClientName != "The Agent" || list[0].Scopes[0] != "notes:read" || list[0].Resource != issuer {
		t.Fatalf("the grants are %+v, %v", list, err)
	}
	if err := s.oauth.Revoke(t.Context(), s.API, "bob", list[0].ID); err == nil {
		t.Error("bob ends a grant of ann")
	}
	for _, id := range []string{"", "../x", strings.Repeat("a", 26)} {
		if err := s.oauth.Revoke(t.Context(), s.API, "ann", id); err == nil {
			t.Errorf("the grant %q is ended", id)
		}
	}
	if err := s.oauth.Revoke(t.Context(), s.API, "ann", list[0].ID); err != nil {
		t.Error(err)
	}
	c.call("who", a.Access).Want(t, 401, "")
	wantError(t, c.post("/token", renewal(a.Refresh)), 400, "invalid_grant")
	c.call("who", b.Access).Want(t, 200, "bob")
	oldest := c.tokens(t, redemption(ann.code(t)))
	c.tokens(t, redemption(ann.code(t)))
	c.tokens(t, redemption(ann.code(t)))
	c.call("who", oldest.Access).Want(t, 401, "")
	if list, _ = s.oauth.List(t.Context(), s.API, "ann"); len(list) != 2 {
		t.Errorf("ann has %d grants", len(list))
	}
	if err := s.oauth.RevokeAll(t.Context(), s.API, "ann"); err != nil {
		t.Error(err)
	}
	if list, _ = s.oauth.List(t.Context(), s.API, "ann"); len(list) != 0 {
		t.Errorf("ann has %d grants after RevokeAll", len(list))
	}
}
