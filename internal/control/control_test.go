package control

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve starts a server in a folder of its own that ends with the test, and returns its socket.
func serve(t *testing.T, path string) {
	t.Helper()
	s, err := Listen(path, func(ctx context.Context, method string, params json.RawMessage) (any, error) {
		switch method {
		case "echo":
			return params, nil
		case "fail":
			return nil, errors.New("it failed")
		case "coded":
			return nil, &Error{Code: "not_found", Message: "there is none"}
		case "panic":
			panic("oh no")
		case "odd":
			return func() {}, nil
		case "wait":
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return nil, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the socket is left: %v", err)
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
	type point struct{ X, Y int }
	var got point
	if err := Call(t.Context(), path, "echo", point{1, 2}, &got); err != nil || got != (point{1, 2}) {
		t.Errorf("echo answers %v, %v", got, err)
	}
	if err := Call(t.Context(), path, "none", nil, nil); err != nil {
		t.Errorf("a method without an answer: %v", err)
	}
	for method, want := range map[string]Error{
		"fail": {"", "it failed"}, "coded": {"not_found", "there is none"}, "panic": {"internal", "a fault of the server: oh no"}, "odd": {"", ""},
	} {
		err := Call(t.Context(), path, method, nil, nil)
		var e *Error
		if !errors.As(err, &e) || e.Code != want.Code || !strings.HasPrefix(e.Message, want.Message) {
			t.Errorf("%s fails with %#v, want %+v", method, err, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Call(ctx, path, "wait", nil, nil); err == nil {
		t.Error("a call that was cancelled works")
	}
}

// Requests that make no sense are answered with what is wrong.
func TestOddRequests(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "socket")
	serve(t, path)
	for request, want := range map[string]string{
		"{\n":                      "the request is no JSON object",
		"[]\n":                     "the request is no JSON object",
		`{"method":"echo"}`:        "the line has no end",
		"{\"method\":1}\n":         "the request is no JSON object",
		strings.Repeat("x", 3<<20): "there are more than 2097152 bytes in one line",
	} {
		nc, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
		if err != nil {
			t.Fatal(err)
		}
		written := make(chan struct{})
		go func() {
			defer close(written)
			_, _ = io.WriteString(nc, request) // it may be refused before its end
			_ = nc.CloseWrite()
		}()
		line, err := readLine(nc, MaxAnswerBytes)
		if err != nil || !strings.Contains(string(line), want) {
			t.Errorf("%.20q… is answered with %s, %v; want %s", request, line, err, want)
		}
		_ = nc.Close()
		<-written
	}
}

func TestNoServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	long := filepath.Join(dir, strings.Repeat("d", 200), "socket")
	for _, path := range []string{filepath.Join(dir, "socket"), filepath.Join(dir, "none", "socket"), long} {
		if err := Call(t.Context(), path, "echo", nil, nil); !errors.Is(err, ErrNoServer) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
	// What a dead server left is no server, and is replaced.
	path := filepath.Join(dir, "stale")
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	ln.SetUnlinkOnClose(false)
	_ = ln.Close()
	if err := Call(t.Context(), path, "echo", nil, nil); !errors.Is(err, ErrNoServer) {
		t.Errorf("a stale socket: %v", err)
	}
	serve(t, path)
	if err := Call(t.Context(), path, "echo", nil, nil); err != nil {
		t.Errorf("after it was replaced: %v", err)
	}
	if _, err := Listen(path, nil); err == nil || !strings.Contains(err.Error(), "another server answers") {
		t.Errorf("a second server: %v", err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(file, nil); err == nil || !strings.Contains(err.Error(), "no socket: remove it") {
		t.Errorf("in place of a file: %v", err)
	}
	if _, err := Listen(filepath.Join(dir, "none", "socket"), nil); err == nil {
		t.Error("a server in a folder that is not there")
	}
}

// The address of a socket is short, the path of a folder need not be.
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
	if err := Call(t.Context(), path, "echo", nil, nil); err != nil {
		t.Error(err)
	}
}

// A client that says nothing keeps nobody waiting at the end.
func TestSilentClient(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "socket")
	serve(t, path)
	for range 2 * maxConns {
		nc, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = nc.Close() })
	}
}
