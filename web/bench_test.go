package web_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/builtin"
	"github.com/actionhero-go/actionhero/internal/http1"
	"github.com/actionhero-go/actionhero/internal/logging"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/web"
)

// discard is a ResponseWriter that counts the bytes of the body.
type discard struct {
	header http.Header
	n      int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(int)             {}
func (d *discard) Write(p []byte) (int, error) { d.n += len(p); return len(p), nil }

// BenchmarkAction measures a request with two params, without the time of net/http.
func BenchmarkAction(b *testing.B) {
	s, err := web.New(testkit.NewAPI(b), web.Config{})
	if err != nil {
		b.Fatal(err)
	}
	r, err := http.NewRequest("GET", "/api/randomNumber?limit=10&offset=5", http.NoBody)
	if err != nil {
		b.Fatal(err)
	}
	r.RemoteAddr = "127.0.0.1:1234"
	w := &discard{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		s.ServeHTTP(w, r)
	}
	if w.n == 0 {
		b.Fatal("there is no response")
	}
}

// BenchmarkRoute measures a request through a route with a value, and the same by the name of the action, on the fast path and
// without the time of the kernel.
func BenchmarkRoute(b *testing.B) {
	type input struct {
		Max int `json:"max"`
	}
	for name, target := range map[string]string{"value in the path": "/numbers/17", "value in the query": "/api/below?max=17"} {
		b.Run(name, func(b *testing.B) {
			api, err := actionhero.New(actionhero.Config{Backend: local.New(local.Config{}), Log: slog.New(slog.DiscardHandler)},
				actionhero.Action[input, input]{Name: "below", Route: "GET /numbers/{max}", Kind: actionhero.KindRead, Access: actionhero.Public, Run: func(_ context.Context, in input) (input, error) {
					return in, nil
				}})
			if err != nil {
				b.Fatal(err)
			}
			s, err := web.New(api, web.Config{})
			if err != nil {
				b.Fatal(err)
			}
			if err := s.ReadRoutes(); err != nil {
				b.Fatal(err)
			}
			engine := http1.New(http1.Config{
				Handler: http.HandlerFunc(s.ServeFast), Eligible: func(string, string) bool { return true }, OnPhase: func(net.Conn, http1.Phase) {}, MaxHead: 8 << 10,
				Log: slog.New(slog.DiscardHandler), Fallback: func(net.Conn, []byte) { b.Fatal("fallback") },
			})
			nc := &endless{request: []byte("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n"), left: b.N}
			b.ReportAllocs()
			b.ResetTimer()
			if engine.Serve(nc); nc.n/b.N < 100 {
				b.Fatal("there is no response")
			}
		})
	}
}

// endless is a connection that receives the same request n times and discards the responses.
type endless struct {
	net.Conn
	request []byte
	unread  []byte // the rest of the request
	left    int    // further requests
	n       int
}

func (e *endless) Read(p []byte) (int, error) {
	if len(e.unread) == 0 {
		if e.left == 0 {
			return 0, io.EOF
		}
		e.left--
		e.unread = e.request
	}
	n := copy(p, e.unread)
	e.unread = e.unread[n:]
	return n, nil
}

func (e *endless) Write(p []byte) (int, error) { e.n += len(p); return len(p), nil }
func (e *endless) Close() error                { return nil }
func (e *endless) RemoteAddr() net.Addr        { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1234} }

// BenchmarkFastPath measures a request with two params on a connection of the fast path, without the time of the kernel.
func BenchmarkFastPath(b *testing.B) {
	for _, name := range []string{"plain", "logged", "logged, console and file"} {
		b.Run(name, func(b *testing.B) {
			logged, console := name != "plain", strings.HasSuffix(name, "console and file")
			log, file, err := logging.New(logging.Config{File: "api.log", Folder: b.TempDir(), MaxSize: 1 << 40, Console: console, Output: io.Discard})
			if err != nil {
				b.Fatal(err)
			}
			file.Open()
			defer file.Close()
			api, err := actionhero.New(actionhero.Config{Backend: local.New(local.Config{}), Log: log, LogRequests: logged}, builtin.Stock...)
			if err != nil {
				b.Fatal(err)
			}
			s, err := web.New(api, web.Config{})
			if err != nil {
				b.Fatal(err)
			}
			engine := http1.New(http1.Config{
				Handler: s, Eligible: func(string, string) bool { return true }, OnPhase: func(net.Conn, http1.Phase) {}, MaxHead: 8 << 10, Log: log,
				Fallback: func(net.Conn, []byte) { b.Fatal("fallback") },
			})
			nc := &endless{request: []byte("GET /api/randomNumber?limit=10&offset=5 HTTP/1.1\r\nHost: localhost\r\n\r\n"), left: b.N}
			b.ReportAllocs()
			b.ResetTimer()
			engine.Serve(nc)
			if nc.n == 0 {
				b.Fatal("there is no response")
			}
		})
	}
}
