package auth_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/auth"
	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

// A login over HTTPS sets a cookie that only this host gets, only over HTTPS, and that no script reads.
func TestALoginOverHTTPSSetsAProtectedCookie(t *testing.T) {
	t.Parallel()
	s := newSite(auth.SessionConfig{}).start(t)
	for _, http2 := range []bool{false, true} {
		b := newBrowser(s.HTTPS(t, http2))
		got := b.get("open")
		got.Want(t, 200, `"who":""`)
		got.WantHeader(t, "Set-Cookie")
		b.get("who").Want(t, 401, "you must log in to do this")
		got = b.post("login", `{"user":"ann"}`)
		got.Want(t, 200, "")
		cookies := got.Cookies()
		if len(cookies) != 1 {
			t.Fatalf("the cookies are %v", cookies)
		}
		c := cookies[0]
		if c.Name != "__Host-session" || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.MaxAge < 30*24*3600-60 || len(c.Value) != 43 {
			t.Errorf("the cookie is %v", c)
		}
		b.get("who").Want(t, 200, `"who":"ann","roles":["agent"],"scopes":["*"],"claims":{"name":"Ann"}`)
	}
}

// Over plain HTTP, a login on this machine gets a cookie without the prefix, and the log says so once. From elsewhere, it
// is refused with the remedy.
func TestALoginOverPlainHTTPIsForThisMachine(t *testing.T) {
	t.Parallel()
	s := newSite(auth.SessionConfig{}).start(t, func(cfg *server.Config) { cfg.CommonWeb.AllowedHosts = []string{"*"} })
	for range 2 {
		got := newBrowser(s.HTTP(t)).post("login", "{}", "Origin: "+s.HTTP(t).Base)
		got.Want(t, 200, "")
		if c := got.Cookies(); len(c) != 1 || c[0].Name != "session" || c[0].Secure || !c[0].HttpOnly || c[0].SameSite != http.SameSiteLaxMode {
			t.Errorf("the cookies are %v", c)
		}
	}
	if n := len(s.Log.With("cookie", "session")); n != 1 {
		t.Errorf("the log has %d warnings", n)
	}
	for name, headers := range map[string]string{
		"another host":                "Host: shop.example\r\n",
		"an address of a network":     "Host: 192.0.2.7:8080\r\n",
		"behind a proxy":              "Host: localhost\r\nX-Forwarded-For: 192.0.2.1\r\n",
		"behind a proxy with TLS":     "Host: localhost\r\nX-Forwarded-Proto: https\r\n", // which is not trusted
		"a page of another host":      "Host: localhost\r\nOrigin: http://localhost.shop.example\r\nSec-Fetch-Site: same-origin\r\n",
		"a page behind a quiet proxy": "Host: localhost\r\nOrigin: https://localhost\r\nSec-Fetch-Site: same-origin\r\n",
	} {
		c := s.HTTPConn(t)
		c.Send("POST /api/login HTTP/1.1\r\n" + headers + "Content-Length: 0\r\n\r\n")
		got := c.Next("POST")
		if got.StatusCode != 403 || !strings.Contains(got.Text, "a login needs HTTPS: switch HTTPS on, or list the proxy that ends it in commonWeb.trustedProxies") || got.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %d %s, Set-Cookie %q", name, got.StatusCode, got.Text, got.Header.Get("Set-Cookie"))
		}
	}
}

// A setting allows logins over plain HTTP from everywhere.
func TestASettingAllowsPlainHTTP(t *testing.T) {
	t.Parallel()
	s := newSite(auth.SessionConfig{PlainHTTP: true}).start(t, func(cfg *server.Config) { cfg.CommonWeb.AllowedHosts = []string{"*"} })
	c := s.HTTPConn(t)
	c.Send("POST /api/login HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 0\r\n\r\n")
	if got := c.Next("POST"); got.StatusCode != 200 || !strings.HasPrefix(got.Header.Get("Set-Cookie"), "session=") {
		t.Errorf("%d %s %s", got.StatusCode, got.Text, got.Header.Get("Set-Cookie"))
	}
}

