package oauth_test

import (
	"context"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/auth/oauth"
	"github.com/actionhero-go/actionhero/internal/testkit/memcluster"
	"github.com/actionhero-go/actionhero/server"
)

// A host is shown to the user and is in the header Content-Security-Policy: it has no letters that look like others, and no end
// of a directive.
func TestAHostHasOnlyPlainCharacters(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"cl\u0430ude.example", "cl%D0%B0ude.example", "a.example;sandbox", "a.example,b", "[::1%25%20*%20;frame-ancestors%20*%20]"} {
		if oauth.CheckRedirect("https://"+host+"/cb") == nil {
			t.Errorf("the redirect URI of %q is allowed", host)
		}
		if oauth.CheckDocumentURL("https://"+host+"/cb") == nil {
			t.Errorf("the document of %q is allowed", host)
		}
	}
	for _, uri := range []string{"https://xn--clude-5ve.example/cb", "http://[::1]:1/cb", "cursor://anysphere.cursor-mcp/cb"} {
		if err := oauth.CheckRedirect(uri); err != nil {
			t.Error(err)
		}
	}
}

// A stranger who calls the endpoint for tokens writes no long line to the log.
func TestAStrangerWritesNoLongLine(t *testing.T) {
	t.Parallel()
	s := start(t, config())
	long := strings.Repeat("x", 5000)
	wantError(t, s.client(t).post("/token", redemption("x", "client_id=https://a.example/"+long, "client_secret=x")), 401, "invalid_client")
	if s.Log.Has(long) {
		t.Error("the log has the text of a stranger")
	}
}

// RevokeAll also ends a code that the client has not redeemed yet, on all nodes, and not what the user allows later.
func TestACodeDoesNotOutliveRevokeAll(t *testing.T) {
	t.Parallel()
	net := memcluster.New(t)
	node := func(id string) *site {
		b := net.Node()
		return start(t, config(), func(cfg *server.Config) { cfg.General.ID, cfg.General.Backend = id, b })
	}
	a, b := node("a"), node("b")
	ann, bob, c := a.login(t, "ann"), a.login(t, "bob"), a.client(t)
	code, other := ann.code(t), bob.code(t)
	if err := b.oauth.RevokeAll(t.Context(), b.API, "ann"); err != nil {
		t.Fatal(err)
	}
	wantError(t, c.post("/token", redemption(code)), 400, "invalid_grant")
	c.tokens(t, redemption(other))
	c.tokens(t, redemption(ann.code(t)))
}

// A grant whose user is gone has ended, also if only an access token has noticed it.
func TestAUserWhoIsGoneDoesNotComeBack(t *testing.T) {
	t.Parallel()
	var gone atomic.Bool
	cfg := config()
	cfg.Identity = func(_ context.Context, who actionhero.Identity) (actionhero.Identity, error) {
		if gone.Load() {
			who = actionhero.Identity{}
		}
		return who, nil
	}
	s := start(t, cfg)
	c := s.client(t)
	got := c.tokens(t, redemption(s.login(t, "ann").code(t)))
	gone.Store(true)
	c.call("who", got.Access).Want(t, 401, "")
	gone.Store(false)
	c.call("who", got.Access).Want(t, 401, "")
	wantError(t, c.post("/token", renewal(got.Refresh)), 400, "invalid_grant")
}

// A client that gives a used refresh token back means its grant: the answer with the next one may have been lost.
func TestAUsedRefreshTokenEndsTheGrantThatGivesItBack(t *testing.T) {
	t.Parallel()
	s := start(t, config())
	c := s.client(t)
	got := c.tokens(t, redemption(s.login(t, "ann").code(t)))
	next := c.tokens(t, renewal(got.Refresh))
	form := url.Values{"client_id": {"agent"}, "token": {got.Refresh}}
	wantError(t, c.post("/revoke", changed(url.Values{"token": {got.Refresh}}, []string{"client_id=own"})), 400, "invalid_grant")
	c.call("who", next.Access).Want(t, 200, "ann")
	c.post("/revoke", form).Want(t, 200, "")
	c.call("who", next.Access).Want(t, 401, "")
}

// A scope that the app takes from a client is not in its next tokens.
func TestNewTokensHaveOnlyTheScopesThatTheClientStillMayGet(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	onDisk := func(cfg *server.Config) { cfg.Tasks.Memory, cfg.Tasks.Path = false, folder }
	s := start(t, config(), onDisk)
	got := s.client(t).tokens(t, redemption(s.login(t, "ann").code(t, "scope=notes:read notes:write")))
	s.Stop()
	cfg := config()
	cfg.Clients[0].Scopes = []string{"notes:read"}
	s = start(t, cfg, onDisk)
	c := s.client(t)
	next := c.tokens(t, renewal(got.Refresh))
	if next.Scope != "notes:read" {
		t.Errorf("the scopes are %q", next.Scope)
	}
	c.call("write", next.Access).Want(t, 403, "")
}

// A token for the whole app is valid at a path that is hidden because it has a secret, and one for a part is not.
func TestAHiddenPathIsPartOfTheApp(t *testing.T) {
	t.Parallel()
	const hidden = "[FILTERED]"
	if !oauth.Covers(issuer, hidden) || oauth.Covers(issuer+"/mcp", hidden) {
		t.Error("a hidden path is not only a part of the app")
	}
}

// A user without scopes cannot get them through a client.
func TestAUserAllowsOnlyTheOwnScopes(t *testing.T) {
	t.Parallel()
	s := start(t, config())
	guest := s.login(t, "guest")
	guest.Ask("POST", "/api/write", "{}", "Cookie: "+guest.cookie, "Content-Type: application/json").Want(t, 403, "")
	for _, change := range []string{"scope=notes:write", "scope"} {
		if back := location(t, guest.get("/authorize?"+query(change).Encode())); back.Get("error") != "invalid_scope" {
			t.Errorf("%s: the client gets %v", change, back)
		}
	}
}
