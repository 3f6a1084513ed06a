package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

// leaver is a client whose action runs when it leaves.
type leaver struct {
	nc     net.Conn         // the TCP connection below; nil for long-polling
	frames *testkit.Frames  // of WebSocket and Socket.IO; else nil
	post   func(string)     // of long-polling; else nil
	conn   *actionhero.Conn // of the server
}

const callDeaf = `["action",{"action":"deaf"}]`

// leavers connects a client of each kind, which calls the action deaf.
var leavers = map[string]func(t *testing.T, s *testkit.Server) *leaver{
	"TCP": func(t *testing.T, s *testkit.Server) *leaver { return lineLeaver(t, s.TCP(t)) },
	"TLS": func(t *testing.T, s *testkit.Server) *leaver { return lineLeaver(t, s.TCPOverTLS(t)) },
	"WebSocket": func(t *testing.T, s *testkit.Server) *leaver {
		nc, err := s.DialHTTP()
		return frameLeaver(t, nc, err, func(nc net.Conn) (*testkit.Frames, error) { return testkit.OpenWS(nc, "", testkit.Wait) }, `{"event":"action","params":{"action":"deaf"}}`)
	},
	"WebSocket over TLS": func(t *testing.T, s *testkit.Server) *leaver {
		nc, err := s.DialHTTPS("http/1.1")()
		return frameLeaver(t, nc, err, func(nc net.Conn) (*testkit.Frames, error) { return testkit.OpenWS(nc, "", testkit.Wait) }, `{"event":"action","params":{"action":"deaf"}}`)
	},
	"Socket.IO": func(t *testing.T, s *testkit.Server) *leaver {
		nc, err := s.DialHTTP()
		return frameLeaver(t, nc, err, func(nc net.Conn) (*testkit.Frames, error) { return testkit.OpenSIO(nc, testkit.Wait) }, "42"+callDeaf)
	},
	"long-polling": pollingLeaver,
}

func lineLeaver(t *testing.T, c *testkit.TCPClient) *leaver {
	c.Send("deaf\r\n")
	return &leaver{nc: c.Conn}
}

func frameLeaver(t *testing.T, nc net.Conn, err error, open func(net.Conn) (*testkit.Frames, error), call string) *leaver {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	c, err := open(nc)
	if err == nil {
		err = c.Send(testkit.Text(call))
	}
	if err != nil {
		t.Fatal(err)
	}
	return &leaver{nc: nc, frames: c}
}

func pollingLeaver(t *testing.T, s *testkit.Server) *leaver {
	const path = "/socket.io/?EIO=4&transport=polling"
	c := s.HTTP(t)
	var open struct{ Sid string }
	if err := json.Unmarshal([]byte(strings.TrimPrefix(c.Ask("GET", path, "").Text, "0")), &open); err != nil {
		t.Fatal(err)
	}
	l := &leaver{post: func(packet string) { c.Ask("POST", path+"&sid="+open.Sid, packet).Want(t, 200, "ok") }}
	l.post("40")
	l.post("42" + callDeaf)
	return l
}

// endings are the ways in which a client leaves, or is made to leave, with the kinds of clients that leave so.
var endings = map[string]struct {
	kinds string
	end   func(l *leaver)
}{
	"reset": {"TCP, TLS, WebSocket, WebSocket over TLS, Socket.IO", func(l *leaver) {
		if inner, ok := l.nc.(interface{ NetConn() net.Conn }); ok {
			l.nc = inner.NetConn()
		}
		_ = l.nc.(*net.TCPConn).SetLinger(0)
		_ = l.nc.Close()
	}},
	"end": {"WebSocket, WebSocket over TLS, Socket.IO", func(l *leaver) { _ = l.nc.Close() }},
	"close frame": {"WebSocket, WebSocket over TLS, Socket.IO", func(l *leaver) {
		_ = l.frames.Send(testkit.Frame(testkit.Fin|testkit.CloseFrame, "\x03\xe8"))
	}},
	"Conn.Close":   {"TCP, TLS, WebSocket, WebSocket over TLS, Socket.IO, long-polling", func(l *leaver) { l.conn.Close("go away") }},
	"ping timeout": {"WebSocket, WebSocket over TLS, Socket.IO, long-polling", func(*leaver) {}},
	"disconnect":   {"Socket.IO, long-polling", func(l *leaver) { l.packet("41") }},
	"close packet": {"Socket.IO, long-polling", func(l *leaver) { l.packet("1") }},
}

func (l *leaver) packet(text string) {
	if l.post != nil {
		l.post(text)
		return
	}
	_ = l.frames.Send(testkit.Text(text))
}

// However a client leaves while its action runs, the context of the action ends at once and says why. The client is out
// of its rooms and off the status at once, although the action ignores its context.
func TestAClientThatLeavesIsGoneAtOnce(t *testing.T) {
	t.Parallel()
	for ending, e := range endings {
		for _, kind := range strings.Split(e.kinds, ", ") {
			t.Run(kind+" "+ending, func(t *testing.T) {
				t.Parallel()
				leaves(t, ending == "ping timeout", leavers[kind], e.end)
			})
		}
	}
}

func leaves(t *testing.T, pings bool, connect func(*testing.T, *testkit.Server) *leaver, end func(*leaver)) {
	running, release := make(chan context.Context, 1), make(chan struct{})
	deaf := actionhero.Action[actionhero.None, actionhero.None]{Name: "deaf", Timeout: -1, Run: func(ctx context.Context, n actionhero.None) (actionhero.None, error) {
		running <- ctx
		<-release
		return n, nil
	}}
	s := testkit.Start(t, testkit.Options{TLS: true, Parts: actionhero.Parts{deaf}, Change: func(cfg *server.Config) {
		if pings {
			// The request must begin sooner, also on a busy machine.
			cfg.WebSockets.Plain.PingInterval, cfg.WebSockets.Plain.PingTimeout = 2*time.Second, time.Second
			cfg.WebSockets.SocketIO.PingInterval, cfg.WebSockets.SocketIO.PingTimeout = 2*time.Second, time.Second
		}
	}})
	defer close(release)
	l := connect(t, s)
	ctx := <-running
	l.conn = actionhero.RequestFrom(ctx).Conn
	if !pings { // the welcome comes before the room, so the action may, too
		testkit.Eventually(t, "the client is in its room", func() bool { return l.conn.In("defaultRoom") })
	}
	if !pings && ctx.Err() != nil {
		t.Fatalf("before its end: %v", ctx.Err())
	}
	end(l)
	select {
	case <-ctx.Done():
	case <-time.After(testkit.Wait):
		t.Error("the context lives on")
	}
	if cause := context.Cause(ctx); cause == nil || errors.Is(cause, context.Canceled) || errors.Is(cause, context.DeadlineExceeded) {
		t.Errorf("the cause is %v", cause)
	}
	testkit.Eventually(t, "the client is out of its rooms", func() bool {
		status, err := s.Rooms.Status(t.Context(), "defaultRoom")
		return err == nil && status.MembersCount == 0 && len(l.conn.Rooms()) == 0
	})
	testkit.Eventually(t, "the client is off the status", func() bool {
		status := s.HTTP(t).Do("status", nil).JSON
		return strings.Contains(status, `"numberOfLocalActiveSocketClients":0`) && strings.Contains(status, `"numberOfLocalActiveWebSocketClients":0`)
	})
}
