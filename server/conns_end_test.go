package server_test

import (
	"context"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

// leavingLimits are the drivers of limits on clients that leave.
var leavingLimits = map[string]driver{
	"leavingClients": func(t *testing.T, l limit) {
		release := make(chan struct{})
		var leaving atomic.Int64
		s := limited(t, func(cfg *server.Config) { cfg.General.ActionTimeout = 20 * time.Millisecond }, actionhero.ConnMiddleware{
			Disconnect: func(context.Context, *actionhero.Conn, string) {
				leaving.Add(1)
				<-release
			},
		})
		t.Cleanup(sync.OnceFunc(func() { close(release) }))
		for range l.n {
			c := s.TCP(t)
			c.Send("quit\r\n")
			c.Rest()
			_ = c.Close()
		}
		testkit.Eventually(t, "all clients are leaving", func() bool { return int(leaving.Load()) == l.n })
		for name, c := range callers {
			if name == "tcp" { // the welcome of a client that is let in would be first
				read, _ := c.greet(t, s)
				l.wantCode(t, read())
				continue
			}
			read, _ := c.greet(t, s)
			until(t, read, "too many clients of this address have left at once: try again later")
		}
		release <- struct{}{}
		testkit.Eventually(t, "another client is welcome", func() bool {
			c, err := s.DialTCP()
			if err != nil {
				t.Fatal(err)
			}
			welcome := testkit.TCPOn(t, c).Next()
			return strings.Contains(welcome, `"welcome":`)
		})
	},
}

// The context of Connect ends when the client goes, so that clients that come back at once do not pile up calls of a slow
// Connect. The end is the client's: it has no reason.
func TestConnectEndsWithItsClient(t *testing.T) {
	t.Parallel()
	for name, c := range callers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var gone ends
			began, ended := make(chan bool, 1), make(chan error, 1)
			s := testkit.Start(t, testkit.Options{Parts: actionhero.Parts{
				actionhero.ConnMiddleware{Disconnect: func(_ context.Context, _ *actionhero.Conn, reason string) { gone.add("gone:" + reason) }},
				actionhero.ConnMiddleware{Connect: func(ctx context.Context, _ *actionhero.Conn, _ *actionhero.Handshake) error {
					began <- true
					<-ctx.Done()
					ended <- context.Cause(ctx)
					return ctx.Err()
				}},
			}})
			if name == "tcp" { // a client that closes only its side still reads: it must reset the connection
				nc, err := s.DialTCP()
				if err != nil {
					t.Fatal(err)
				}
				<-began
				_ = nc.(*net.TCPConn).SetLinger(0)
				_ = nc.Close()
			} else {
				_, end := c.greet(t, s)
				<-began
				var closing sync.WaitGroup
				defer closing.Wait()
				closing.Go(end) // waits for the server's close frame
			}
			if cause := <-ended; !strings.Contains(cause.Error(), "the connection of the client has ended") {
				t.Errorf("the context has ended with %v", cause)
			}
			testkit.Eventually(t, "the app knows that the client has left", func() bool { return gone.count("gone:") == 1 })
		})
	}
}

// A client that Connect closes is not let in: it enters no room, and the app does not meet it.
func TestAClientThatConnectClosesIsNotLetIn(t *testing.T) {
	t.Parallel()
	want := map[string]string{"tcp": "closed", "websocket": "4403 not you", "socketio": "41"}
	for name, c := range callers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var life ends
			s := testkit.Start(t, testkit.Options{Parts: actionhero.Parts{
				actionhero.ConnMiddleware{
					Connect: func(_ context.Context, c *actionhero.Conn, _ *actionhero.Handshake) error {
						c.Close("not you")
						return nil
					},
					Connected:  func(context.Context, *actionhero.Conn) { life.add("connected") },
					Disconnect: func(_ context.Context, _ *actionhero.Conn, reason string) { life.add(reason) },
				},
				actionhero.RoomMiddleware{Join: func(context.Context, *actionhero.Conn, string) error {
					life.add("joins")
					return nil
				}},
			}})
			read, _ := c.greet(t, s)
			text := read()
			if name == "socketio" {
				text = read()
			}
			if text != want[name] {
				t.Errorf("the client reads %q, want %q", text, want[name])
			}
			testkit.Eventually(t, "the app knows the end", func() bool { return life.count("not you") == 1 })
			if len(life.list) != 1 {
				t.Errorf("the app sees %q", life.list)
			}
			if len(s.Log.With("reason", "the client has gone")) > 0 {
				t.Error("the log says that the client has gone")
			}
		})
	}
}

// A client enters no room and receives nothing before Connect has accepted it, whatever Connect does.
func TestAClientThatIsNotAcceptedReadsNoMessages(t *testing.T) {
	t.Parallel()
	for name, c := range callers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := testkit.Start(t, testkit.Options{Parts: actionhero.Parts{
				actionhero.ConnMiddleware{Connect: func(ctx context.Context, c *actionhero.Conn, _ *actionhero.Handshake) error {
					rooms := c.API().Rooms
					for way, err := range map[string]error{"Join": rooms.Join(ctx, c, "own"), "Move": rooms.Move(ctx, c, "own")} {
						if err == nil || actionhero.AsError(err).Code != actionhero.CodeConflict {
							t.Errorf("%s in Connect returns %v", way, err)
						}
					}
					if err := rooms.Broadcast(ctx, "own", "for members alone"); err != nil {
						t.Error(err)
					}
					return nil
				}},
				actionhero.ConnMiddleware{Connect: func(context.Context, *actionhero.Conn, *actionhero.Handshake) error {
					return actionhero.Errorf(actionhero.CodePermissionDenied, "not you")
				}},
			}})
			read, _ := c.greet(t, s)
			text := read()
			if name == "socketio" {
				text = read()
			}
			if !strings.Contains(text, "not you") {
				t.Errorf("the client reads %s", text)
			}
		})
	}
}