// Behind a trusted proxy that has ended TLS, the cookie is the protected one.
func TestATrustedProxyMayEndTLS(t *testing.T) {
	t.Parallel()
	s := newSite(auth.SessionConfig{}).start(t, func(cfg *server.Config) {
		cfg.CommonWeb.TrustedProxies, cfg.CommonWeb.AllowedHosts = []string{"127.0.0.1"}, []string{"*"}
	})
	got := s.HTTP(t).Ask("POST", "/api/login", "", "X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: https", "X-Forwarded-Host: shop.example")
	if c := got.Cookies(); got.StatusCode != 200 || len(c) != 1 || c[0].Name != "__Host-session" || !c[0].Secure {
		t.Errorf("%d %s, cookies %v", got.StatusCode, got.Text, c)
	}
}

// A session holds over HTTP, WebSocket and Socket.IO.
func TestASessionIsTheSameOnAllTransportsOfABrowser(t *testing.T) {
	t.Parallel()
	s := newSite(auth.SessionConfig{}).start(t)
	cookie := newBrowser(s.HTTP(t)).login(t, "ann")
	ws, sio := wsWith(t, s, cookie), sioWith(t, s, cookie)
	for name, c := range map[string]testkit.Client{"websocket": ws, "socketio": sio} {
		if got := c.Do("who", nil); got.Error != "" || !strings.Contains(got.JSON, `"who":"ann"`) {
			t.Errorf("over %s: %s", name, got.JSON)
		}
	}
	if got := s.WS(t).Do("who", nil); got.Error != "you must log in to do this" {
		t.Errorf("without the cookie: %s", got.JSON)
	}
}

// An id that an attacker has planted before the login is worth nothing afterwards, nor is the id before a further login.
func TestALoginChangesTheIDOfTheSession(t *testing.T) {
	t.Parallel()
	s := newSite(auth.SessionConfig{}).start(t)
	c := s.HTTP(t)
	attacker, victim := newBrowser(c), newBrowser(c)
	planted := attacker.login(t, "mallory")
	victim.cookies = map[string]string{"session": attacker.cookies["session"]}
	first := victim.login(t, "ann")
	isUser(t, c, planted, "")
	isUser(t, c, first, "ann")
	second := victim.login(t, "ann")
	isUser(t, c, first, "")
	isUser(t, c, second, "ann")
	if first == planted || second == first {
		t.Error("a login has kept the id")
	}
	if got := c.Ask("GET", "/api/open", "", "Cookie: "+first); got.Header.Get("Set-Cookie") != "" {
		t.Error("a request that was on its way at the login deletes the cookie of the new session")
	}
}

// After a logout, the cookie is worth nothing, and the answer to it deletes it. Two logouts at once are one.
func TestALogoutEndsTheSession(t *testing.T) {
	t.Parallel()
	s := newSite(auth.SessionConfig{}).start(t)
	c := s.HTTP(t)
	b := newBrowser(c)
	cookie := b.login(t, "ann")
	ws := wsWith(t, s, cookie)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			got, err := c.Try(t.Context(), "POST", "/api/logout", http.NoBody, "Cookie: "+cookie)
			if err != nil || got.StatusCode != 200 {
				t.Errorf("%v %s", err, got.Text)
			}
		})
	}
	wg.Wait()
	got := b.get("open")
	got.Want(t, 200, `"who":""`)
	got.WantHeader(t, "Set-Cookie: session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax")
	b.post("logout", "").Want(t, 200, "")
	closedWith(t, ws, "your session has ended: log in again")
}

// closedWith fails the test unless the server closes the connection with the reason.
func closedWith(t *testing.T, c *testkit.WSClient, reason string) {
	t.Helper()
	for {
		_, text, err := c.Read(t.Context())
		if err == nil {
			continue
		}
		if !strings.Contains(err.Error(), reason) {
			t.Errorf("the connection ends with %q, %v", text, err)
		}
		return
	}
}

