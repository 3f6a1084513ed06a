package http1_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"
)

// The context of a request ends when the client disconnects.
func TestContextEndsWithClient(t *testing.T) {
	t.Parallel()
	for name, wait := range map[string]func(context.Context){
		"Done": func(ctx context.Context) { <-ctx.Done() },
		"derived": func(ctx context.Context) {
			ctx, cancel := context.WithTimeout(ctx, time.Minute)
			defer cancel()
			<-ctx.Done()
		},
		"Err": func(ctx context.Context) {
			for ctx.Err() == nil {
				time.Sleep(time.Millisecond) // like a loop that polls its context
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begun, ended := make(chan struct{}), make(chan struct{})
			s := newServer(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				close(begun)
				wait(r.Context())
				close(ended)
			}))
			nc := s.dial(t)
			fmt.Fprint(nc, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			<-begun
			_ = nc.Close()
			<-ended
		})
	}
}

// A handler that uses its context loses neither the next request, which the client sends meanwhile, nor its own body.
func TestContextKeepsNextRequest(t *testing.T) {
	t.Parallel()
	next := make(chan struct{})
	s := newServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		if ctx.Err() != nil {
			t.Error("the context has ended")
		}
		if r.URL.Path == "/slow" {
			<-next
		}
		body, _ := io.ReadAll(r.Body)
		context.AfterFunc(ctx, func() { _ = ctx.Err() })
		fmt.Fprintf(w, "%s %s", r.URL.Path, body)
	}))
	nc := s.dial(t)
	in := bufio.NewReader(nc)
	for range 20 {
		fmt.Fprint(nc, "POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody")
		fmt.Fprint(nc, "GET /quick HTTP/1.1\r\nHost: x\r\n\r\n")
		next <- struct{}{}
		expect(t, in, "/slow body")
		expect(t, in, "/quick ")
	}
}

func TestContextEndsWithHandler(t *testing.T) {
	t.Parallel()
	contexts := make(chan context.Context, 2)
	s := newServer(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/used" && r.Context().Done() == nil {
			t.Error("the context never ends")
		}
		if r.Context().Value(http.LocalAddrContextKey) == nil {
			t.Error("the context has no local address")
		}
		contexts <- r.Context()
	}))
	nc := s.dial(t)
	in := bufio.NewReader(nc)
	for _, path := range []string{"/used", "/unused"} {
		fmt.Fprintf(nc, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path)
		expect(t, in, "")
		ctx := <-contexts
		<-ctx.Done()
		if ctx.Err() != context.Canceled {
			t.Errorf("%s: the context's error is %v", path, ctx.Err())
		}
	}
}

func TestHijack(t *testing.T) {
	t.Parallel()
	s := newServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		nc, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer nc.Close()
		line, err := rw.ReadString('\n')
		fmt.Fprintf(rw, "got %s%v", line, err)
		_ = rw.Flush()
		if _, err := w.Write([]byte("x")); err != http.ErrHijacked {
			t.Errorf("Write: %v", err)
		}
		if _, _, err := w.(http.Hijacker).Hijack(); err != http.ErrHijacked {
			t.Errorf("Hijack: %v", err)
		}
	}))
	nc := s.dial(t)
	fmt.Fprint(nc, "GET / HTTP/1.1\r\nHost: x\r\n\r\nhello\n")
	if text, err := io.ReadAll(nc); err != nil || string(text) != "got hello\n<nil>" {
		t.Errorf("the response is %q, %v", text, err)
	}
}

// Shutdown closes idle connections at once. It waits for a running request and then closes its connection.
func TestShutdown(t *testing.T) {
	t.Parallel()
	begun, release := make(chan struct{}), make(chan struct{})
	s := newServer(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(begun)
		<-release
		fmt.Fprint(w, "finished")
	}))
	idle, busy := s.dial(t), s.dial(t)
	fmt.Fprint(busy, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	<-begun
	done := make(chan error, 1)
	go func() { done <- s.Shutdown(context.Background()) }()
	if _, err := idle.Read(make([]byte, 1)); err == nil {
		t.Error("the idle connection is not closed")
	}
	close(release)
	in := bufio.NewReader(busy)
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	if body, _ := io.ReadAll(resp.Body); string(body) != "finished" || !resp.Close {
		t.Errorf("the response is %q, Close is %v", body, resp.Close)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// If its context ends, Shutdown closes the connections, and the contexts of the requests end.
func TestShutdownTimeout(t *testing.T) {
	t.Parallel()
	begun := make(chan struct{})
	s := newServer(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(begun)
		<-r.Context().Done()
	}))
	fmt.Fprint(s.dial(t), "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	<-begun
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Shutdown(ctx); err != context.Canceled {
		t.Errorf("Shutdown: %v", err)
	}
}
