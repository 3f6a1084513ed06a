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

// The context of a request ends when the client goes away.
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
				time.Sleep(time.Millisecond) // as a loop of work would that asks now and then
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begun, ended := make(chan struct{}), make(chan struct{})
			e := newEngine(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				close(begun)
				wait(r.Context())
				close(ended)
			}))
			nc := e.dial(t)
			fmt.Fprint(nc, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			<-begun
			_ = nc.Close()
			<-ended
		})
	}
}

// A handler that looks at its context does not lose what the client sends meanwhile, nor the body it reads.
func TestContextLeavesNextRequest(t *testing.T) {
	t.Parallel()
	next := make(chan struct{})
	e := newEngine(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
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
	nc := e.dial(t)
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
	kept := make(chan context.Context, 2)
	e := newEngine(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/asked" && r.Context().Done() == nil {
			t.Error("the context never ends")
		}
		if r.Context().Value(http.LocalAddrContextKey) == nil {
			t.Error("the context has no local address")
		}
		kept <- r.Context()
	}))
	nc := e.dial(t)
	in := bufio.NewReader(nc)
	for _, path := range []string{"/asked", "/not"} {
		fmt.Fprintf(nc, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path)
		expect(t, in, "")
		ctx := <-kept
		<-ctx.Done()
		if ctx.Err() != context.Canceled {
			t.Errorf("%s: the context's error is %v", path, ctx.Err())
		}
	}
}

func TestHijack(t *testing.T) {
	t.Parallel()
	e := newEngine(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
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
	nc := e.dial(t)
	fmt.Fprint(nc, "GET / HTTP/1.1\r\nHost: x\r\n\r\nhello\n")
	if text, err := io.ReadAll(nc); err != nil || string(text) != "got hello\n<nil>" {
		t.Errorf("the answer is %q, %v", text, err)
	}
}

// A shutdown closes idle connections at once and lets a request finish, whose connection it then closes.
func TestShutdown(t *testing.T) {
	t.Parallel()
	begun, release := make(chan struct{}), make(chan struct{})
	e := newEngine(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(begun)
		<-release
		fmt.Fprint(w, "finished")
	}))
	idle, busy := e.dial(t), e.dial(t)
	fmt.Fprint(busy, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	<-begun
	done := make(chan error, 1)
	go func() { done <- e.Shutdown(context.Background()) }()
	if _, err := idle.Read(make([]byte, 1)); err == nil {
		t.Error("the idle connection goes on")
	}
	close(release)
	in := bufio.NewReader(busy)
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	if body, _ := io.ReadAll(resp.Body); string(body) != "finished" || !resp.Close {
		t.Errorf("the answer is %q, closing %v", body, resp.Close)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// A shutdown that is out of patience closes the connections, and the contexts end.
func TestShutdownOutOfTime(t *testing.T) {
	t.Parallel()
	begun := make(chan struct{})
	e := newEngine(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(begun)
		<-r.Context().Done()
	}))
	fmt.Fprint(e.dial(t), "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	<-begun
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := e.Shutdown(ctx); err != context.Canceled {
		t.Errorf("Shutdown: %v", err)
	}
}
