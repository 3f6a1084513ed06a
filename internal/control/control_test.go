package control

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/testkit/basics"
)

func TestMain(m *testing.M) { basics.VerifyTestMain(m) }

type point struct{ X, Y int }

// testRoutes answer in all ways.
var testRoutes = map[string]Handler{
	"POST /echo":  func(r *http.Request) (any, error) { return Body[point](r) },
	"GET /query":  func(r *http.Request) (any, error) { return r.URL.Query(), nil },
	"GET /fail":   func(*http.Request) (any, error) { return nil, errors.New("it failed") },
	"GET /coded":  func(*http.Request) (any, error) { return nil, &Error{Code: "notFound", Message: "there is none"} },
	"GET /panic":  func(*http.Request) (any, error) { panic("oh no") },
	"GET /broken": func(*http.Request) (any, error) { return func() {}, nil },
	"GET /none":   func(*http.Request) (any, error) { return nil, nil },
	"GET /wait": func(r *http.Request) (any, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	},
}

// serve starts a server at the socket path that is closed at the end of the test.
func serve(t *testing.T, path string) {
	t.Helper()
	s, err := Listen(t.Context(), path, testRoutes, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the socket still exists: %v", err)
		}
	})
}

func TestCall(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "socket")
	serve(t, path)
	if info, err := os.Lstat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket is %v, %v", info.Mode(), err)
	}
	for target, tt := range map[string]struct {
		body any
		want string
	}{
		"/echo":          {point{1, 2}, `{"X":1,"Y":2}`},
		"/query?a=1%262": {nil, `{"a":["1&2"]}`},
		"/none":          {nil, `null`},
	} {
		method := http.MethodGet
		if tt.body != nil {
			method = http.MethodPost
		}
		if got, err := Call(t.Context(), path, method, target, tt.body); err != nil || string(got) != tt.want {
			t.Errorf("%s answers %s, %v; want %s", target, got, err, tt.want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Call(ctx, path, "GET", "/wait", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled call returns %v", err)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "socket")
	serve(t, path)
	for name, tt := range map[string]struct {
		method, target string
		body           any
		want           Error // Message: how it begins
	}{
		"no code":           {"GET", "/fail", nil, Error{Code: "", Message: "it failed"}},
		"code":              {"GET", "/coded", nil, Error{Code: "notFound", Message: "there is none"}},
		"panic":             {"GET", "/panic", nil, Error{Code: "internal", Message: "the server has a bug: oh no"}},
		"result not JSON":   {"GET", "/broken", nil, Error{Code: "", Message: ""}},
		"unknown path":      {"GET", "/lost", nil, Error{Code: "notFound", Message: "the server does not know GET /lost: it may have another version"}},
		"unknown method":    {"DELETE", "/echo", nil, Error{Code: "notFound", Message: "the server does not know DELETE /echo"}},
		"body not JSON":     {"POST", "/echo", nil, Error{Code: "invalidInput", Message: "the request is not the expected JSON object"}},
		"body of a type":    {"POST", "/echo", "text", Error{Code: "invalidInput", Message: "the request is not the expected JSON object"}},
		"unknown member":    {"POST", "/echo", map[string]int{"X": 1, "Z": 2}, Error{Code: "invalidInput", Message: `the request is not the expected JSON object: unknown member "Z"`}},
		"body too long":     {"POST", "/echo", strings.Repeat("x", 3<<20), Error{Code: "invalidInput", Message: "the request has more than 2097152 bytes"}},
		"panic, once again": {"GET", "/panic", nil, Error{Code: "internal", Message: "the server has a bug: oh no"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Call(t.Context(), path, tt.method, tt.target, tt.body)
			var e *Error
			if !errors.As(err, &e) || e.Code != tt.want.Code || !strings.HasPrefix(e.Message, tt.want.Message) {
				t.Errorf("the error is %#v, want %+v", err, tt.want)
			}
		})
	}
}

func TestNoServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	long := filepath.Join(dir, strings.Repeat("d", 200), "socket")
	for _, path := range []string{filepath.Join(dir, "socket"), filepath.Join(dir, "none", "socket"), long} {
		if _, err := Call(t.Context(), path, "GET", "/none", nil); !errors.Is(err, ErrNoServer) || err.Error() != "no server answers there: "+path {
			t.Errorf("%s: %v", path, err)
		}
	}
	// The socket of a dead server is replaced.
	path := filepath.Join(dir, "stale")
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	ln.SetUnlinkOnClose(false)
	_ = ln.Close()
	if _, err := Call(t.Context(), path, "GET", "/none", nil); !errors.Is(err, ErrNoServer) {
		t.Errorf("a stale socket: %v", err)
	}
	serve(t, path)
	if _, err := Call(t.Context(), path, "GET", "/none", nil); err != nil {
		t.Errorf("after it was replaced: %v", err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		path: "another server answers", file: "is not a socket: remove it", filepath.Join(file, "socket"): "cannot be created",
	} {
		if _, err := Listen(t.Context(), path, nil, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("a server at %s: %v", path, err)
		}
	}
}

// The path of a folder may be longer than the address of a socket.
func TestLongPath(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), strings.Repeat("d", 200))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "socket")
	if _, release, err := addressOf(path); err != nil {
		if want := "choose a shorter folder"; !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want one with %q", err, want)
		}
		return // this system has no other way to write it
	} else {
		release()
	}
	serve(t, path)
	if _, err := Call(t.Context(), path, "GET", "/none", nil); err != nil {
		t.Error(err)
	}
}

