package web_test

import (
	"bufio"
	"context"
	"errors"
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

// streams returns the action "events", which begins a stream and then runs.
func streams(options web.EventOptions, run func(ctx context.Context, s *web.EventStream) error) actionhero.Action[actionhero.None, actionhero.None] {
	return actionhero.Action[actionhero.None, actionhero.None]{
		Name: "events", Route: "GET /events", Kind: actionhero.KindRead, Timeout: -1,
		Run: func(ctx context.Context, none actionhero.None) (actionhero.None, error) {
			s, err := web.Events(ctx, options)
			if err != nil {
				return none, err
			}
			return none, run(ctx, s)
		},
	}
}

// open opens a stream and returns its response.
func open(t *testing.T, c *testkit.HTTPClient) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", c.Base+"/events", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for _, header := range c.Headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Set(name, value)
	}
	resp, err := c.Client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

// An event is sent in the form that browsers read, with each line of its data, and never with the lines of another event.
func TestEvents(t *testing.T) {
	t.Parallel()
	sent := []web.Event{
		{Data: "one line"}, {Data: "two\nlines\r\nand\rmore\n"}, {Data: ""}, {Name: "ping"}, {Data: []byte(" bytes")},
		{ID: "7 é", Name: "price", Data: map[string]any{"a": []int{1, 2}, "b": "x\ny"}, Retry: 1500 * time.Microsecond},
		{Retry: time.Second}, {ID: "8"}, {}, {Data: strings.Repeat("long ", 20_000)},
	}
	want := "data: one line\n\ndata: two\ndata: lines\ndata: and\ndata: more\ndata: \n\ndata: \n\nevent: ping\ndata: \n\ndata:  bytes\n\n" +
		"id: 7 é\nevent: price\nretry: 2\ndata: {\"a\":[1,2],\"b\":\"x\\ny\"}\n\nretry: 1000\n\nid: 8\n\ndata: " + strings.Repeat("long ", 20_000) + "\n\n"
	wrong := []web.Event{{ID: "a\nb", Data: 1}, {ID: "a\rb", Data: 1}, {ID: "a\x00", Data: 1}, {Name: "a\ndata: b", Data: 1}, {Data: make(chan int)}}
	for name, change := range map[string]func(*server.Config){"classic": nil, "plain": plain} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, change, streams(web.EventOptions{}, func(_ context.Context, s *web.EventStream) error {
				for i := range max(len(sent), len(wrong)) {
					if i < len(wrong) && actionhero.AsError(s.Send(wrong[i])).Code != actionhero.CodeInternal {
						t.Errorf("the event %v is sent", wrong[i])
					}
					if err := s.Send(sent[i]); err != nil {
						t.Errorf("%v: %v", sent[i], err)
					}
				}
				return s.Send(web.Event{Name: "last", Data: s.LastID()})
			}))
			everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
				got := c.Ask("GET", "/events", "", "Accept: text/event-stream", "Accept-Encoding: gzip, zstd", "Last-Event-ID: 42")
				got.WantHeader(t, "Content-Type: text/event-stream", "Cache-Control: no-store, no-transform", "X-Accel-Buffering: no", "Content-Encoding")
				if all := want + "event: last\ndata: 42\n\n"; got.StatusCode != 200 || got.Text != all {
					t.Errorf("%d, %d bytes of %d: %.300q", got.StatusCode, len(got.Text), len(all), got.Text)
				}
			})
		})
	}
}

// A stream of events goes on while its client is there, and is kept open by comments. It ends when the client leaves, at
// the time limit of its action, and at once with its headers for HEAD.
func TestAStreamOfEventsEndsWithItsClient(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	action := streams(web.EventOptions{Heartbeat: time.Millisecond}, func(ctx context.Context, s *web.EventStream) error {
		<-ctx.Done()
		err := s.Send(web.Event{Data: "late"})
		ended <- err
		return err
	})
	s := start(t, nil, action)
	for name, connect := range map[string]func() *testkit.HTTPClient{
		"fast path": func() *testkit.HTTPClient { return s.HTTP(t) },
		"net/http": func() *testkit.HTTPClient {
			c := s.HTTP(t)
			c.Headers = []string{"Pragma: no-cache"}
			return c
		},
		"HTTPS": func() *testkit.HTTPClient { return s.HTTPS(t, false) }, "HTTP/2": func() *testkit.HTTPClient { return s.HTTPS(t, true) },
	} {
		c := connect()
		resp := open(t, c)
		in := bufio.NewReader(resp.Body)
		for range 3 {
			if text, err := in.Peek(3); err != nil || string(text) != ":\n\n" {
				t.Fatalf("%s: the heartbeat is %q, %v", name, text, err)
			}
			_, _ = in.Discard(3)
		}
		_ = resp.Body.Close()
		if err := <-ended; !errors.Is(err, context.Canceled) || actionhero.AsError(err).Code != actionhero.CodeCanceled {
			t.Errorf("%s: after the client has left, an event is sent: %v", name, err)
		}
		if head := c.Ask("HEAD", "/events", ""); head.StatusCode != 200 || head.Text != "" || head.Header.Get("Content-Type") != "text/event-stream" {
			t.Errorf("%s: HEAD is answered with %d %q", name, head.StatusCode, head.Text)
		}
		<-ended
	}
	action.Timeout = 10 * time.Millisecond
	limited := start(t, nil, action)
	for _, c := range []*testkit.HTTPClient{limited.HTTP(t), limited.HTTPS(t, false), limited.HTTPS(t, true)} {
		if text, err := io.ReadAll(open(t, c).Body); err != nil || strings.Trim(string(text), ":\n") != "" {
			t.Errorf("a stream with a time limit ends with %q, %v", text, err)
		}
		<-ended
	}
}