// Cookies that are no session of this app make an anonymous caller, and a cookie of another app stays.
func TestForeignCookiesAreNoSession(t *testing.T) {
	t.Parallel()
	s := newSite(auth.SessionConfig{}).start(t)
	c := s.HTTP(t)
	b := newBrowser(c)
	b.login(t, "ann")
	id := b.cookies["session"]
	guess := strings.Repeat("A", 43)
	for name, test := range map[string]struct{ cookie, who, deletes string }{
		"a guess":                          {"session=" + guess, "", "session="},
		"a guess over HTTPS":               {"__Host-session=" + guess, "", "__Host-session="},
		"another app":                      {"session=s%3Aabc.def", "", ""},
		"another app beside":               {"session=s%3Aabc.def; session=" + id, "ann", ""},
		"two ids":                          {"session=" + guess + "; session=" + id, "", ""},
		"two ids, the other way":           {"session=" + id + "; session=" + guess, "", ""},
		"twice the same":                   {"session=" + id + "; session=" + id, "ann", ""},
		"the name of HTTPS":                {"__Host-session=" + id, "", "__Host-session="},
		"the name of HTTPS wins":           {"session=" + id + "; __Host-session=" + guess, "", "__Host-session="},
		"another name":                     {"sessio=" + id + "; Session=" + id + "; session2=" + id, "", ""},
		"8 KiB":                            {"session=" + strings.Repeat("A", 8<<10), "", ""},
		"among others":                     {"a=b;session=" + id + " ;c", "ann", ""},
		"the hash that the store has":      {"session=" + strings.Repeat("0", 64), "", ""},
		"characters that are no id":        {"session=" + id[:42] + "*", "", ""},
		"an id with a prefix of the store": {"session=:" + id[1:], "", ""},
		"one character less":               {"session=" + id[:42], "", ""},
	} {
		got := c.Ask("GET", "/api/open", "", "Cookie: "+test.cookie)
		if set := got.Header.Get("Set-Cookie"); got.StatusCode != 200 || !strings.Contains(got.Text, `"who":"`+test.who+`"`) || (test.deletes == "") != (set == "") || !strings.HasPrefix(set, test.deletes) {
			t.Errorf("%s: %d %s, Set-Cookie %q", name, got.StatusCode, got.Text, set)
		}
	}
}

// The list of a user has the session that asks. A user ends others of these sessions, and none of another user.
func TestAUserEndsSessions(t *testing.T) {
	t.Parallel()
	s := newSite(auth.SessionConfig{}).start(t)
	c := s.HTTP(t)
	one, two, three, bob := newBrowser(c), newBrowser(c), newBrowser(c), newBrowser(c)
	one.post("login", `{"user":"ann"}`, "User-Agent: first "+strings.Repeat("é", 200))
	two.login(t, "ann")
	three.login(t, "ann")
	bob.login(t, "bob")
	list := func(b *browser) []auth.Session {
		t.Helper()
		var answer struct{ Sessions []auth.Session }
		if err := json.Unmarshal([]byte(b.get("list").Text), &answer); err != nil {
			t.Fatal(err)
		}
		return answer.Sessions
	}
	got := list(one)
	if len(got) != 3 || !got[2].Current || got[0].Current || got[2].IP != "127.0.0.1" || !strings.HasPrefix(got[2].UserAgent, "first éé") || len(got[2].UserAgent) > 256 || got[0].CreatedAt.Before(got[2].CreatedAt) {
		t.Fatalf("the list is %+v", got)
	}
	bob.post("revoke", `{"id":"`+got[2].ID+`"}`).Want(t, 404, "this user has no session with this id")
	for _, cookie := range []string{"session=" + got[2].ID, "session=" + got[2].ID + strings.Repeat("0", 11)} {
		isUser(t, c, cookie, "")
	}
	one.post("revoke", `{"id":"`+got[1].ID+`"}`).Want(t, 200, "")
	isUser(t, c, two.cookie(), "")
	isUser(t, c, three.cookie(), "ann")
	ws, tcp := wsWith(t, s, three.cookie()), s.TCP(t)
	if a := tcp.Do("login", map[string]string{"user": "ann"}); a.Error != "" {
		t.Fatal(a.JSON)
	}
	one.post("others", "").Want(t, 200, "")
	isUser(t, c, one.cookie(), "ann")
	isUser(t, c, three.cookie(), "")
	isUser(t, c, bob.cookie(), "bob")
	if got := list(one); len(got) != 1 || !got[0].Current {
		t.Errorf("the list is %+v", got)
	}
	closedWith(t, ws, "your session has ended: log in again")
	if rest, closed := tcp.Rest(); !closed {
		t.Errorf("a TCP client that an action has logged in as the user is not closed, and reads %q", rest)
	}
}

