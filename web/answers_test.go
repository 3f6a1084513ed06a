package web_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
	"github.com/actionhero-go/actionhero/web"
)

// An action that fails before it has begun to write is answered with its error, and with none of the headers of the
// output that it prepared.
func TestAnErrorBeforeTheFirstByteIsAnswered(t *testing.T) {
	t.Parallel()
	prepared := func(write func(w http.ResponseWriter), fail func() error) func(context.Context) error {
		return func(ctx context.Context) error {
			w := web.Writer(ctx)
			for _, header := range []string{"Content-Type: text/event-stream", "Content-Length: 99", "Content-Encoding: gzip", "Etag: \"a\"", "Cache-Control: public, max-age=9"} {
				name, value, _ := strings.Cut(header, ": ")
				w.Header().Set(name, value)
			}
			write(w)
			return fail()
		}
	}
	nothing, early := func(http.ResponseWriter) {}, func(w http.ResponseWriter) { w.WriteHeader(http.StatusEarlyHints) }
	conflict := func() error { return actionhero.Errorf(actionhero.CodeConflict, "not now") }
	s := start(t, nil,
		does("coded", prepared(nothing, conflict)), does("early", prepared(early, conflict)), does("plain", prepared(nothing, func() error { return errors.New("no") })),
		does("wrongStatus", prepared(func(w http.ResponseWriter) { w.WriteHeader(1234) }, conflict)),
		does("panics", prepared(nothing, func() error { panic("no") })))
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for action, want := range map[string]string{
			"coded": `409 "error":"not now","errorCode":"conflict"`, "early": `409 "error":"not now"`, "plain": `500 "errorCode":"internal"`,
			"wrongStatus": `500 "errorCode":"internal"`, "panics": `500 "errorCode":"internal"`,
		} {
			got := c.Ask("GET", "/api/"+action, "")
			var status int
			_, _ = fmt.Sscan(want, &status)
			got.Want(t, status, want[len("500 "):])
			got.WantHeader(t, "Content-Type: application/json", "Content-Encoding", "Etag", "Cache-Control: private, no-store")
		}
	})
}

// A status that does not exist is an internal error with a line in the log, not a closed connection.
func TestWrongStatusesAreInternalErrors(t *testing.T) {
	t.Parallel()
	parts := actionhero.Parts{
		actionhero.Action[actionhero.None, *actionhero.Content]{Name: "content", Run: func(ctx context.Context, _ actionhero.None) (*actionhero.Content, error) {
			web.SetStatus(ctx, 1234)
			return &actionhero.Content{Body: strings.NewReader("x"), Size: 1}, nil
		}},
	}
	for _, status := range []int{-1, 0, 99, 100, 199, 600, 1234} {
		parts = append(parts, does(fmt.Sprint("set", status), noError(func(ctx context.Context) { web.SetStatus(ctx, status) })))
	}
	for _, status := range []int{0, 200, 299, 304, 400} {
		parts = append(parts, does(fmt.Sprint("redirect", status), noError(func(ctx context.Context) { web.Redirect(ctx, "/", status) })))
	}
	parts = append(parts, does("fine", noError(func(ctx context.Context) { web.SetStatus(ctx, 599) })))
	s := start(t, nil, parts)
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for _, action := range []string{"content", "set-1", "set0", "set99", "set100", "set199", "set600", "set1234", "redirect0", "redirect200", "redirect299", "redirect304", "redirect400"} {
			c.Ask("GET", "/api/"+action, "").Want(t, 500, `"error":"The server experienced an internal error","errorCode":"internal"`)
		}
		c.Ask("GET", "/api/fine", "").Want(t, 599, `"error":"OK"`)
		s.Log.Await(t, 1, "cause", "web.SetStatus was called with 1234: the status must be from 200 to 599")
	})
}

// The time limit of an action begins when its body has arrived.
func TestASlowBodyLeavesTheActionItsTime(t *testing.T) {
	t.Parallel()
	const limit = time.Second
	check := func(ctx context.Context) error { return ctx.Err() }
	s := start(t, func(cfg *server.Config) { cfg.General.ActionTimeout = limit }, does("check", check))
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for contentType, text := range map[string]string{isForm: "a=b", isJSON: `{"a":"b"}`, isParts: "--b\r\nContent-Disposition: form-data; name=a\r\n\r\nb\r\n--b--"} {
			in, out := io.Pipe()
			go func() {
				_, _ = io.WriteString(out, text[:3])
				<-time.After(limit + limit/4)
				_, _ = io.WriteString(out, text[3:])
				_ = out.Close()
			}()
			got := c.Send("POST", "/api/check", in, contentType)
			got.Want(t, 200, `"error":"OK"`)
		}
	})
}

