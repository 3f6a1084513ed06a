package websocket_test

import (
	"context"
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/websocket"
)

// waiter is the action "wait", which blocks until its context ends, and then until the test has looked.
type waiter struct {
	begun, ended chan *actionhero.Conn
	looked       chan struct{}
}

func newWaiter() *waiter {
	return &waiter{make(chan *actionhero.Conn, 1), make(chan *actionhero.Conn, 1), make(chan struct{})}
}

func (w *waiter) action() actionhero.Part {
	return actionhero.Action[actionhero.None, actionhero.None]{Name: "wait", Run: func(ctx context.Context, n actionhero.None) (actionhero.None, error) {
		c := actionhero.RequestFrom(ctx).Conn
		w.begun <- c
		<-ctx.Done()
		w.ended <- c
		<-w.looked
		return n, nil
	}}
}

// However a connection ends, its running actions learn it, and its client leaves its rooms at once, not when they return.
func TestTheContextOfAnActionEndsWithItsConnection(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*actionhero.Conn, net.Conn, *testkit.Frames){
		"close frame": func(_ *actionhero.Conn, _ net.Conn, c *testkit.Frames) {
			_ = c.Send(testkit.Frame(testkit.Fin|testkit.CloseFrame, ""))
		},
		"end": func(_ *actionhero.Conn, nc net.Conn, _ *testkit.Frames) { _ = nc.Close() },
		"reset": func(_ *actionhero.Conn, nc net.Conn, _ *testkit.Frames) {
			_ = nc.(*net.TCPConn).SetLinger(0)
			_ = nc.Close()
		},
		"Conn.Close":   func(c *actionhero.Conn, _ net.Conn, _ *testkit.Frames) { c.Close("go away") },
		"ping timeout": func(*actionhero.Conn, net.Conn, *testkit.Frames) {}, // it answers no pings
		"fault":        func(_ *actionhero.Conn, _ net.Conn, c *testkit.Frames) { _ = c.Send("\xff\xff") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWaiter()
			cfg := websocket.Config{PingInterval: time.Hour}
			if name == "ping timeout" {
				cfg.PingInterval, cfg.PingTimeout = 2*time.Second, time.Second // the message must come sooner, also on a busy machine
			}
			s := start(t, cfg, w.action())
			nc := connect(t, s)
			c, err := testkit.OpenWS(nc, "", testkit.Wait)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Send(testkit.Text(`{"event":"action","params":{"action":"wait"}}`)); err != nil {
				t.Fatal(err)
			}
			conn := <-w.begun
			end(conn, nc, c)
			select {
			case <-w.ended:
			case <-time.After(testkit.Wait):
				t.Error("the context does not end")
			}
			testkit.Eventually(t, "the client has left its rooms", func() bool { return len(conn.Rooms()) == 0 })
			close(w.looked)
		})
	}
}

// What a client has sent before its close frame still happens.
func TestMessagesBeforeACloseFrameAreHandled(t *testing.T) {
	t.Parallel()
	s := start(t, websocket.Config{})
	p := s.WS(t)
	for i := range 20 {
		c, err := testkit.OpenWS(connect(t, s), "", testkit.Wait)
		if err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprint("number ", i)
		if err := c.Send(testkit.Text(`{"event":"say","message":"`+text+`"}`), testkit.Frame(testkit.Fin|testkit.CloseFrame, "")); err != nil {
			t.Fatal(err)
		}
		if got := p.Next(); !strings.HasPrefix(got, `{"message":"`+text+`"`) {
			t.Errorf("got %s, want %s", got, text)
		}
	}
}

// Code of the app that ends its goroutine, in an action or in a room middleware, is answered with an internal error. The
// place of the request is given back, and the connection works on.
func TestCodeThatEndsItsGoroutineIsAnswered(t *testing.T) {
	t.Parallel()
	quick := actionhero.Action[actionhero.None, actionhero.None]{Name: "quick", Run: func(_ context.Context, n actionhero.None) (actionhero.None, error) {
		runtime.Goexit()
		return n, nil
	}}
	g := testkit.NewGate()
	slow := actionhero.Action[actionhero.None, actionhero.None]{Name: "slow", Run: func(ctx context.Context, n actionhero.None) (actionhero.None, error) {
		g.Begun <- struct{}{}
		select {
		case <-ctx.Done():
		case <-time.After(10 * time.Millisecond):
		}
		runtime.Goexit()
		return n, nil
	}}
	members := actionhero.RoomMiddleware{Join: func(_ context.Context, _ *actionhero.Conn, room string) error {
		if room == "exit" {
			runtime.Goexit()
		}
		return nil
	}}
	p := start(t, websocket.Config{MaxInFlight: 2}, quick, slow, members).WS(t)
	const failed = `{"context":"response","error":"The server experienced an internal error","id":1,"errorCode":"internal"}`
	for range 5 {
		for _, request := range []string{`"action","params":{"action":"quick"}`, `"action","params":{"action":"slow"}`, `"roomChange","room":"exit"`} {
			p.Call(`{"id":1,"event":`+request+`}`, failed)
		}
	}
	p.Call(`{"event":"roomChange","room":"other"}`, `{"context":"response","status":"OK","room":"other"}`)
}

// A room middleware that ends its goroutine while the client enters its first room refuses that room. The client stays
// connected, as after any other refusal.
func TestAFirstRoomWhoseMiddlewareEndsItsGoroutineIsRefused(t *testing.T) {
	t.Parallel()
	s := start(t, websocket.Config{}, actionhero.RoomMiddleware{Join: func(context.Context, *actionhero.Conn, string) error {
		runtime.Goexit()
		return nil
	}})
	c, err := openFrames(connect(t, s), "")
	if err == nil {
		err = c.Await(`"errorCode":"internal"`)
	}
	if err == nil {
		err = c.Send(testkit.Text(`{"event":"detailsView","id":7}`))
	}
	if err == nil {
		err = c.Await(`"id":7`)
	}
	if err != nil {
		t.Error(err)
	}
}
