package oidc_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/actionherotest"
	"github.com/actionhero-go/actionhero/auth/oidc"
	"github.com/actionhero-go/actionhero/server"
)

// endpoint is the introspection endpoint of an issuer (RFC 7662).
type endpoint struct {
	*httptest.Server
	asked atomic.Int32
	mu    sync.Mutex
	has   map[string]map[string]any // answers by token
	hold  chan struct{}             // if set, an answer waits for a value
}

func newEndpoint(t testing.TB) *endpoint {
	e := &endpoint{has: map[string]map[string]any{}}
	e.Server = httptest.NewServer(e)
	t.Cleanup(e.Close)
	return e
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id, secret, _ := r.BasicAuth()
	text, _ := io.ReadAll(r.Body)
	if r.Method != http.MethodPost || id != "a%3Ab" || secret != "s%2Fs" || !strings.HasSuffix(string(text), "&token_type_hint=access_token") {
		http.Error(w, "no", http.StatusUnauthorized)
		return
	}
	e.asked.Add(1)
	if e.hold != nil {
		<-e.hold
	}
	token := strings.TrimSuffix(strings.TrimPrefix(string(text), "token="), "&token_type_hint=access_token")
	e.mu.Lock()
	answer, ok := e.has[token]
	e.mu.Unlock()
	if !ok {
		answer = map[string]any{"active": false}
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func (e *endpoint) set(token string, change map[string]any) {
	answer := map[string]any{"active": true, "sub": "ann", "aud": "app", "scope": "tickets:read", "exp": time.Now().Add(time.Hour).Unix(), "email": "ann@example.com"}
	for key, value := range change {
		if answer[key] = value; value == nil {
			delete(answer, key)
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.has[token] = answer
}

func (e *endpoint) config(change func(*oidc.IntrospectConfig)) actionhero.Part {
	cfg := oidc.IntrospectConfig{URL: e.URL, ClientID: "a:b", ClientSecret: "s/s", Audience: []string{"other", "app"}, Issuer: ours}
	if change != nil {
		change(&cfg)
	}
	return oidc.Introspect(cfg)
}

// The issuer decides about a token: only one that is active, in time, and for this app identifies its subject.
func TestTheIssuerIsAskedAboutAToken(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t)
	api := app(t, e.config(nil))
	for name, change := range map[string]map[string]any{
		"plain": {}, "audiences": {"aud": []string{"x", "app"}}, "its-issuer": {"iss": ours}, "no-end": {"exp": nil}, "begun": {"nbf": time.Now().Add(-time.Minute).Unix()},
	} {
		e.set(name, change)
		c, err := whoami(t, api, name)
		if err != nil || c.Who != "ann" || strings.Join(c.Scopes, " ") != "tickets:read" || c.Email != "ann@example.com" || c.End.IsZero() != (name == "no-end") {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
	for name, change := range map[string]map[string]any{
		"not-active": {"active": false}, "active-as-text": {"active": "true"}, "another-audience": {"aud": "x"}, "two-in-one": {"aud": "x app"}, "no-audience": {"aud": nil},
		"another-issuer": {"iss": "https://evil.example"}, "issuer-as-number": {"iss": 1}, "expired": {"exp": time.Now().Add(-time.Second).Unix()}, "end-as-text": {"exp": "never"},
		"not-begun": {"nbf": time.Now().Add(time.Minute).Unix()}, "no-subject": {"sub": nil},
	} {
		e.set(name, change)
		_, err := whoami(t, api, name)
		refused(t, name, err, actionhero.CodeUnauthenticated, notValid)
	}
	_, err := whoami(t, api, "unknown")
	refused(t, "unknown", err, actionhero.CodeUnauthenticated, notValid)
	out, err := actionherotest.Run(t, api, "whoami", nil)
	refused(t, string(out), err, actionhero.CodeUnauthenticated, logIn)
}

// An answer counts for KeepFor, so that the issuer is not asked for each request, and a revoked token is refused after it.
func TestAnAnswerOfTheIssuerIsKeptForAWhile(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t)
	api := app(t, e.config(func(cfg *oidc.IntrospectConfig) { cfg.KeepFor = 50 * time.Millisecond }))
	e.set("good", nil)
	begun := time.Now()
	for range 3 {
		if _, err := whoami(t, api, "good"); err != nil && time.Since(begun) < 50*time.Millisecond {
			t.Fatal(err)
		}
		_, _ = whoami(t, api, "wrong")
	}
	if n := e.asked.Load(); n != 2 && time.Since(begun) < 50*time.Millisecond {
		t.Errorf("the issuer was asked %d times", n)
	}
	e.set("good", map[string]any{"active": false})
	for {
		if _, err := whoami(t, api, "good"); err != nil {
			refused(t, "revoked", err, actionhero.CodeUnauthenticated, notValid)
			return
		}
		if time.Since(begun) > 10*time.Second {
			t.Fatal("a revoked token is still accepted")
		}
	}
}

// Callers with the same token wait for one request, and wrong tokens do not drop the answers about valid ones.
func TestTheIssuerIsAskedOnceForEachToken(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t)
	api := app(t, e.config(func(cfg *oidc.IntrospectConfig) { cfg.Keep = 4 }))
	e.set("good", nil)
	e.hold = make(chan struct{})
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			if _, err := whoami(t, api, "good"); err != nil {
				t.Error(err)
			}
		})
	}
	e.hold <- struct{}{}
	callers.Wait()
	close(e.hold)
	for i := range 1100 { // more than are kept
		_, _ = whoami(t, api, fmt.Sprint("wrong", i))
	}
	if _, err := whoami(t, api, "good"); err != nil || e.asked.Load() != 1101 {
		t.Errorf("the issuer was asked %d times: %v", e.asked.Load(), err)
	}
	for i := range 8 {
		e.set(fmt.Sprint("g", i), nil)
		if _, err := whoami(t, api, fmt.Sprint("g", i)); err != nil {
			t.Error(err)
		}
	}
}

func TestAnIssuerThatCannotBeAskedIsNoRefusal(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t)
	for name, part := range map[string]actionhero.Part{
		"wrong credentials": e.config(func(cfg *oidc.IntrospectConfig) { cfg.ClientSecret = "x" }),
		"no server":         e.config(func(cfg *oidc.IntrospectConfig) { cfg.URL = "http://127.0.0.1:1/" }),
	} {
		_, err := whoami(t, app(t, part), "good")
		refused(t, name, err, actionhero.CodeUnavailable, "the issuer cannot be asked about the token now")
	}
}

func TestAWrongDeclarationOfIntrospectionIsRefused(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t)
	for want, change := range map[string]func(*oidc.IntrospectConfig){
		`IntrospectConfig.URL is "http://login.example.com": use https`: func(cfg *oidc.IntrospectConfig) { cfg.URL = "http://login.example.com" },
		"IntrospectConfig.ClientID or ClientSecret is missing":          func(cfg *oidc.IntrospectConfig) { cfg.ClientSecret = "" },
		"IntrospectConfig.Audience is missing":                          func(cfg *oidc.IntrospectConfig) { cfg.Audience = nil },
		"IntrospectConfig.KeepFor is 2h0m0s":                            func(cfg *oidc.IntrospectConfig) { cfg.KeepFor = 2 * time.Hour },
		"IntrospectConfig.Keep is -1":                                   func(cfg *oidc.IntrospectConfig) { cfg.Keep = -1 },
	} {
		if _, err := server.New(server.Config{}, e.config(change), actionhero.DefaultAccess(actionhero.Public)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