// A request that a stop cancels is answered with 503 and the time to come back.
func TestARequestThatAStopCancelsIsAnswered(t *testing.T) {
	t.Parallel()
	begun := make(chan struct{}, 4)
	s := start(t, func(cfg *server.Config) { cfg.General.StopGrace = 50 * time.Millisecond }, does("wait", func(ctx context.Context) error {
		begun <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	}))
	clients := []*testkit.HTTPClient{s.HTTP(t), s.HTTP(t), s.HTTPS(t, false), s.HTTPS(t, true)}
	clients[1].Headers = []string{"Pragma: no-cache"}
	type answer struct {
		testkit.Reply
		err error
	}
	answers := make(chan answer, len(clients))
	for _, c := range clients {
		go func() {
			got, err := c.Try(t.Context(), "POST", "/api/wait", http.NoBody)
			answers <- answer{got, err}
		}()
		<-begun
	}
	s.Stop()
	for range clients {
		got := <-answers
		if got.err != nil {
			t.Errorf("there is no answer: %v", got.err)
			continue
		}
		got.Want(t, 503, `"errorCode":"unavailable","retryAfter":1}`)
		got.WantHeader(t, "Retry-After: 1")
	}
}

// A stream that ends when a stop begins does not use up the time of the stop.
func TestAStreamEndsWhenAStopBegins(t *testing.T) {
	t.Parallel()
	begun := make(chan struct{})
	s := start(t, func(cfg *server.Config) { cfg.General.StopGrace = 10 * testkit.Wait }, does("events", func(ctx context.Context) error {
		w := web.Writer(ctx)
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: 1\n\n")
		_ = http.NewResponseController(w).Flush()
		begun <- struct{}{}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-actionhero.RequestFrom(ctx).API.Stopping():
			return nil
		}
	}))
	ended := make(chan error, 1)
	go func() {
		_, err := s.HTTP(t).Try(t.Context(), "GET", "/api/events", http.NoBody)
		ended <- err
	}()
	<-begun
	s.Stop()
	if err := <-ended; err != nil {
		t.Errorf("the stream ends with %v", err)
	}
}

// A request has the trace id of traceparent or the id that a trusted proxy gave it, and the response names this id.
func TestRequestIDs(t *testing.T) {
	t.Parallel()
	id := does("id", func(ctx context.Context) error {
		return actionhero.Errorf(actionhero.CodeConflict, "%s", actionhero.RequestFrom(ctx).ID())
	})
	parts := actionhero.Parts{id, does("broken", func(context.Context) error { return errors.New("no") })}
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	trusting := start(t, func(cfg *server.Config) { cfg.CommonWeb.TrustedProxies = []string{"127.0.0.1"} }, parts)
	everywhere(t, trusting, func(t *testing.T, c *testkit.HTTPClient) {
		got := c.Ask("GET", "/api/id", "", "X-Request-Id: from-proxy")
		got.Want(t, 409, `"error":"from-proxy"`)
		got.WantHeader(t, "X-Request-Id: from-proxy")
		got = c.Ask("GET", "/api/id", "", "Traceparent: 00-"+trace+"-00f067aa0ba902b7-01", "X-Request-Id: from-proxy")
		got.Want(t, 409, `"error":"`+trace+`"`)
		got.WantHeader(t, "X-Request-Id: "+trace)
		c.Ask("GET", "/api/randomNumber", "").WantHeader(t, "X-Request-Id")
		c.Ask("GET", "/api/randomNumber", "", "X-Request-Id: a<b>").WantHeader(t, "X-Request-Id")
		if got := c.Ask("GET", "/api/broken", "").Header.Get("X-Request-Id"); len(got) != 32 || len(trusting.Log.With("request_id", got)) == 0 {
			t.Errorf("the log has no line of the request %q", got)
		}
	})
	start(t, nil, parts).HTTP(t).Ask("GET", "/api/id", "", "X-Request-Id: from-client").WantHeader(t, "X-Request-Id")
}
