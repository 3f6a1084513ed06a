package server_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/coder/websocket"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
)

// guest is the value that the tests keep for connections.
var guest actionhero.ConnValue[string]

// ends collects the ends of connections.
type ends struct {
	mu   sync.Mutex
	list []string
}

func (e *ends) add(text string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, text)
}

func (e *ends) count(text string) (n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, end := range e.list {
		if end == text {
			n++
		}
	}
	return n
}

// caller is a client of one persistent transport that shows its handshake and has read nothing yet.
type caller struct {
	hello string // the handshake that the app sees
	greet func(t testing.TB, s *testkit.Server) (read func() string, end func())
}

// greeted connects over a WebSocket with a header, and sends first.
func greeted(path, first string) func(testing.TB, *testkit.Server) (func() string, func()) {
	return func(t testing.TB, s *testkit.Server) (func() string, func()) {
		header := http.Header{"X-Key": {"k"}, "Cookie": {`a=b; session="s1"`}}
		c := testkit.DialSocket(t, "ws://"+s.Web.Addr().String()+path, &websocket.DialOptions{HTTPHeader: header})
		if first != "" {
			c.Send(first)
		}
		return func() string {
			_, text, err := c.Read(t.Context())
			if closed := (websocket.CloseError{}); errors.As(err, &closed) {
				return fmt.Sprintf("%d %s", closed.Code, closed.Reason)
			}
			return string(text)
		}, func() { _ = c.Close(websocket.StatusNormalClosure, "") }
	}
}

var callers = map[string]caller{
	"tcp": {`tcp key="" session="" room="" auth=`, func(t testing.TB, s *testkit.Server) (func() string, func()) {
		nc, err := s.DialTCP()
		if err != nil {
			t.Fatal(err)
		}
		c := testkit.TCPOn(t, nc)
		return func() string {
			line, err := c.Line()
			if err != nil {
				return "closed"
			}
			return line
		}, func() { _ = nc.Close() }
	}},
	"websocket": {`websocket key="k" session="s1" room="r" auth=`, greeted(testkit.WSPath+"?room=r", "")},
	"socketio":  {`socketio key="k" session="s1" room="r" auth={"token":"t"}`, greeted(testkit.SIOPath+"&room=r", `40{"token":"t"}`)},
}

// shown returns the handshake as text.
func shown(c *actionhero.Conn, h *actionhero.Handshake) string {
	return fmt.Sprintf("%s key=%q session=%q room=%q auth=%s", c.Transport, h.Header.Get("X-Key"), h.Cookie("session"), h.Query.Get("room"), h.Auth)
}

// until reads messages up to one that contains part, and returns it.
func until(t testing.TB, read func() string, part string) string {
	t.Helper()
	for range 10 {
		text := read()
		if strings.Contains(text, part) {
			return text
		}
	}
	t.Fatalf("no message contains %q", part)
	return ""
}

// The app sees what a client sends to connect, keeps a value for it, and learns that and why it has gone.
func TestTheAppMeetsEachClient(t *testing.T) {
	t.Parallel()
	for name, c := range callers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var gone ends
			var last atomic.Pointer[actionhero.Conn]
			s := testkit.Start(t, testkit.Options{Parts: actionhero.Parts{actionhero.ConnMiddleware{
				Connect: func(_ context.Context, c *actionhero.Conn, h *actionhero.Handshake) error {
					if c.Room() != "" {
						t.Error("a client is in a room before the app has met it")
					}
					guest.Set(c, shown(c, h))
					last.Store(c)
					return nil
				},
				Connected: func(ctx context.Context, c *actionhero.Conn) {
					value, _ := guest.Get(c)
					if err := c.API().Rooms.Join(ctx, c, "own"); err != nil || c.Room() != "defaultRoom" {
						t.Errorf("after the welcome the client is in %q, %v", c.Room(), err)
					}
					if err := c.API().Rooms.SendTo(ctx, c.ID, value); err != nil {
						t.Error(err)
					}
				},
				Disconnect: func(ctx context.Context, c *actionhero.Conn, reason string) {
					value, ok := guest.Get(c)
					if !ok || len(c.Rooms()) > 0 || ctx.Err() != nil {
						t.Errorf("the value %v of a client that has gone, in the rooms %v, %v", ok, c.Rooms(), ctx.Err())
					}
					gone.add(reason + "|" + value)
				},
			}}})
			read, end := c.greet(t, s)
			until(t, read, `"welcome":`)
			until(t, read, strings.ReplaceAll(c.hello, `"`, `\"`))
			end()
			testkit.Eventually(t, "the app knows that the client has left", func() bool { return gone.count("|"+c.hello) == 1 })
			read, _ = c.greet(t, s)
			until(t, read, `"welcome":`)
			last.Load().Close("enough")
			testkit.Eventually(t, "the app knows why the client was closed", func() bool { return gone.count("enough|"+c.hello) == 1 })
			read, _ = c.greet(t, s)
			until(t, read, `"welcome":`)
			s.Stop()
			if n := gone.count("the server is stopping|" + c.hello); n != 1 || len(gone.list) != 3 {
				t.Errorf("after the stop, the ends are %q", gone.list)
			}
		})
	}
}

