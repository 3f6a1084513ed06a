package http1_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"
)

// A handler that keeps its writer and its body after it has returned gets errors: the next response and the next request
// on the connection are not its own.
func TestWriterAndBodyEndWithTheHandler(t *testing.T) {
	t.Parallel()
	type kept struct {
		w    http.ResponseWriter
		body io.ReadCloser
	}
	first := make(chan kept, 1)
	s := newServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/first" {
			first <- kept{w, r.Body}
			return
		}
		old := <-first
		control := http.NewResponseController(old.w)
		old.w.WriteHeader(http.StatusTeapot)
		_, writeErr := old.w.Write([]byte("late"))
		_, copyErr := old.w.(io.ReaderFrom).ReadFrom(strings.NewReader("late"))
		_, _, hijackErr := control.Hijack()
		for name, err := range map[string]error{
			"Write": writeErr, "ReadFrom": copyErr, "Hijack": hijackErr,
			"Flush": control.Flush(), "SetWriteDeadline": control.SetWriteDeadline(time.Unix(1, 0)),
		} {
			if err == nil {
				t.Errorf("a late %s has no error", name)
			}
		}
		if n, err := old.body.Read(make([]byte, 100)); n != 0 || !errors.Is(err, http.ErrBodyReadAfterClose) {
			t.Errorf("a late Read returns %d, %v", n, err)
		}
		text, err := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %v", text, err)
	}))
	nc := s.dial(t)
	in := bufio.NewReader(nc)
	for range 3 {
		fmt.Fprint(nc, "POST /first HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nfirst")
		expect(t, in, "")
		fmt.Fprint(nc, "POST /second HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nsecond")
		expect(t, in, "second <nil>")
	}
}

// A handler that has hijacked its connection has no body any more: its memory belongs to other connections.
func TestBodyEndsWithHijack(t *testing.T) {
	t.Parallel()
	s := newServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		nc, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer nc.Close()
		n, err := r.Body.Read(make([]byte, 100))
		fmt.Fprint(nc, n, err)
	}))
	nc := s.dial(t)
	fmt.Fprint(nc, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nfirst")
	if text, err := io.ReadAll(nc); err != nil || string(text) != "0 "+http.ErrBodyReadAfterClose.Error() {
		t.Errorf("read %q, %v", text, err)
	}
}

// The write deadline of one response does not end the next one.
func TestWriteDeadlineEndsWithTheResponse(t *testing.T) {
	t.Parallel()
	s := newServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/first" {
			fmt.Fprint(w, "first")
			_ = http.NewResponseController(w).Flush()
			_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(time.Second))
			return
		}
		deadline, cancel := context.WithTimeout(context.Background(), 1100*time.Millisecond)
		defer cancel()
		<-deadline.Done()
		fmt.Fprint(w, "second")
	}))
	nc := s.dial(t)
	in := bufio.NewReader(nc)
	fmt.Fprint(nc, "GET /first HTTP/1.1\r\nHost: x\r\n\r\n")
	expect(t, in, "first")
	fmt.Fprint(nc, "GET /second HTTP/1.1\r\nHost: x\r\n\r\n")
	expect(t, in, "second")
}

// A handler that ends its goroutine, as t.FailNow does, is answered, and the server keeps nothing of it: the Shutdown of
// the test's end does not wait.
func TestGoexitIsAnswered(t *testing.T) {
	t.Parallel()
	s := newServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/written":
			fmt.Fprint(w, "so far")
		case "/flushed":
			fmt.Fprint(w, "so far")
			_ = http.NewResponseController(w).Flush()
		case "/hijacked":
			nc, _, _ := http.NewResponseController(w).Hijack()
			defer nc.Close()
			fmt.Fprint(nc, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nso far")
		}
		runtime.Goexit()
	}))
	for path, want := range map[string]string{
		"/": "500  <nil>", "/written": "200 so far <nil>", "/flushed": "200 so far unexpected EOF", "/hijacked": "200 so far <nil>",
	} {
		nc := s.dial(t)
		in := bufio.NewReader(nc)
		fmt.Fprintf(nc, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path)
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if got := fmt.Sprintf("%d %s %v", resp.StatusCode, body, err); got != want {
			t.Errorf("%s: the response is %q, want %q", path, got, want)
		}
		if _, err := in.ReadByte(); err == nil {
			t.Errorf("%s: the connection is open", path)
		}
	}
}

// Empty lines before a request are ignored (RFC 9112 section 2.2): some clients send them after a body.
func TestEmptyLinesBeforeARequest(t *testing.T) {
	t.Parallel()
	s := newServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s%s", r.URL.Path, body)
	}))
	nc := s.dial(t)
	in := bufio.NewReader(nc)
	for _, empty := range []string{"\r\n", "\n", "\r\n\r\n\r\n", "\r"} {
		fmt.Fprint(nc, empty+"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"+empty+"GET /b HTTP/1.1\r\nHost: x\r\n\r\n")
		expect(t, in, "/abody")
		expect(t, in, "/b")
		fmt.Fprint(nc, empty) // alone in its packet
	}
	fmt.Fprint(nc, "GET /c HTTP/1.1\r\nHost: x\r\n\r\n")
	expect(t, in, "/c")
}

// A head whose lines end with bare line feeds goes to Fallback at once, wherever it is cut: its end would never be found.
func TestBareLineFeedsGoToFallback(t *testing.T) {
	t.Parallel()
	s := newServer(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the handler was called") }))
	for _, head := range []string{"GET / HTTP/1.1\nHost: x\n\n", "GET / HTTP/1.1\r\nHost: x\r\n\n", "GET / HTTP/1.1\r\nHost: x\n"} {
		for cut := 1; cut < len(head); cut += 3 {
			nc := s.dial(t)
			fmt.Fprint(nc, head[:cut])
			fmt.Fprint(nc, head[cut:])
			if read := <-s.fallbacks; !strings.HasPrefix(head, string(read)) {
				t.Errorf("Fallback got %q of %q", read, head)
			}
			_ = nc.Close()
		}
	}
}

// Control characters of a header that a handler sets do not reach the client.
func TestControlCharactersInHeaders(t *testing.T) {
	t.Parallel()
	s := newServer(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Any", "a\x00b\x7fc\r\nd\te\x1b")
	}))
	nc := s.dial(t)
	fmt.Fprint(nc, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(nc), nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if got := resp.Header.Get("X-Any"); got != "a b c  d\te" {
		t.Errorf("the header is %q", got)
	}
}
