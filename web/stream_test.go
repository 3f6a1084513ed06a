package web_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
	"github.com/actionhero-go/actionhero/web"
)

// byHeader believes the header X-As.
var byHeader = actionhero.Authenticator(func(_ context.Context, c *actionhero.Credentials) (actionhero.Identity, error) {
	return actionhero.Identity{ID: c.Header("X-As")}, nil
})

// said reads the first line of a stream, which begins with an event.
func said(t *testing.T, c *testkit.HTTPClient) *bufio.Reader {
	t.Helper()
	in := bufio.NewReader(open(t, c).Body)
	if line, err := in.ReadString('\n'); err != nil || line != "data: hello\n" {
		t.Fatalf("%q, %v", line, err)
	}
	return in
}

// greets is a stream that says hello and waits.
func greets(before func(ctx context.Context)) actionhero.Part {
	return actionhero.Action[actionhero.None, actionhero.None]{
		Name: "events", Route: "GET /events", Kind: actionhero.KindRead, Timeout: -1,
		Run: func(ctx context.Context, none actionhero.None) (actionhero.None, error) {
			before(ctx)
			s, err := web.Events(ctx, web.EventOptions{Heartbeat: -1})
			if err == nil {
				_ = s.Send(web.Event{Data: "hello"})
				<-ctx.Done()
			}
			return none, err
		},
	}
}

// The streams of a user end at once when the user is locked out or gets new roles. Those of others go on.
func TestAStreamEndsWhenItsUserChanges(t *testing.T) {
	t.Parallel()
	s := start(t, nil, byHeader, actionhero.DefaultAccess(actionhero.Public), greets(func(context.Context) {}))
	as := func(user string, c *testkit.HTTPClient) *testkit.HTTPClient {
		c.Headers = []string{"X-As: " + user}
		return c
	}
	bob := said(t, as("bob", s.HTTP(t)))
	for name, change := range map[string]func(u actionhero.UserConns) (int, error){
		"close": func(u actionhero.UserConns) (int, error) { return u.Close(t.Context(), "locked out") },
		"roles": func(u actionhero.UserConns) (int, error) {
			return u.SetIdentity(t.Context(), actionhero.Identity{ID: "ann", Roles: []string{"new"}})
		},
	} {
		var ins []*bufio.Reader
		for _, c := range []*testkit.HTTPClient{s.HTTP(t), s.HTTPS(t, false), s.HTTPS(t, true)} {
			ins = append(ins, said(t, as("ann", c)))
		}
		if n, err := change(s.API.Conns.User("ann")); n != 0 || err != nil {
			t.Errorf("%s: %d, %v", name, n, err)
		}
		for _, in := range ins {
			if text, err := io.ReadAll(in); err != nil || string(text) != "\n" {
				t.Errorf("%s: the stream ends with %q, %v", name, text, err)
			}
		}
	}
	if _, err := s.API.Conns.User("bob").Close(t.Context(), "you, too"); err != nil {
		t.Error(err)
	}
	if text, err := io.ReadAll(bob); err != nil || string(text) != "\n" {
		t.Errorf("the stream of bob ends with %q, %v", text, err)
	}
}

// A change of the user between the identification of the request and the begin of its stream ends the stream. The action
// itself may end the other streams of its user.
func TestAStreamDoesNotMissAChangeOfItsUser(t *testing.T) {
	t.Parallel()
	for name, own := range map[string]bool{"by another": false, "by the action": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, nil, byHeader, actionhero.DefaultAccess(actionhero.Public), greets(func(ctx context.Context) {
				api := actionhero.RequestFrom(ctx).API
				if !own {
					ctx = context.WithoutCancel(t.Context())
				}
				if _, err := api.Conns.User("ann").Close(ctx, "elsewhere"); err != nil {
					t.Error(err)
				}
			}))
			c := s.HTTP(t)
			c.Headers = []string{"X-As: ann"}
			if !own {
				if text, err := io.ReadAll(open(t, c).Body); err != nil || strings.Contains(string(text), "hello") {
					t.Errorf("the stream has %q, %v", text, err)
				}
				return
			}
			first := said(t, c)
			second := s.HTTP(t)
			second.Headers = c.Headers
			said(t, second)
			if text, err := io.ReadAll(first); err != nil || string(text) != "\n" {
				t.Errorf("the first stream ends with %q, %v", text, err)
			}
		})
	}
}