// A client that sends nothing does not delay Close or other clients.
func TestSilentClients(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "socket")
	serve(t, path)
	for range 2 * maxRequests {
		nc, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = nc.Close() })
	}
	if _, err := Call(t.Context(), path, "GET", "/none", nil); err != nil {
		t.Error(err)
	}
}

// Close ends the contexts of running requests.
func TestCloseDuringRequests(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "socket")
	started := make(chan struct{})
	s, err := Listen(t.Context(), path, map[string]Handler{"GET /wait": func(r *http.Request) (any, error) {
		close(started)
		<-r.Context().Done()
		return nil, r.Context().Err()
	}}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	failed := make(chan error)
	go func() {
		_, err := Call(context.Background(), path, "GET", "/wait", nil)
		failed <- err
	}()
	<-started
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := <-failed; err == nil {
		t.Error("the request has a result")
	}
}

// curl can send requests.
func TestCurl(t *testing.T) {
	t.Parallel()
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Fatal("curl is not installed: run make needs")
	}
	path := filepath.Join(t.TempDir(), "socket")
	serve(t, path)
	out, err := exec.CommandContext(t.Context(), curl, "-s", "--unix-socket", path, "-d", `{"X":3}`, "http://localhost/echo").Output()
	if err != nil || string(out) != `{"X":3,"Y":0}`+"\n" {
		t.Errorf("curl prints %q, %v", out, err)
	}
}

// If the time limit of a request ends, the client reads the error of the handler, or that the server is busy.
func TestTimeLimit(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "socket")
	s, err := listenWith(t.Context(), path, testRoutes, slog.New(slog.DiscardHandler), 300*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	answers := make(chan string)
	for range 2 * maxRequests {
		go func() {
			_, err := Call(context.Background(), path, "GET", "/wait", nil)
			answers <- fmt.Sprint(err)
		}()
	}
	count := map[string]int{}
	for range 2 * maxRequests {
		count[<-answers]++
	}
	const late, busy = "context deadline exceeded", "the server is busy with other requests of the command line"
	if count[late] < maxRequests || count[late]+count[busy] != 2*maxRequests {
		t.Errorf("the answers are %v", count)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// Close removes the socket of its server even if the working directory has changed, and no other socket.
func TestCloseAfterChdir(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	t.Chdir(first)
	s, err := Listen(t.Context(), "socket", testRoutes, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(second)
	serve(t, "socket")
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(filepath.Join(first, "socket")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket of the closed server still exists: %v", err)
	}
	if _, err := Call(t.Context(), "socket", "GET", "/none", nil); err != nil {
		t.Errorf("the other server: %v", err)
	}
}

// It is no error of Close if the socket does not exist any more.
func TestCloseWithoutSocket(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "socket")
	serve(t, path)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// A server that does not answer in HTTP has another version.
func TestServerOfAnotherVersion(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"a line of JSON": `{"error":{"message":"unknown method"}}` + "\n", "two words": "ERR method\r\n", "version": "HTTP/x 200 OK\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "socket")
			ln, err := net.Listen("unix", path)
			if err != nil {
				t.Fatal(err)
			}
			defer ln.Close()
			go func() {
				nc, err := ln.Accept()
				if err != nil {
					return
				}
				_, _ = nc.Read(make([]byte, 1000))
				_, _ = nc.Write([]byte(answer))
				_ = nc.Close()
			}()
			_, err = Call(t.Context(), path, "GET", "/none", nil)
			if want := "the running server at " + path + " has another version than this program: restart the server"; err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
}

// Processes that share a socket answer in place of each other. The socket is removed with the process that opened it.
func TestASharedSocketOutlivesEachServer(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "socket")
	socket, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket is %v, %v", info.Mode(), err)
	}
	if _, err := Open(path); err == nil {
		t.Error("a second supervisor opens the same socket")
	}
	share := func() *Server {
		file, err := socket.File()
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		ln, err := net.FileListener(file)
		if err != nil {
			t.Fatal(err)
		}
		return newServer(ln, "", testRoutes, slog.New(slog.DiscardHandler), maxTime)
	}
	first, second := share(), share()
	for _, s := range []*Server{first, second} {
		if got, err := Call(t.Context(), path, "GET", "/none", nil); err != nil || string(got) != "null" {
			t.Errorf("Call: %s, %v", got, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Lstat(path); err != nil {
		t.Errorf("a server has removed the socket: %v", err)
	}
	if err := socket.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket still exists: %v", err)
	}
}