// A stream of events ends when the identity of its client expires, so that the client has to show its credentials again.
func TestAStreamOfEventsEndsWithTheIdentityOfItsClient(t *testing.T) {
	t.Parallel()
	expires := actionhero.Authenticator(func(context.Context, *actionhero.Credentials) (actionhero.Identity, error) {
		return actionhero.Identity{ID: "ann", ExpiresAt: time.Now().Add(20 * time.Millisecond)}, nil
	})
	s := start(t, nil, expires, actionhero.DefaultAccess(actionhero.Public), streams(web.EventOptions{Heartbeat: -1}, func(ctx context.Context, _ *web.EventStream) error {
		if actionhero.IdentityFrom(ctx).Known() { // else it has expired before the stream began
			<-ctx.Done()
		}
		return nil
	}))
	for _, c := range []*testkit.HTTPClient{s.HTTP(t), s.HTTPS(t, true)} {
		if text, err := io.ReadAll(open(t, c).Body); err != nil || len(text) > 0 {
			t.Errorf("the stream ends with %q, %v", text, err)
		}
	}
}

// A stop of the server ends the streams of events at once, and they end as a whole.
func TestAStopEndsStreamsOfEvents(t *testing.T) {
	t.Parallel()
	s := start(t, func(cfg *server.Config) { cfg.General.StopGrace = time.Hour }, streams(web.EventOptions{Heartbeat: -1}, func(ctx context.Context, s *web.EventStream) error {
		if err := s.Send(web.Event{Data: "hello"}); err != nil {
			return err
		}
		<-ctx.Done()
		return ctx.Err()
	}))
	bodies := map[string]io.Reader{}
	slow := s.HTTP(t)
	slow.Headers = []string{"Pragma: no-cache"}
	for name, c := range map[string]*testkit.HTTPClient{"fast path": s.HTTP(t), "net/http": slow, "HTTPS": s.HTTPS(t, false), "HTTP/2": s.HTTPS(t, true)} {
		in := bufio.NewReader(open(t, c).Body)
		if line, err := in.ReadString('\n'); err != nil || line != "data: hello\n" {
			t.Fatalf("%s: %q, %v", name, line, err)
		}
		bodies[name] = in
	}
	s.Stop()
	for name, in := range bodies {
		if text, err := io.ReadAll(in); err != nil || string(text) != "\n" {
			t.Errorf("%s: the stream ends with %q, %v", name, text, err)
		}
	}
}

// A client that does not read its events is disconnected, and its action ends.
func TestAClientThatReadsNoEventsIsDisconnected(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	s := start(t, func(cfg *server.Config) { cfg.CommonWeb.WriteTimeout = 50 * time.Millisecond }, streams(web.EventOptions{}, func(_ context.Context, s *web.EventStream) (err error) {
		for err == nil {
			err = s.Send(web.Event{Data: strings.Repeat("x", 64<<10)})
		}
		ended <- err
		return err
	}))
	slow := s.HTTP(t)
	slow.Headers = []string{"Pragma: no-cache"}
	for name, c := range map[string]*testkit.HTTPClient{"fast path": s.HTTP(t), "net/http": slow, "HTTPS": s.HTTPS(t, false), "HTTP/2": s.HTTPS(t, true)} {
		resp := open(t, c)
		if err := <-ended; actionhero.AsError(err).Code != actionhero.CodeCanceled {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err == nil {
			t.Errorf("%s: the stream ends as if it were complete", name)
		}
	}
}

// Events fail where there is no stream, and nothing can be sent when the action has returned.
func TestEventsNeedAStream(t *testing.T) {
	t.Parallel()
	kept := make(chan *web.EventStream, 10)
	s := start(t, nil, streams(web.EventOptions{}, func(ctx context.Context, s *web.EventStream) error {
		if _, err := web.Events(ctx, web.EventOptions{}); err == nil {
			t.Error("a second stream begins")
		}
		kept <- s
		return nil
	}), does("written", func(ctx context.Context) error {
		_, _ = io.WriteString(web.Writer(ctx), "written")
		_, err := web.Events(ctx, web.EventOptions{})
		return err
	}), streamsThatFail)
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		c.Ask("GET", "/events", "").Want(t, 200, "")
		if err := (<-kept).Send(web.Event{Data: "late"}); !errors.Is(err, context.Canceled) {
			t.Errorf("after the action has returned: %v", err)
		}
		if got, err := c.Try(t.Context(), "POST", "/api/written", http.NoBody); err == nil {
			t.Errorf("events after a written response: %d %q", got.StatusCode, got.Text)
		}
		if got, err := c.Try(t.Context(), "GET", "/api/fails", http.NoBody); err == nil {
			t.Errorf("events of an action that fails: %d %q", got.StatusCode, got.Text)
		}
	})
	for name, client := range map[string]testkit.Client{"TCP": s.TCP(t), "WebSocket": s.WS(t), "Socket.IO": s.SIO(t)} {
		if got := client.Do("events", nil); got.Error != "events are sent over HTTP only" {
			t.Errorf("%s: %s", name, got.JSON)
		}
	}
}

// streamsThatFail is an action that fails after an event.
var streamsThatFail = actionhero.Action[actionhero.None, actionhero.None]{
	Name: "fails", Kind: actionhero.KindRead,
	Run: func(ctx context.Context, none actionhero.None) (actionhero.None, error) {
		s, err := web.Events(ctx, web.EventOptions{})
		if err == nil {
			err = s.Send(web.Event{Data: "first"})
		}
		return none, errors.Join(err, errors.New("a failure"))
	},
}
