package web_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/web"
)

// does returns an action without input and output.
func does(name string, run func(ctx context.Context) error) actionhero.Action[actionhero.None, actionhero.None] {
	return actionhero.Action[actionhero.None, actionhero.None]{
		Name: name,
		Run:  func(ctx context.Context, n actionhero.None) (actionhero.None, error) { return n, run(ctx) },
	}
}

// reads declares that an action has no effects.
func reads[In, Out any](action actionhero.Action[In, Out]) actionhero.Part {
	action.Kind = actionhero.KindRead
	return action
}

func noError(run func(ctx context.Context)) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		run(ctx)
		return nil
	}
}

// An action can set the status, headers and cookies of its response, and read those of the request.
func TestStatusAndHeaders(t *testing.T) {
	t.Parallel()
	s := start(t, nil,
		does("create", noError(func(ctx context.Context) {
			web.SetStatus(ctx, http.StatusCreated)
			web.Header(ctx).Set("Location", "/made")
			web.Header(ctx).Add("X-Many", "1")
			web.Header(ctx).Add("X-Many", "2")
			web.Header(ctx).Set("X-Powered-By", "me")
			web.SetCookie(ctx, &http.Cookie{Name: "a", Value: "b c", HttpOnly: true})
			web.SetCookie(ctx, &http.Cookie{Name: "d", Value: "e"})
		})),
		does("nothing", noError(func(ctx context.Context) { web.SetStatus(ctx, http.StatusNoContent) })),
		reads(does("made", noError(func(ctx context.Context) { web.SetStatus(ctx, http.StatusCreated) }))),
		does("read", func(ctx context.Context) error {
			r := web.Request(ctx)
			cookie, err := r.Cookie("session")
			if err != nil {
				return err
			}
			return actionhero.Errorf(actionhero.CodeInvalidInput, "%s %s %s %s %s", r.Method, r.URL.Path, cookie.Value, r.Header.Get("X-Any"), actionhero.RequestFrom(ctx).Header("x-any"))
		}),
	)
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for range 2 { // the headers of one call are not in the next answer
			got := c.Ask("GET", "/api/create", "")
			got.Want(t, 201, `"error":"OK"`)
			got.WantHeader(t, "Location: /made", "X-Many: 1 | 2", "X-Powered-By: me", `Set-Cookie: a="b c"; HttpOnly | d=e`, "Content-Type: application/json")
			c.Ask("GET", "/api/randomNumber", "").WantHeader(t, "Location", "X-Many", "Set-Cookie", "X-Powered-By: actionHero API")
		}
		if got := c.Ask("GET", "/api/nothing", ""); got.StatusCode != 204 || got.Text != "" {
			t.Errorf("no content is %d %q", got.StatusCode, got.Text)
		}
		c.Ask("PUT", "/api/read", "", "Cookie: session=s", "X-Any: x").Want(t, 400, `"error":"PUT /api/read s x x"`)
		c.Ask("GET", "/api/made?callback=f", "").Want(t, 200, `f({"serverInformation"`)
	})
}

func TestRedirect(t *testing.T) {
	t.Parallel()
	s := start(t, nil,
		does("away", noError(func(ctx context.Context) { web.Redirect(ctx, "https://example.com/?a=b", http.StatusSeeOther) })),
		does("near", noError(func(ctx context.Context) { web.Redirect(ctx, "other", http.StatusPermanentRedirect) })),
		does("failed", func(ctx context.Context) error {
			web.Redirect(ctx, "/", http.StatusFound)
			return actionhero.Errorf(actionhero.CodeConflict, "not now")
		}),
	)
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		got := c.Ask("POST", "/api/away", "")
		got.Want(t, 303, "")
		got.WantHeader(t, "Location: https://example.com/?a=b", "X-Powered-By: actionHero API")
		got = c.Ask("GET", "/api/near", "")
		got.Want(t, 308, "")
		got.WantHeader(t, "Location: /api/other")
		got = c.Ask("GET", "/api/failed", "")
		got.Want(t, 409, `"error":"not now"`)
		got.WantHeader(t, "Location")
	})
}

// An action can write its response in parts. The client receives each part when it is flushed.
func TestWriter(t *testing.T) {
	t.Parallel()
	next := make(chan string)
	s := start(t, nil,
		does("stream", func(ctx context.Context) error {
			w := web.Writer(ctx)
			w.Header().Set("Content-Type", "text/event-stream")
			w.WriteHeader(http.StatusAccepted)
			for text := range next {
				if text == "end" {
					break
				}
				if _, err := fmt.Fprintf(w, "data: %s\n", text); err != nil {
					return err
				}
				if err := http.NewResponseController(w).Flush(); err != nil {
					return err
				}
			}
			return actionhero.Errorf(actionhero.CodeConflict, "this is for the log")
		}),
		does("quiet", noError(func(ctx context.Context) { web.Writer(ctx) })),
	)
	for name, c := range map[string]*testkit.HTTPClient{"fast path": s.HTTP(t), "HTTP/2": s.HTTPS(t, true)} {
		resp, err := stream(t, c, next)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if resp.StatusCode != 202 || resp.Header.Get("Content-Type") != "text/event-stream" || resp.Header.Get("X-Powered-By") == "" {
			t.Errorf("%s: it begins with %d %v", name, resp.StatusCode, resp.Header)
		}
		in := bufio.NewReader(resp.Body)
		for _, text := range []string{"first", "second", "third"} {
			if text != "first" {
				next <- text
			}
			if line, err := in.ReadString('\n'); err != nil || line != "data: "+text+"\n" {
				t.Fatalf("%s: got %q, %v", name, line, err)
			}
		}
		next <- "end"
		if rest, err := io.ReadAll(in); err != nil || len(rest) > 0 {
			t.Errorf("%s: it ends with %q, %v", name, rest, err)
		}
		_ = resp.Body.Close()
		if got := c.Ask("GET", "/api/quiet", ""); got.StatusCode != 200 || got.Text != "" {
			t.Errorf("%s: nothing written is %d %q", name, got.StatusCode, got.Text)
		}
	}
}