// A login over TCP or a WebSocket changes that connection alone. RevokeOthers and a logout keep it.
func TestALoginOfAConnectionIsForItAlone(t *testing.T) {
	t.Parallel()
	app := newSite(auth.SessionConfig{})
	s := app.start(t)
	for _, transport := range []string{"tcp", "websocket", "socketio"} {
		c := testkit.Transports[transport](t, s)
		who := func(want string) {
			t.Helper()
			if a := c.Do("open", nil); !strings.Contains(a.JSON, `"who":"`+want+`"`) {
				t.Errorf("over %s: %s", transport, a.JSON)
			}
		}
		do := func(action string) {
			t.Helper()
			if a := c.Do(action, map[string]string{"user": "ann"}); a.Error != "" {
				t.Errorf("over %s: %s", transport, a.JSON)
			}
		}
		do("login")
		who("ann")
		do("others")
		who("ann")
		do("logout")
		who("")
		if list, err := app.List(t.Context(), s.API, "ann"); err != nil || len(list) != 0 {
			t.Errorf("over %s, a login has made a session: %v, %v", transport, list, err)
		}
		do("login")
	}
	if err := app.RevokeAll(t.Context(), s.API, "ann"); err != nil {
		t.Error(err)
	}
	testkit.Eventually(t, "the connections of the user are closed", func() bool {
		list, err := s.Conns.List(t.Context(), actionhero.ConnFilter{})
		return err == nil && list.Total == 0
	})
}

// A logout over a WebSocket ends its session, and keeps the connection.
func TestALogoutOfAConnectionEndsItsSession(t *testing.T) {
	t.Parallel()
	s := newSite(auth.SessionConfig{}).start(t)
	b := newBrowser(s.HTTP(t))
	cookie := b.login(t, "ann")
	ws, other := wsWith(t, s, cookie), wsWith(t, s, cookie)
	if a := ws.Do("logout", nil); a.Error != "" {
		t.Error(a.JSON)
	}
	if a := ws.Do("open", nil); !strings.Contains(a.JSON, `"who":""`) {
		t.Error(a.JSON)
	}
	closedWith(t, other, "your session has ended: log in again")
	isUser(t, b.HTTPClient, cookie, "")
}

// A user has a bounded number of sessions. A further login ends the oldest one.
func TestAUserHasABoundedNumberOfSessions(t *testing.T) {
	t.Parallel()
	s := newSite(auth.SessionConfig{PerUser: 2}).start(t)
	c := s.HTTP(t)
	var cookies []string
	for range 3 {
		cookies = append(cookies, newBrowser(c).login(t, "ann"))
	}
	isUser(t, c, cookies[0], "")
	isUser(t, c, cookies[1], "ann")
	isUser(t, c, cookies[2], "ann")
}

// A file that all clients may cache is not cached with the header that deletes the cookie of one of them.
func TestNoCacheKeepsACookie(t *testing.T) {
	t.Parallel()
	s := newSite(auth.SessionConfig{}).start(t)
	s.Put(t, "page.html", "<p>")
	c := s.HTTP(t)
	got := c.Ask("GET", "/api/page", "", "Cookie: session="+strings.Repeat("A", 43))
	got.Want(t, 200, "<p>")
	got.WantHeader(t, "Set-Cookie: session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax", "Cache-Control: private, no-store")
	if got := c.Ask("GET", "/api/page", ""); strings.Contains(got.Header.Get("Cache-Control"), "private") {
		t.Errorf("a file for all has the header Cache-Control: %s", got.Header.Get("Cache-Control"))
	}
}

