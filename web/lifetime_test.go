package web_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/web"
)

// late uses a request and its writer after their end. It returns what must not have worked.
func late(w http.ResponseWriter, r *http.Request) (worked []string) {
	control := http.NewResponseController(w)
	w.Header().Set("X-Late", "late")
	w.WriteHeader(http.StatusTeapot)
	w.(http.Flusher).Flush()
	_, writeErr := w.Write([]byte("late"))
	_, copyErr := w.(io.ReaderFrom).ReadFrom(strings.NewReader("late"))
	_, _, hijackErr := control.Hijack()
	n, _ := r.Body.Read(make([]byte, 100))
	for name, err := range map[string]error{
		"Write": writeErr, "ReadFrom": copyErr, "Hijack": hijackErr, "Flush": control.Flush(), "EnableFullDuplex": control.EnableFullDuplex(),
		"SetWriteDeadline": control.SetWriteDeadline(time.Unix(1, 0)), "SetReadDeadline": control.SetReadDeadline(time.Unix(1, 0)),
	} {
		if err == nil {
			worked = append(worked, name)
		}
	}
	if n > 0 {
		worked = append(worked, "Read")
	}
	return worked
}

// What an action or a mounted handler keeps after its return leads to no other request: neither to its bytes nor to its
// connection.
func TestAClientNeverReadsAnothersBytes(t *testing.T) {
	t.Parallel()
	type kept struct {
		w   http.ResponseWriter
		r   *http.Request
		ctx context.Context
	}
	all := make(chan kept, 100)
	keep := func(ctx context.Context) { all <- kept{web.Writer(ctx), web.Request(ctx), ctx} }
	s := start(t, nil, does("keep", noError(keep)), routed("show", ""))
	err := s.Web.Mount("/mounted", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { all <- kept{w, r, r.Context()} }))
	if err != nil {
		t.Fatal(err)
	}
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for _, target := range []string{"/api/keep", "/mounted"} {
			if got := c.Ask("POST", target, `{"name":"first"}`, isJSON); got.StatusCode != 200 || got.Text != "" {
				t.Fatalf("%s is answered with %d %q", target, got.StatusCode, got.Text)
			}
			old := <-all
			if worked := late(old.w, old.r); len(worked) > 0 {
				t.Errorf("%s: after the end these work: %v", target, worked)
			}
			web.SetStatus(old.ctx, http.StatusTeapot)
			web.Redirect(old.ctx, "/", http.StatusFound)
			web.SetCookie(old.ctx, &http.Cookie{Name: "a", Value: "b"})
			web.Header(old.ctx).Set("X-Late", "late")
			got := c.Ask("POST", "/api/show", `{"name":"second"}`, isJSON)
			got.Want(t, 200, `{"got":"second|"`)
			got.WantHeader(t, "X-Late", "Set-Cookie", "Location")
		}
	})
}

// A goroutine of an action that writes and reads without end disturbs no other request.
func TestAGoroutineThatOutlivesItsAction(t *testing.T) {
	t.Parallel()
	var running sync.WaitGroup
	t.Cleanup(running.Wait)
	leave := noError(func(ctx context.Context) {
		w, r := web.Writer(ctx), web.Request(ctx)
		_ = http.NewResponseController(w).Flush()
		running.Go(func() {
			text := make([]byte, 50)
			for range 2000 {
				if _, err := w.Write([]byte("late ")); err != nil && !errors.Is(err, http.ErrBodyNotAllowed) {
					if n, err := r.Body.Read(text); n > 0 && err == nil && !strings.Contains("leave leave leave", string(text[:n])) {
						t.Errorf("it reads %q", text[:n])
					}
				}
				runtime.Gosched()
			}
		})
	})
	s := start(t, nil, does("leave", leave), routed("show", ""))
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for i := range 20 {
			if got := c.Ask("POST", "/api/leave", "leave leave leave", isForm); strings.Trim(got.Text, "late ") != "" {
				t.Errorf("the action is answered with %q", got.Text)
			}
			name := fmt.Sprint("ann", i)
			c.Ask("POST", "/api/show", "name="+name, isForm).Want(t, 200, `{"got":"`+name+`|"`)
		}
	})
}

// An action that ends its goroutine, as t.FailNow does in a test, is answered like one that panics, and keeps nothing: a
// stop does not wait for it.
func TestGoexitIsAnInternalError(t *testing.T) {
	t.Parallel()
	s := start(t, nil, does("leave", noError(func(context.Context) { runtime.Goexit() })),
		does("leaveLate", noError(func(ctx context.Context) {
			_, _ = io.WriteString(web.Writer(ctx), "part of it")
			_ = http.NewResponseController(web.Writer(ctx)).Flush()
			runtime.Goexit()
		})))
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for range 5 {
			got, err := c.Try(t.Context(), "POST", "/api/leave", strings.NewReader("a=b"), isForm)
			if got.Response == nil || got.ProtoMajor == 1 && err != nil { // over HTTP/2 the stream is reset after the answer
				t.Fatal(err)
			}
			got.Want(t, 500, `"error":"The server experienced an internal error"`)
			if got, err := c.Try(t.Context(), "GET", "/api/leaveLate", http.NoBody); err == nil {
				t.Errorf("a part is answered in full: %d %q", got.StatusCode, got.Text)
			}
			c.Ask("GET", "/api/randomNumber", "").Want(t, 200, `"error":"OK"`)
		}
	})
	t.Cleanup(func() { // after the subtests
		began := time.Now()
		s.Stop()
		if took := time.Since(began); took > testkit.Wait {
			t.Errorf("the stop takes %v", took)
		}
		if len(s.Log.With("action", "leave")) == 0 {
			t.Error("the log does not say which action")
		}
	})
}
