package auth_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/auth"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/limit"
	"github.com/actionhero-go/actionhero/web"
)

// discard is a ResponseWriter that counts the bytes of the body.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(status int)      { d.status = status }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }

// gets are apps, each with a request: an open app, an app with sessions without and with the cookie, and with a rule and a
// limit besides.
func gets() []get {
	app := newSite(auth.SessionConfig{})
	return []get{
		{"open app", "open2", false, nil},
		{"sessions, no cookie", "open2", false, app.parts},
		{"sessions, cookie", "open2", true, app.parts},
		{"sessions, cookie, rule, limit", "closed", true, app.parts},
	}
}

type get struct {
	name, action string
	cookie       bool
	parts        actionhero.Parts
}

// start starts the app, and returns a function that makes the request without net/http.
func (g get) start(b testing.TB) (run func()) {
	b.Helper()
	answer := func(context.Context, none) (map[string]string, error) {
		return map[string]string{"hello": "world"}, nil
	}
	few := limit.New(limit.Limit{Name: "few", Events: 1_000_000_000, Per: time.Second * 1000})
	api, err := actionhero.New(actionhero.Config{Backend: local.New(local.Config{}), Log: slog.New(slog.DiscardHandler)}, g.parts,
		actionhero.Action[none, map[string]string]{Name: "open2", Access: actionhero.Public, Run: answer},
		actionhero.Action[none, map[string]string]{Name: "closed", Access: actionhero.Roles("agent"), Middleware: []actionhero.Middleware{few.By(limit.Identity)}, Run: answer})
	if err != nil {
		b.Fatal(err)
	}
	s, err := web.New(api, web.Config{})
	if err == nil {
		err = api.Start(b.Context())
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = api.Stop(context.Background()) })
	r := httptest.NewRequest("GET", "/api/"+g.action, http.NoBody)
	r.Host, r.RemoteAddr = "localhost", "127.0.0.1:1234"
	if g.cookie {
		login := httptest.NewRequest("POST", "/api/login", http.NoBody)
		login.Host, login.RemoteAddr = r.Host, r.RemoteAddr
		w := httptest.NewRecorder()
		s.ServeHTTP(w, login)
		r.AddCookie(w.Result().Cookies()[0])
	}
	w := &discard{header: http.Header{}}
	return func() {
		clear(w.header)
		s.ServeHTTP(w, r)
		if w.status != 0 && w.status != 200 {
			b.Fatal(w.status)
		}
	}
}

// BenchmarkGET measures a GET without the time of net/http.
func BenchmarkGET(b *testing.B) {
	for _, g := range gets() {
		b.Run(g.name, func(b *testing.B) {
			run := g.start(b)
			b.ReportAllocs()
			for b.Loop() {
				run()
			}
		})
	}
}
