package oauth_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"context"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/auth/oauth"
	"github.com/actionhero-go/actionhero/backend/redis"
	"github.com/actionhero-go/actionhero/internal/testkit/memcluster"
	"github.com/actionhero-go/actionhero/internal/testkit/redistest"
	"github.com/actionhero-go/actionhero/server"
)

// A restart of one server keeps grants and registered clients, and brings back nothing that has ended. The files have no token.
func TestGrantsSurviveARestart(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	onDisk := func(cfg *server.Config) { cfg.Tasks.Memory, cfg.Tasks.Path = false, folder }
	s := start(t, config(), onDisk)
	ann, c := s.login(t, "ann"), s.client(t)
	id, _ := c.registration(t, `{"redirect_uris":["`+callback+`"],"token_endpoint_auth_method":"none"}`)
	kept := c.tokens(t, redemption(ann.code(t, "client_id="+id), "client_id="+id))
	ended := c.tokens(t, redemption(ann.code(t)))
	c.post("/revoke", url.Values{"client_id": {"agent"}, "token": {ended.Refresh}}).Want(t, 200, "")
	code := ann.code(t)
	files, err := filepath.Glob(filepath.Join(folder, "oauth", "*"))
	if err != nil || len(files) != 3 { // a client, a grant and the list of a user
		t.Errorf("the files are %q, %v", files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil || strings.Contains(string(text), kept.Access) || strings.Contains(string(text), kept.Refresh) {
			t.Errorf("%s: %v %s", file, err, text)
		}
	}
	s.Stop()
	for name, text := range map[string]string{"grant-broken.json": "{", "new-123": "half", "notes.txt": "x"} {
		if err := os.WriteFile(filepath.Join(folder, "oauth", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s = start(t, config(), onDisk)
	c = s.client(t)
	c.call("who", kept.Access).Want(t, 200, "ann")
	c.call("who", ended.Access).Want(t, 401, "")
	c.tokens(t, renewal(kept.Refresh, "client_id="+id))
	wantError(t, c.post("/token", renewal(ended.Refresh)), 400, "invalid_grant")
	wantError(t, c.post("/token", redemption(code)), 400, "invalid_grant")
	if !s.Log.Has("was left out") {
		t.Error("a broken file is left out without a word")
	}
	if list, err := s.oauth.List(t.Context(), s.API, "ann"); err != nil || len(list) != 1 {
		t.Errorf("the grants are %+v, %v", list, err)
	}
}

// Any node of a cluster serves any step, and the end of a grant counts on all of them at once.
func TestAllNodesServeAGrant(t *testing.T) {
	t.Parallel()
	net := memcluster.New(t)
	node := func(id string) *site {
		b := net.Node()
		return start(t, config(), func(cfg *server.Config) { cfg.General.ID, cfg.General.Backend = id, b })
	}
	followsGrant(t, node("a"), node("b"))
}

func TestAllNodesServeAGrantOnRedis(t *testing.T) {
	t.Parallel()
	port, prefix := redistest.Redis.Shared(t).Port, redistest.Prefix()
	node := func(id string) *site {
		return start(t, config(), func(cfg *server.Config) {
			cfg.General.ID, cfg.General.Backend = id, redis.New(redis.Config{Port: port, Prefix: prefix})
		})
	}
	followsGrant(t, node("a"), node("b"))
}

func followsGrant(t *testing.T, a, b *site) {
	t.Helper()
	c, d := a.client(t), b.client(t)
	id, _ := c.registration(t, `{"redirect_uris":["`+callback+`"],"token_endpoint_auth_method":"none"}`)
	ann := a.login(t, "ann")
	form := ann.consent(t, query("client_id="+id))
	other := b.browser(t)
	other.cookie = ann.cookie
	code := location(t, other.post("/authorize", form)).Get("code")
	got := c.tokens(t, redemption(code, "client_id="+id))
	d.call("who", got.Access).Want(t, 200, "ann")
	next := d.tokens(t, renewal(got.Refresh, "client_id="+id))
	c.call("who", next.Access).Want(t, 200, "ann")
	list, err := b.oauth.List(t.Context(), b.API, "ann")
	if err != nil || len(list) != 1 {
		t.Fatalf("the grants are %+v, %v", list, err)
	}
	if err := b.oauth.Revoke(t.Context(), b.API, "ann", list[0].ID); err != nil {
		t.Error(err)
	}
	c.call("who", next.Access).Want(t, 401, "")
	wantError(t, c.post("/token", renewal(next.Refresh, "client_id="+id)), 400, "invalid_grant")
}

// steps goes the whole way without a network.
type steps struct {
	*testing.T
	http.Handler
	cookie string
}

func (s *steps) ask(method, path string, form url.Values, headers ...string) *httptest.ResponseRecorder {
	s.Helper()
	r := httptest.NewRequest(method, "http://localhost"+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Cookie", s.cookie)
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func (s *steps) code() string {
	s.Helper()
	w := s.ask("POST", "/api/login", nil)
	s.cookie, _, _ = strings.Cut(w.Header().Get("Set-Cookie"), ";")
	w = s.ask("GET", "/authorize?"+query().Encode(), nil)
	m := consentField.FindStringSubmatch(w.Body.String())
	if m == nil {
		s.Fatalf("the page is %d %s", w.Code, w.Body)
	}
	w = s.ask("POST", "/authorize", url.Values{"consent": {m[1]}, "decision": {"allow"}, "scope": {"notes:read"}})
	to, _ := url.Parse(w.Header().Get("Location"))
	return to.Query().Get("code")
}

// token returns the answer with tokens and its status.
func (s *steps) token(form url.Values) (got tokens, status int) {
	s.Helper()
	w := s.ask("POST", "/token", form)
	if w.Code == 200 {
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			s.Error(err)
		}
	}
	return got, w.Code
}

func (s *steps) call(access string) int {
	s.Helper()
	return s.ask("POST", "/api/who", nil, "Authorization: Bearer "+access, "Cookie: ").Code
}

func stepsOf(t *testing.T, cfg oauth.Config) *steps {
	t.Helper()
	off := false
	var c server.Config
	c.HTTPServer.Enable, c.TCPServer.Enable, c.Log.Logging, c.Tasks.Memory, c.Tasks.Control = &off, &off, &off, true, &off
	c.General.FlatFileDirectory = t.TempDir()
	s, err := server.New(c, parts(oauth.New(cfg))...)
	if err == nil {
		err = s.Start(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return &steps{t, s.Web, ""}
}

// Codes, tokens and grants end at their times. A grant that is used ends at its absolute time.
func TestEverythingExpires(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := config()
		cfg.GrantIdle, cfg.GrantLife = 2*time.Hour, 5*time.Hour
		s := stepsOf(t, cfg)
		code := s.code()
		time.Sleep(time.Minute + time.Second)
		if _, status := s.token(redemption(code)); status != 400 {
			t.Errorf("a code of a minute is answered with %d", status)
		}
		got, _ := s.token(redemption(s.code()))
		time.Sleep(14 * time.Minute)
		if status := s.call(got.Access); status != 200 {
			t.Errorf("a token of 14 minutes is answered with %d", status)
		}
		time.Sleep(time.Minute + time.Second)
		if status := s.call(got.Access); status != 401 {
			t.Errorf("a token of 15 minutes is answered with %d", status)
		}
		refresh := got.Refresh
		for range 2 {
			time.Sleep(100 * time.Minute)
			next, status := s.token(renewal(refresh))
			if status != 200 || s.call(next.Access) != 200 {
				t.Fatalf("a grant in use is answered with %d", status)
			}
			refresh = next.Refresh
		}
		time.Sleep(75 * time.Minute)
		last, _ := s.token(renewal(refresh))
		if last.Expires < 1 || last.Expires >= 900 {
			t.Errorf("the last access token outlives the grant: %d s", last.Expires)
		}
		time.Sleep(30 * time.Minute)
		if _, status := s.token(renewal(last.Refresh)); status != 400 {
			t.Errorf("a grant after its end is answered with %d", status)
		}
		idle, _ := s.token(redemption(s.code()))
		time.Sleep(2*time.Hour + time.Second)
		if _, status := s.token(renewal(idle.Refresh)); status != 400 {
			t.Errorf("a grant that was not used is answered with %d", status)
		}
	})
}

// The identity of now counts for each request. A user who is gone has no grant any more.
func TestTheIdentityOfNowCounts(t *testing.T) {
	t.Parallel()
	var now atomic.Pointer[actionhero.Identity]
	now.Store(&actionhero.Identity{ID: "ann", Roles: []string{"admin"}, Scopes: []string{"*"}})
	cfg := config()
	cfg.Identity = func(context.Context, actionhero.Identity) (actionhero.Identity, error) { return *now.Load(), nil }
	s := start(t, cfg)
	ann, c := s.login(t, "ann"), s.client(t)
	got := c.tokens(t, redemption(ann.code(t)))
	c.call("who", got.Access).Want(t, 200, `"roles":["admin"]`)
	c.call("who", got.Access).Want(t, 200, `"scopes":["notes:read"]`)
	c.call("write", got.Access).Want(t, 403, "")
	now.Store(&actionhero.Identity{})
	c.call("who", got.Access).Want(t, 401, "")
	wantError(t, c.post("/token", renewal(got.Refresh)), 400, "invalid_grant")
	now.Store(&actionhero.Identity{ID: "ann"})
	wantError(t, c.post("/token", renewal(got.Refresh)), 400, "invalid_grant")
	c.call("who", got.Access).Want(t, 401, "")
}