// A client that the app refuses reads why, in the form of its transport, and nothing else. The middlewares that have met
// it hear that it has gone, the others do not.
func TestAClientThatTheAppRefusesReadsWhy(t *testing.T) {
	t.Parallel()
	refusals := []struct {
		err  error
		want map[string]string
	}{
		{actionhero.Errorf(actionhero.CodeUnauthenticated, "log in first"), map[string]string{
			"tcp":       `{"context":"response","error":"log in first","messageCount":0,"errorCode":"unauthenticated"}`,
			"websocket": "4401 log in first",
			"socketio":  `44{"message":"log in first","data":{"errorCode":"unauthenticated"}}`,
		}},
		{actionhero.Errorf(actionhero.CodePermissionDenied, "not you"), map[string]string{
			"tcp":       `{"context":"response","error":"not you","messageCount":0,"errorCode":"permissionDenied"}`,
			"websocket": "4403 not you",
			"socketio":  `44{"message":"not you","data":{"errorCode":"permissionDenied"}}`,
		}},
		{errors.New("the database says: secret"), map[string]string{
			"tcp":       `{"context":"response","error":"The server experienced an internal error","messageCount":0,"errorCode":"internal"}`,
			"websocket": "1013 The server experienced an internal error",
			"socketio":  `44{"message":"The server experienced an internal error","data":{"errorCode":"internal"}}`,
		}},
	}
	for name, c := range callers {
		for _, refusal := range refusals {
			t.Run(name+" "+refusal.err.Error(), func(t *testing.T) {
				t.Parallel()
				var gone ends
				count := func(name string) func(context.Context, *actionhero.Conn, string) {
					return func(context.Context, *actionhero.Conn, string) { gone.add(name) }
				}
				s := testkit.Start(t, testkit.Options{Parts: actionhero.Parts{
					actionhero.ConnMiddleware{Disconnect: count("met")},
					actionhero.ConnMiddleware{Connect: func(_ context.Context, c *actionhero.Conn, _ *actionhero.Handshake) error {
						if n, err := c.API().Rooms.BroadcastNode(t.Context(), map[string]string{"news": "for all"}); n != 0 || err != nil {
							t.Errorf("a client that is not accepted hears a notice: %d, %v", n, err)
						}
						return refusal.err
					}, Disconnect: count("refused")},
					actionhero.ConnMiddleware{
						Connect: func(context.Context, *actionhero.Conn, *actionhero.Handshake) error {
							gone.add("asked too much")
							return nil
						},
						Connected:  func(context.Context, *actionhero.Conn) { gone.add("connected") },
						Disconnect: count("not met"),
					},
				}})
				read, _ := c.greet(t, s)
				text := read()
				if name == "socketio" { // the open packet of Engine.IO comes first
					text = read()
				}
				if text != refusal.want[name] {
					t.Errorf("got  %s\nwant %s", text, refusal.want[name])
				}
				testkit.Eventually(t, "the client has gone", func() bool { return gone.count("met") == 1 })
				if len(gone.list) != 1 {
					t.Errorf("the middlewares hear %q", gone.list)
				}
			})
		}
	}
}

// A user who is locked out while a client connects does not come in, and the client reads why.
func TestAUserWhoIsLockedOutDuringTheConnectReadsWhy(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"tcp":       `{"context":"response","error":"locked out","messageCount":0,"errorCode":"permissionDenied"}`,
		"websocket": "4403 locked out",
		"socketio":  `44{"message":"locked out","data":{"errorCode":"permissionDenied"}}`,
	}
	for name, c := range callers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var gone ends
			s := testkit.Start(t, testkit.Options{Parts: actionhero.Parts{
				actionhero.DefaultAccess(actionhero.Public),
				actionhero.Authenticator(func(_ context.Context, c *actionhero.Credentials) (actionhero.Identity, error) {
					_, err := c.API.Conns.User("ann").Close(t.Context(), "locked out") // after the password was found right
					return actionhero.Identity{ID: "ann"}, err
				}),
				actionhero.ConnMiddleware{
					Connected:  func(context.Context, *actionhero.Conn) { gone.add("connected") },
					Disconnect: func(_ context.Context, _ *actionhero.Conn, reason string) { gone.add(reason) },
				},
			}})
			read, _ := c.greet(t, s)
			text := read()
			if name == "socketio" { // the open packet of Engine.IO comes first
				text = read()
			}
			if text != want[name] {
				t.Errorf("got  %s\nwant %s", text, want[name])
			}
			testkit.Eventually(t, "the client has gone", func() bool { return gone.count("locked out") == 1 })
			if len(gone.list) != 1 {
				t.Errorf("the middlewares hear %q", gone.list)
			}
		})
	}
}

