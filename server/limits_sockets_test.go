package server_test

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

// frames connects a client to plain WebSocket or Socket.IO, without a library.
func frames(t *testing.T, s *testkit.Server, open func(net.Conn) (*testkit.Frames, error)) *testkit.Frames {
	t.Helper()
	nc, err := s.DialHTTP()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	c, err := open(nc)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func plainFrames(nc net.Conn) (*testkit.Frames, error) { return testkit.OpenWS(nc, "", testkit.Wait) }

func socketIOFrames(nc net.Conn) (*testkit.Frames, error) { return testkit.OpenSIO(nc, testkit.Wait) }

var bothSockets = map[string]func(net.Conn) (*testkit.Frames, error){"websocket": plainFrames, "socketio": socketIOFrames}

// wantCloseCode fails the test unless the server closes the WebSocket with the code, which the table names.
func (l limit) wantCloseCode(t *testing.T, c *testkit.Frames, code int) {
	t.Helper()
	if got, err := c.CloseCode(); got != code || err != nil {
		t.Errorf("the server closes with %d, %v; want %d", got, err, code)
	}
	l.wantReached(t, fmt.Sprintf("close code %d", code))
}

func send(t *testing.T, c *testkit.Frames, frames ...string) {
	t.Helper()
	if err := c.Send(frames...); err != nil {
		t.Fatal(err)
	}
}

func awaitText(t *testing.T, c *testkit.Frames, text string) {
	t.Helper()
	if err := c.Await(text); err != nil {
		t.Fatalf("%s does not come: %v", text, err)
	}
}

// socketLimits are the drivers of limits on plain WebSocket, and of those that it shares with Socket.IO.
var socketLimits = map[string]driver{
	"webSockets.maxInFlight": func(t *testing.T, l limit) {
		l.wantReached(t, "the next requests wait")
		for name, request := range map[string]string{"websocket": `{"event":"action","params":{"action":"gate"}}`, "socketio": `42["action",{"action":"gate"}]`} {
			g := testkit.NewGate()
			s := limited(t, func(cfg *server.Config) {
				cfg.WebSockets.Plain.MaxInFlight, cfg.WebSockets.SocketIO.MaxInFlight = 2, 2
			}, g.Action())
			c := frames(t, s, bothSockets[name])
			send(t, c, testkit.Text(request), testkit.Text(request), testkit.Text(request))
			wantTwoAtATime(t, g)
			for range 3 {
				awaitText(t, c, `"error":false`)
			}
		}
	},
	"webSockets.maxQueuedMessages": func(t *testing.T, l limit) {
		closeUnreadSocket(t, l, func(cfg *server.WebSocketsConfig) {
			cfg.Plain.MaxQueued, cfg.Plain.MaxQueuedLen, cfg.Plain.WriteTimeout = 4, 1<<30, time.Hour
			cfg.SocketIO.MaxQueued, cfg.SocketIO.MaxQueuedLen, cfg.SocketIO.WriteTimeout = 4, 1<<30, time.Hour
		})
	},
	"webSockets.maxQueuedBytes": func(t *testing.T, l limit) {
		closeUnreadSocket(t, l, func(cfg *server.WebSocketsConfig) {
			cfg.Plain.MaxQueued, cfg.Plain.MaxQueuedLen, cfg.Plain.WriteTimeout = 1<<20, 256<<10, time.Hour
			cfg.SocketIO.MaxQueued, cfg.SocketIO.MaxQueuedLen, cfg.SocketIO.WriteTimeout = 1<<20, 256<<10, time.Hour
		})
	},
	"webSockets.writeTimeout": func(t *testing.T, l limit) {
		closeUnreadSocket(t, l, func(cfg *server.WebSocketsConfig) {
			cfg.Plain.MaxQueued, cfg.Plain.MaxQueuedLen, cfg.Plain.WriteTimeout = 1<<20, 1<<30, short
			cfg.SocketIO.MaxQueued, cfg.SocketIO.MaxQueuedLen, cfg.SocketIO.WriteTimeout = 1<<20, 1<<30, short
		})
	},
	"webSockets.messageTimeout": func(t *testing.T, l limit) {
		s := limited(t, func(cfg *server.Config) {
			cfg.WebSockets.Plain.MessageTimeout, cfg.WebSockets.SocketIO.MessageTimeout = short, short
		})
		for _, open := range bothSockets {
			c := frames(t, s, open)
			send(t, c, testkit.Text(`{"event":"detailsView"}`)[:10])
			l.wantCloseCode(t, c, 1008)
		}
	},
	"webSockets.pingTimeout": func(t *testing.T, l limit) {
		s := limited(t, func(cfg *server.Config) {
			cfg.WebSockets.Plain.PingInterval, cfg.WebSockets.Plain.PingTimeout = short, short
			cfg.WebSockets.SocketIO.PingInterval, cfg.WebSockets.SocketIO.PingTimeout = short, short
		})
		for _, open := range bothSockets {
			l.wantCloseCode(t, frames(t, s, open), 1008)
		}
		p := openPoll(t, s)
		p.connect(t)
		testkit.Eventually(t, "the session is closed", func() bool { return p.get().StatusCode == 400 })
		l.wantReached(t, "a long-polling session is closed")
	},
	"webSockets.maxContentBytes": func(t *testing.T, l limit) {
		l.wantReached(t, "an error that names HTTP")
		s := limited(t, func(cfg *server.Config) {
			cfg.WebSockets.Plain.MaxContentBytes, cfg.WebSockets.SocketIO.MaxContentBytes = 100, 100
		})
		for _, c := range []testkit.Client{s.WS(t), s.SIO(t)} {
			wantOK(t, c.Do("limitContent", map[string]string{"size": "100"}).JSON)
			if got := c.Do("limitContent", map[string]string{"size": "101"}).Error; !strings.Contains(got, "HTTP") {
				t.Errorf("beyond the limit the answer is %q", got)
			}
		}
	},
	"webSockets.maxMessageBytes": func(t *testing.T, l limit) {
		s := limited(t, func(cfg *server.Config) { cfg.WebSockets.Plain.MaxMessageBytes = 100 })
		c := frames(t, s, plainFrames)
		message := `{"event":"say","message":"` + strings.Repeat("x", 100-len(`{"event":"say","message":""}`)) + `"}`
		send(t, c, testkit.Text(message))
		awaitText(t, c, `"status":"OK"`)
		send(t, c, testkit.Text(message+" "))
		l.wantCloseCode(t, c, 1009)
	},
	"messageIDBytes": func(t *testing.T, l limit) {
		c := limited(t, nil).WS(t)
		for extra, want := range []func(*testing.T, string){wantOK, l.wantCode} {
			c.Send(`{"event":"detailsView","id":"` + strings.Repeat("i", l.n-len(`""`)+extra) + `"}`)
			want(t, c.Await(`{"context":"response"`))
		}
	},
}

// closeUnreadSocket says messages in a room until the server closes the clients of WebSocket and Socket.IO that do not
// read.
func closeUnreadSocket(t *testing.T, l limit, change func(cfg *server.WebSocketsConfig)) {
	t.Helper()
	l.wantReached(t, "the connection closes")
	for _, open := range bothSockets {
		s := limited(t, func(cfg *server.Config) { change(&cfg.WebSockets) })
		unread := frames(t, s, open)
		_ = unread.Conn.(*net.TCPConn).SetReadBuffer(4 << 10)
		from := s.TCP(t)
		say := "say " + strings.Repeat("x", 60<<10) + "\r\n"
		clients := func() int { return s.WebSocket.Clients() + s.SocketIO.Clients() }
		testkit.Eventually(t, "the client counts", func() bool { return clients() == 1 })
		for range 1000 { // more than the buffers of the system hold
			if clients() == 0 {
				break
			}
			from.Send(say)
			wantOK(t, from.Next())
		}
		testkit.Eventually(t, "the client that does not read is closed", func() bool { return clients() == 0 })
	}
}
