package websocket_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	client "github.com/coder/websocket"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/websocket"
)

// A slow request does not delay other requests of its client.
func TestSlowRequest(t *testing.T) {
	t.Parallel()
	g := testkit.NewGate()
	p := start(t, websocket.Config{}, g.Action()).WS(t)
	p.Send(gateRequest)
	<-g.Begun
	p.Call(`{"event":"roomChange","id":2,"room":"a"}`, `{"context":"response","status":"OK","room":"a","id":2}`)
	p.Call(`{"event":"action","id":3,"params":{"action":"x"}}`, `{"context":"response","error":"x is not a known action.","id":3,"errorCode":"notFound"}`)
	g.Open()
	p.Want(gateReply)
}

// At most MaxInFlight requests of a client run at a time. Later ones wait.
func TestMaxInFlight(t *testing.T) {
	t.Parallel()
	g := testkit.NewGate()
	p := start(t, websocket.Config{MaxInFlight: 5}, g.Action()).WS(t)
	for range 20 {
		p.Send(gateRequest)
	}
	for range 5 {
		<-g.Begun
	}
	g.Pass()
	p.Want(gateReply)
	<-g.Begun
	if n := len(g.Begun); n != 0 {
		t.Errorf("%d requests too many run", n)
	}
	g.Open()
	for range 19 {
		p.Want(gateReply)
	}
}

// A panic in an action fails only its request.
func TestPanic(t *testing.T) {
	t.Parallel()
	s := start(t, websocket.Config{}, actionhero.Action[actionhero.None, actionhero.None]{
		Name: "panic", Run: func(context.Context, actionhero.None) (actionhero.None, error) { panic("in user code") },
	})
	p := s.WS(t)
	p.Call(`{"event":"action","id":1,"params":{"action":"panic"}}`, `{"context":"response","error":"The server experienced an internal error","id":1,"errorCode":"internal"}`)
	p.Call(`{"event":"action","id":2,"params":{"action":"x"}}`, `{"context":"response","error":"x is not a known action.","id":2,"errorCode":"notFound"}`)
}

// A message of MaxMessageBytes is accepted, and one byte more is refused with code 1009, with and without TLS.
func TestMaxMessageBytes(t *testing.T) {
	t.Parallel()
	s := start(t, websocket.Config{MaxMessageBytes: 1000})
	request := func(n int) string {
		const head, tail = `{"event":"say","message":"`, `"}`
		return head + strings.Repeat("x", n-len(head)-len(tail)) + tail
	}
	for name, connect := range map[string]func(testing.TB) *testkit.WSClient{"plain": s.WS, "TLS": s.WSS} {
		t.Run(name, func(t *testing.T) {
			p := connect(t)
			p.Call(request(1000), `{"context":"response","status":"OK"}`)
			p.Send(request(1001))
			p.WantClosed(1009, "a message may have 1000 bytes at most")
		})
	}
	s.Log.Await(t, 2, "reason", "a message may have 1000 bytes at most")
}

// If Compress is set, replies and room messages to the clients that offer compression are compressed.
func TestCompress(t *testing.T) {
	t.Parallel()
	s := start(t, websocket.Config{Compress: true})
	packed := testkit.NewWS(t, s.WSURL(), &client.DialOptions{CompressionMode: client.CompressionNoContextTakeover, CompressionThreshold: 1})
	taking := testkit.NewWS(t, s.WSURL(), &client.DialOptions{CompressionMode: client.CompressionContextTakeover, CompressionThreshold: 1})
	plain := s.WS(t)
	for _, said := range []string{"short", strings.Repeat("long ", 5000)} {
		for _, speaker := range []*testkit.WSClient{packed, taking, plain} {
			speaker.Call(`{"event":"say","id":1,"message":"`+said+`"}`, `{"context":"response","status":"OK","id":1}`)
			for _, other := range []*testkit.WSClient{packed, taking, plain} {
				if other == speaker {
					continue
				}
				if got := other.Next(); !strings.HasPrefix(got, `{"message":"`+said+`","from":"`) {
					t.Errorf("a text of %d bytes comes as %.50s…", len(said), got)
				}
			}
		}
	}
	c, err := openFrames(connect(t, s), "Sec-WebSocket-Extensions: permessage-deflate\r\n")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Await("welcome"); err != nil {
		t.Fatal(err)
	}
	if err := s.API.Rooms.Broadcast(t.Context(), "defaultRoom", strings.Repeat("long ", 5000)); err != nil {
		t.Fatal(err)
	}
	if first, payload, err := c.Next(); err != nil || first != testkit.Fin|testkit.RSV1|testkit.TextFrame || len(payload) > 1000 {
		t.Errorf("a long message comes as frame %#x of %d bytes, %v", first, len(payload), err)
	}
	off := start(t, websocket.Config{})
	if c, err = openFrames(connect(t, off), "Sec-WebSocket-Extensions: permessage-deflate\r\n"); err != nil {
		t.Fatal(err)
	}
	if err := c.Send(testkit.Frame(testkit.Fin|testkit.RSV1|testkit.TextFrame, "x")); err != nil {
		t.Fatal(err)
	}
	if code, err := c.CloseCode(); code != 1002 || err != nil {
		t.Errorf("without Compress a compressed frame gets code %d, %v", code, err)
	}
}