// stream asks for the action "stream", which begins with the first part.
func stream(t *testing.T, c *testkit.HTTPClient, next chan<- string) (*http.Response, error) {
	t.Helper()
	go func() { next <- "first" }()
	return c.Client.Get(c.Base + "/api/stream")
}

// If an action fails after it began to write, the response does not look complete.
func TestWriterThatFails(t *testing.T) {
	t.Parallel()
	failing := func(flush bool, fail func() error) func(context.Context) error {
		return func(ctx context.Context) error {
			w := web.Writer(ctx)
			_, _ = io.WriteString(w, "part of it")
			if flush {
				_ = http.NewResponseController(w).Flush()
			}
			return fail()
		}
	}
	broken := func() error { return errors.New("the database is gone") }
	panics := func() error { panic("no") }
	s := start(t, nil,
		does("error", failing(false, broken)), does("errorLate", failing(true, broken)),
		does("panic", failing(false, panics)), does("panicLate", failing(true, panics)),
		does("late", failing(true, func() error { return context.DeadlineExceeded })),
		does("refused", failing(true, func() error { return actionhero.Errorf(actionhero.CodeConflict, "the whole of it") })),
	)
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for _, action := range []string{"error", "errorLate", "panic", "panicLate", "late"} {
			if got, err := c.Try(t.Context(), "GET", "/api/"+action, http.NoBody); err == nil {
				t.Errorf("%s is answered in full: %d %q", action, got.StatusCode, got.Text)
			}
		}
		c.Ask("GET", "/api/refused", "").Want(t, 200, "part of it")
		s.Log.Await(t, 1, "cause", "the database is gone")
	})
}

// Over other transports the functions of this package do nothing.
func TestOutsideOfHTTP(t *testing.T) {
	t.Parallel()
	action := actionhero.Action[actionhero.None, actionhero.None]{
		Name: "any",
		Run: func(ctx context.Context, n actionhero.None) (actionhero.None, error) {
			web.SetStatus(ctx, 201)
			web.Header(ctx).Set("A", "b")
			web.SetCookie(ctx, &http.Cookie{Name: "a", Value: "b"})
			web.Redirect(ctx, "/", 302)
			if web.Request(ctx) != nil || web.Writer(ctx) != nil || len(web.Header(ctx)) > 0 {
				return n, errors.New("there is something")
			}
			return n, nil
		},
	}
	s := start(t, nil, action)
	if _, err := action.Call(t.Context(), s.API, actionhero.None{}); err != nil {
		t.Error(err)
	}
	if web.Request(t.Context()) != nil {
		t.Error("a context that is no action's has a request")
	}
}

// An action can return content. If its body can seek, ranges are supported.
func TestContent(t *testing.T) {
	t.Parallel()
	content := func(name string, make func() *actionhero.Content) actionhero.Part {
		return actionhero.Action[actionhero.None, *actionhero.Content]{
			Name: name,
			Run: func(ctx context.Context, _ actionhero.None) (*actionhero.Content, error) {
				web.SetStatus(ctx, 203)
				return make(), nil
			},
		}
	}
	s := start(t, nil,
		content("seek", func() *actionhero.Content {
			return &actionhero.Content{Body: strings.NewReader("0123456789"), Name: "a.css", Size: 10}
		}),
		content("sized", func() *actionhero.Content {
			return &actionhero.Content{Body: chunked("0123456789"), Type: "x/y", Size: 10}
		}),
		content("endless", func() *actionhero.Content {
			return &actionhero.Content{Body: chunked(strings.Repeat("x", 100_000)), Size: -1}
		}),
		content("short", func() *actionhero.Content { return &actionhero.Content{Body: chunked("01234"), Size: 10} }),
		content("nothing", func() *actionhero.Content { return nil }),
	)
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		got := c.Ask("GET", "/api/seek", "")
		got.Want(t, 203, "0123456789")
		got.WantHeader(t, "Content-Type: text/css; charset=utf-8", "Accept-Ranges: bytes")
		c.Ask("GET", "/api/seek", "", "If-None-Match: "+got.Header.Get("Etag")).Want(t, 304, "")
		got = c.Ask("GET", "/api/seek", "", "Range: bytes=-3")
		got.Want(t, 206, "789")
		got.WantHeader(t, "Content-Range: bytes 7-9/10")
		got = c.Ask("GET", "/api/sized", "")
		got.Want(t, 203, "0123456789")
		got.WantHeader(t, "Content-Type: x/y", "Content-Length: 10", "Accept-Ranges")
		if got := c.Ask("HEAD", "/api/sized", ""); got.ContentLength != 10 || got.Text != "" {
			t.Errorf("HEAD is answered with %d bytes %q", got.ContentLength, got.Text)
		}
		if got := c.Ask("GET", "/api/endless", ""); len(got.Text) != 100_000 || got.Header.Get("Content-Type") != "application/octet-stream" {
			t.Errorf("got %d bytes of %s", len(got.Text), got.Header.Get("Content-Type"))
		}
		if got, err := c.Try(t.Context(), "GET", "/api/short", http.NoBody); err == nil {
			t.Errorf("content that is shorter than announced gets %d %q", got.StatusCode, got.Text)
		}
		c.Ask("GET", "/api/nothing", "").Want(t, 203, `"error":"OK"`)
	})
}