// An action that calls the login of another action logs its client in. Go code and tasks have no client.
func TestALoginWithinAnotherActionIsThatOfTheClient(t *testing.T) {
	t.Parallel()
	app := newSite(auth.SessionConfig{})
	s := app.start(t)
	b := newBrowser(s.HTTP(t))
	b.post("signUp", "").Want(t, 200, "")
	b.get("who").Want(t, 200, `"who":"ann"`)
	for name, err := range map[string]error{
		"Login": app.Login(t.Context(), actionhero.Identity{ID: "ann"}), "Logout": app.Logout(t.Context()), "RevokeOthers": app.RevokeOthers(t.Context()),
	} {
		if err == nil || !strings.Contains(err.Error(), "needs a client") {
			t.Errorf("%s without a request: %v", name, err)
		}
	}
	if list, err := app.List(t.Context(), s.API, "ann"); err != nil || len(list) != 1 || list[0].Current {
		t.Errorf("the list is %+v, %v", list, err)
	}
	for _, wrong := range []actionhero.Identity{{}, {Roles: []string{"admin"}}, {ID: "ann", ExpiresAt: time.Now()}} {
		if err := app.Login(t.Context(), wrong); err == nil || !strings.Contains(err.Error(), "auth: Login was called with an Identity w") {
			t.Errorf("a login as %+v: %v", wrong, err)
		}
	}
}

// failing is a backend whose store fails while fails is set.
type failing struct {
	backend.Backend
	fails atomic.Bool
}

type failingStore struct {
	backend.Store
	f *failing
}

func (f *failing) Store() backend.Store { return failingStore{f.Backend.Store(), f} }

func (s failingStore) Get(ctx context.Context, key string) (backend.Entry, error) {
	if s.f.fails.Load() {
		return backend.Entry{}, backend.ErrUnavailable
	}
	return s.Store.Get(ctx, key)
}

// If the store cannot be reached, a request with a cookie fails, and does not become an anonymous one. Others still run.
func TestAFailingStoreMakesNoUserAnonymous(t *testing.T) {
	t.Parallel()
	b := &failing{Backend: local.New(local.Config{})}
	s := newSite(auth.SessionConfig{}).start(t, func(cfg *server.Config) { cfg.General.Backend = b })
	c := s.HTTP(t)
	user := newBrowser(c)
	first := user.login(t, "ann")
	b.fails.Store(true)
	unknown := "session=" + strings.Repeat("A", 43)
	got := c.Ask("GET", "/api/open", "", "Cookie: "+unknown)
	got.Want(t, 503, `"errorCode":"unavailable"`)
	got.WantHeader(t, "Set-Cookie")
	c.Ask("GET", "/api/open", "").Want(t, 200, `"who":""`)
	for _, action := range []string{"login", "logout"} {
		got := c.Ask("POST", "/api/"+action, "", "Cookie: "+first)
		if got.StatusCode != 503 || got.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %d %s, Set-Cookie %q", action, got.StatusCode, got.Text, got.Header.Get("Set-Cookie"))
		}
	}
	b.fails.Store(false)
	isUser(t, c, first, "ann")
}

// A login with sessions that are no part of the app would be forgotten at once: it is an error that names the remedy.
func TestSessionsMustBeAPartOfTheApp(t *testing.T) {
	t.Parallel()
	forgotten := auth.NewSessions(auth.SessionConfig{})
	s := testkit.Start(t, testkit.Options{Parts: actionhero.Parts{actionhero.Action[none, none]{Name: "login", Run: func(ctx context.Context, _ none) (none, error) {
		return none{}, forgotten.Login(ctx, actionhero.Identity{ID: "ann"})
	}}}})
	got := s.HTTP(t).Ask("POST", "/api/login", "")
	got.Want(t, 500, "")
	got.WantHeader(t, "Set-Cookie")
	if !s.Log.Has("auth: Login was called with Sessions that are no part of the app") {
		t.Error("the log does not name the remedy")
	}
}