func TestStartRefusesSettings(t *testing.T) {
	t.Parallel()
	for want, cfg := range map[string]websocket.Config{
		"webSockets.maxMessageBytes is -1: it must be above zero":   {MaxMessageBytes: -1},
		"webSockets.maxInFlight is -1: it must be above zero":       {MaxInFlight: -1},
		"webSockets.maxQueuedMessages is -1: it must be above zero": {MaxQueued: -1},
		"webSockets.maxQueuedBytes is -1: it must be above zero":    {MaxQueuedLen: -1},
		"webSockets.messageTimeout is -1s: it must be 1ms or more":  {MessageTimeout: -time.Second},
		"webSockets.writeTimeout is -1s: it must be 1ms or more":    {WriteTimeout: -time.Second},
		"webSockets.pingInterval is -1s: it must be 1ms or more":    {PingInterval: -time.Second},
		"webSockets.pingTimeout is -1s: it must be 1ms or more":     {PingTimeout: -time.Second},
		`webSockets.subprotocols has "a b": write a name`:           {Subprotocols: []string{"ok", "a b"}},
		`webSockets.origins has "example.com": write an origin`:     {Origins: []string{"example.com"}},
	} {
		if err := websocket.New(testkit.NewAPI(t), cfg).Start(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Start: %v, want %s", err, want)
		}
	}
}

// An idle client gets pings. It stays connected if it answers them.
func TestPings(t *testing.T) {
	t.Parallel()
	s := start(t, websocket.Config{PingInterval: 50 * time.Millisecond, PingTimeout: 5 * time.Second})
	p := s.WS(t) // it answers pings while it reads
	c, err := openFrames(connect(t, s), "")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan string, 1)
	go func() {
		for {
			first, payload, err := c.Next()
			if err != nil || first == testkit.Fin|testkit.CloseFrame {
				ended <- fmt.Sprintf("%s%v", payload, err)
				break
			}
		}
		testkit.Within(testkit.Wait, func() bool { return s.WebSocket.Clients() == 1 })
		_ = s.API.Rooms.Broadcast(context.Background(), "defaultRoom", "still connected")
	}()
	p.Want(`{"message":"still connected","from":"actionHero API","context":"user"}`)
	if got := <-ended; got != "\x03\xf0no answer to a ping within 5s<nil>" {
		t.Errorf("the client that does not answer is closed with %q", got)
	}
	if n := s.WebSocket.Clients(); n != 1 {
		t.Errorf("there are %d clients", n)
	}
}

// A client that Conn.Close closes receives the reason.
func TestConnClose(t *testing.T) {
	t.Parallel()
	s := start(t, websocket.Config{}, actionhero.Action[actionhero.None, actionhero.None]{
		Name: "leave",
		Run: func(ctx context.Context, n actionhero.None) (actionhero.None, error) {
			actionhero.RequestFrom(ctx).Conn.Close("you asked for it")
			return n, nil
		},
	})
	p := s.WS(t)
	p.Send(`{"event":"action","params":{"action":"leave"}}`)
	p.WantClosed(4403, "you asked for it")
	testkit.Eventually(t, "the client is disconnected", func() bool { return s.WebSocket.Clients() == 0 })
}