// A fault in a function of the middleware refuses one client, or costs it nothing, and the server goes on.
func TestFaultsOfConnectionMiddlewareAreContained(t *testing.T) {
	t.Parallel()
	for name, c := range callers {
		for kind, fault := range map[string]func(){"panic": func() { panic("boom") }, "exit": runtime.Goexit} {
			t.Run(name+" "+kind, func(t *testing.T) {
				t.Parallel()
				var in atomic.Value
				in.Store("Connect")
				var gone ends
				failing := func(where string) {
					if in.Load() == where {
						fault()
					}
				}
				s := testkit.Start(t, testkit.Options{Parts: actionhero.Parts{
					actionhero.ConnMiddleware{Disconnect: func(context.Context, *actionhero.Conn, string) { gone.add("gone") }},
					actionhero.ConnMiddleware{
						Connect:    func(context.Context, *actionhero.Conn, *actionhero.Handshake) error { failing("Connect"); return nil },
						Connected:  func(context.Context, *actionhero.Conn) { failing("Connected") },
						Disconnect: func(context.Context, *actionhero.Conn, string) { failing("Disconnect") },
					},
				}})
				read, _ := c.greet(t, s)
				until(t, read, "internal error")
				for i, where := range []string{"Connected", "Disconnect"} {
					in.Store(where)
					read, end := c.greet(t, s)
					until(t, read, `"welcome":`)
					end()
					testkit.Eventually(t, "the client has gone", func() bool { return gone.count("gone") == 2+i })
				}
				for _, where := range []string{"Connect", "Connected", "Disconnect"} {
					if !s.Log.Has("a " + where + " of a connection middleware failed") {
						t.Errorf("the fault in %s is not logged", where)
					}
				}
			})
		}
	}
}

// While the app thinks about a client, the client can do nothing, whatever it sends.
func TestNothingOfAClientRunsBeforeItIsAccepted(t *testing.T) {
	t.Parallel()
	greedy := map[string]string{
		"tcp": "{\"action\":\"mark\"}\r\n", "websocket": `{"event":"action","id":1,"params":{"action":"mark"}}`, "socketio": `42["action",{"action":"mark"}]`,
	}
	for name := range callers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var accepted, early atomic.Bool
			asked, answer := make(chan bool, 1), make(chan bool)
			s := testkit.Start(t, testkit.Options{Parts: actionhero.Parts{
				actionhero.ConnMiddleware{Connect: func(ctx context.Context, _ *actionhero.Conn, _ *actionhero.Handshake) error {
					asked <- true
					select {
					case <-answer:
						accepted.Store(true)
						return nil
					case <-ctx.Done():
						return ctx.Err()
					}
				}},
				actionhero.Action[actionhero.None, actionhero.None]{Name: "mark", Description: "Says whether it runs early", Run: func(context.Context, actionhero.None) (actionhero.None, error) {
					early.Store(!accepted.Load())
					return actionhero.None{}, nil
				}},
			}})
			var read func() string
			switch name {
			case "tcp":
				nc, err := s.DialTCP()
				if err != nil {
					t.Fatal(err)
				}
				c := testkit.TCPOn(t, nc)
				c.Send(greedy[name])
				read = c.Next
			default:
				path, first := testkit.WSPath, ""
				if name == "socketio" {
					path, first = testkit.SIOPath, "40"
				}
				c := testkit.DialSocket(t, "ws://"+s.Web.Addr().String()+path, nil)
				if first != "" {
					c.Send(first)
				}
				<-asked
				asked <- true
				c.Send(greedy[name])
				read = func() string {
					_, text, err := c.Read(t.Context())
					return fmt.Sprint(string(text), err)
				}
			}
			<-asked
			if name == "socketio" { // the stock clients send nothing before they are connected
				until(t, read, "a packet that does not fit the state of the connection")
			} else {
				answer <- true
				until(t, read, `"welcome":`)
				until(t, read, `"context":"response"`)
			}
			if early.Load() {
				t.Error("an action has run before the client was accepted")
			}
		})
	}
}

// The app learns that a client was closed because it does not read.
func TestTheAppLearnsThatAClientDoesNotRead(t *testing.T) {
	t.Parallel()
	for name, c := range callers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var gone ends
			s := testkit.Start(t, testkit.Options{Parts: actionhero.Parts{actionhero.ConnMiddleware{
				Disconnect: func(_ context.Context, _ *actionhero.Conn, reason string) { gone.add(reason) },
			}}})
			read, _ := c.greet(t, s)
			until(t, read, `"welcome":`)
			notice := map[string]string{"news": strings.Repeat("x", 256<<10)}
			testkit.Eventually(t, "the client has gone", func() bool {
				if _, err := s.API.Rooms.BroadcastNode(t.Context(), notice); err != nil {
					t.Fatal(err)
				}
				gone.mu.Lock()
				defer gone.mu.Unlock()
				return len(gone.list) > 0
			})
			if reason := gone.list[0]; !strings.Contains(reason, "read") {
				t.Errorf("the reason is %q", reason)
			}
		})
	}
}