// A StreamMiddleware refuses a stream with its error, hears of its end, and can end it.
func TestAStreamMiddlewareMeetsStreams(t *testing.T) {
	t.Parallel()
	var begun, ended atomic.Int64
	met := make(chan *actionhero.Stream, 1)
	s := start(t, nil, byHeader, actionhero.DefaultAccess(actionhero.Public), greets(func(context.Context) {}), actionhero.StreamMiddleware{
		Begin: func(ctx context.Context, s *actionhero.Stream) error {
			begun.Add(1)
			switch who := actionhero.IdentityFrom(ctx); {
			case who.ID != s.Request.Identity().ID:
				t.Errorf("the context has %+v", who)
			case who.ID == "eve":
				return actionhero.Errorf(actionhero.CodePermissionDenied, "not you")
			case who.ID == "bug":
				panic("a bug")
			}
			met <- s
			return nil
		},
		End: func(*actionhero.Stream) { ended.Add(1) },
	})
	c := s.HTTP(t)
	c.Ask("GET", "/events", "", "X-As: eve").Want(t, http.StatusForbidden, "not you")
	c.Ask("GET", "/events", "", "X-As: bug").Want(t, http.StatusInternalServerError, "")
	in := said(t, c)
	(<-met).End()
	if text, err := io.ReadAll(in); err != nil || string(text) != "\n" {
		t.Errorf("the stream ends with %q, %v", text, err)
	}
	testkit.Eventually(t, "each stream has ended", func() bool { return ended.Load() == 3 })
	if n := begun.Load(); n != 3 {
		t.Errorf("%d streams have begun", n)
	}
}

// Of two goroutines of an action that begin events at once, one does.
func TestEventsBeginOnce(t *testing.T) {
	t.Parallel()
	s := start(t, nil, actionhero.Action[actionhero.None, actionhero.None]{
		Name: "events", Route: "GET /events", Kind: actionhero.KindRead,
		Run: func(ctx context.Context, none actionhero.None) (actionhero.None, error) {
			var both sync.WaitGroup
			for range 4 {
				both.Go(func() {
					if s, err := web.Events(ctx, web.EventOptions{}); err == nil {
						_ = s.Send(web.Event{Data: "one"})
					}
				})
			}
			both.Wait()
			return none, nil
		},
	})
	for range 20 {
		if got := s.HTTP(t).Ask("GET", "/events", ""); got.Text != "data: one\n\n" {
			t.Fatalf("the client reads %q", got.Text)
		}
	}
}

// The end of the identity reaches an action whose event waits for a client that does not read.
func TestAClientThatDoesNotReadDoesNotDelayTheEndOfAStream(t *testing.T) {
	t.Parallel()
	over, goOn := make(chan struct{}), make(chan struct{})
	s := start(t, func(cfg *server.Config) { cfg.CommonWeb.WriteTimeout = time.Minute }, actionhero.Action[actionhero.None, actionhero.None]{
		Name: "events", Route: "GET /events", Kind: actionhero.KindRead, Timeout: -1,
		Run: func(ctx context.Context, none actionhero.None) (actionhero.None, error) {
			s, err := web.Events(ctx, web.EventOptions{Heartbeat: time.Millisecond})
			if err != nil {
				return none, err
			}
			go func() {
				<-ctx.Done()
				close(over)
			}()
			close(goOn)
			for err == nil {
				err = s.Send(web.Event{Data: strings.Repeat("x", 64<<10)})
			}
			return none, nil
		},
	}, byHeader, actionhero.DefaultAccess(actionhero.Public))
	c := s.HTTP(t)
	c.Headers = []string{"X-As: ann"}
	resp := open(t, c)
	<-goOn
	if _, err := s.API.Conns.User("ann").Close(t.Context(), "locked out"); err != nil {
		t.Error(err)
	}
	<-over // long before the time limit of a write
	_ = resp.Body.Close()
}
