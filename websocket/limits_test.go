package websocket_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	client "github.com/coder/websocket"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/websocket"
)

// failing is an action that must not run.
func failing(t *testing.T) func(context.Context, actionhero.None) (*actionhero.Content, error) {
	return func(context.Context, actionhero.None) (*actionhero.Content, error) {
		t.Error("it runs")
		return nil, nil
	}
}

const callGate = `{"event":"action","id":"gate","params":{"action":"gate"}}`
const gateAnswer = `{"context":"response","status":"OK","error":false,"id":"gate"}`

// A slow request delays neither other requests nor pings.
func TestOvertaking(t *testing.T) {
	t.Parallel()
	g := testkit.NewGate()
	p := start(t, websocket.Config{}, g.Action()).WS(t)
	p.Send(callGate)
	<-g.Begun
	p.Call(`{"event":"roomChange","id":2,"room":"a"}`, `{"context":"response","status":"OK","room":"a","id":2}`)
	p.Call(`{"event":"action","id":3,"params":{"action":"x"}}`, `{"context":"response","error":"x is not a known action.","id":3}`)
	g.Open()
	p.Want(gateAnswer)
}

// At most MaxInFlight requests of a client run; more requests wait.
func TestInFlight(t *testing.T) {
	t.Parallel()
	g := testkit.NewGate()
	p := start(t, websocket.Config{MaxInFlight: 5}, g.Action()).WS(t)
	for range 20 {
		p.Send(callGate)
	}
	for range 5 {
		<-g.Begun
	}
	g.Pass()
	p.Want(gateAnswer)
	<-g.Begun
	if n := len(g.Begun); n != 0 {
		t.Errorf("%d requests too many are at work", n)
	}
	g.Open()
	for range 19 {
		p.Want(gateAnswer)
	}
}

// A panic in an action fails only its request.
func TestPanic(t *testing.T) {
	t.Parallel()
	s := start(t, websocket.Config{}, actionhero.Action[actionhero.None, actionhero.None]{
		Name: "panic", Run: func(context.Context, actionhero.None) (actionhero.None, error) { panic("in user code") },
	})
	p := s.WS(t)
	p.Call(`{"event":"action","id":1,"params":{"action":"panic"}}`, `{"context":"response","error":"The server experienced an internal error","id":1}`)
	p.Call(`{"event":"action","id":2,"params":{"action":"x"}}`, `{"context":"response","error":"x is not a known action.","id":2}`)
}

// The longest message is fine, and one byte more is refused with the code for that, over TLS and in fragments too.
func TestMaxMessageBytes(t *testing.T) {
	t.Parallel()
	s := start(t, websocket.Config{MaxMessageBytes: 1000})
	request := func(n int) string {
		const head, tail = `{"event":"say","message":"`, `"}`
		return head + strings.Repeat("x", n-len(head)-len(tail)) + tail
	}
	for _, secure := range []bool{false, true} {
		p := s.WS(t)
		if secure {
			p = s.WSS(t)
		}
		p.Call(request(1000), `{"context":"response","status":"OK"}`)
		p.Send(request(1001))
		p.WantClosed(1009, "a message may have 1000 bytes at most")
	}
	if closed := s.Log.With("reason", "a message may have 1000 bytes at most"); len(closed) != 2 {
		t.Errorf("the log says so %d times", len(closed))
	}
}

// If compression is on, it is used with clients that offer it, for answers and messages of rooms.
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
					t.Errorf("%d bytes said come as %.50s…", len(said), got)
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
		t.Errorf("without compression a compressed frame is answered with code %d, %v", code, err)
	}
}

// Pages of other sites get a 403, and do not count as clients.
func TestOrigins(t *testing.T) {
	t.Parallel()
	s := start(t, websocket.Config{Origins: []string{"https://friend.example", "https://*.friends.example"}})
	for _, origin := range []string{
		"https://evil.example", "null", "http://localhost.evil.example", "http://localhost:81", "https://friend.example.evil.example", "https://xfriends.example", "http://friend.example",
		"https://friend.example\r\nOrigin: https://friend.example", "http://evil.example@localhost",
	} {
		if _, err := openFrames(connect(t, s), "Origin: "+origin+"\r\n"); err == nil || err.Error() != "403 Forbidden" {
			t.Errorf("a page of %q gets %v", origin, err)
		}
	}
	for _, origin := range []string{"http://localhost", "https://friend.example", "https://a.friends.example"} {
		c, err := openFrames(connect(t, s), "Origin: "+origin+"\r\n")
		if err != nil {
			t.Errorf("a page of %q gets %v", origin, err)
			continue
		}
		if err := c.Await("welcome"); err != nil {
			t.Error(err)
		}
	}
	if n := s.WebSocket.Clients(); n != 3 {
		t.Errorf("there are %d clients", n)
	}
}

func TestOriginsAnyIsSaid(t *testing.T) {
	t.Parallel()
	s := start(t, websocket.Config{Origins: []string{"*"}})
	if _, err := openFrames(connect(t, s), "Origin: https://evil.example\r\n"); err != nil {
		t.Error(err)
	}
	said := false
	for _, e := range s.Log.Entries() {
		said = said || strings.Contains(e.Message, "pages of any site may connect")
	}
	if !said {
		t.Error("the log does not say that pages of any site may connect")
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
		`webSockets.origins has "example.com": write an origin`:     {Origins: []string{"example.com"}},
	} {
		if err := websocket.New(testkit.NewAPI(t), cfg).Start(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Start: %v, want %s", err, want)
		}
	}
}

// A silent client is pinged, and stays connected while it answers.
func TestPings(t *testing.T) {
	t.Parallel()
	s := start(t, websocket.Config{PingInterval: 50 * time.Millisecond, PingTimeout: 500 * time.Millisecond})
	p := s.WS(t) // it answers while it reads
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
		_ = s.API.Rooms.Broadcast(context.Background(), "defaultRoom", "still there")
	}()
	p.Want(`{"message":"still there","from":"actionHero API","context":"user"}`)
	if got := <-ended; got != "\x03\xf0no answer to a ping within 500ms<nil>" {
		t.Errorf("the client that does not answer is closed with %q", got)
	}
	if n := s.WebSocket.Clients(); n != 1 {
		t.Errorf("there are %d clients", n)
	}
}

// If server code closes a client, the client receives the reason.
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
	p.WantClosed(1008, "you asked for it")
	testkit.Eventually(t, "the client is gone", func() bool { return s.WebSocket.Clients() == 0 })
}

// The address behind a proxy is the one that the web server finds.
func TestRemoteIP(t *testing.T) {
	t.Parallel()
	seen := make(chan string, 1)
	action := actionhero.Action[actionhero.None, actionhero.None]{
		Name: "who",
		Run: func(ctx context.Context, n actionhero.None) (actionhero.None, error) {
			req := actionhero.RequestFrom(ctx)
			seen <- req.RemoteIP + " " + req.Conn.Remote.String() + " " + req.Transport
			return n, nil
		},
	}
	for forwarded, want := range map[string]string{"192.0.2.7": "192.0.2.7 192.0.2.7:0 websocket", "nonsense": "127.0.0.1 127.0.0.1:", "": "127.0.0.1 127.0.0.1:", "127.0.0.1": "127.0.0.1 127.0.0.1:"} {
		cfg := websocket.Config{RemoteIP: func(r *http.Request) string { return r.Header.Get("X-Forwarded-For") }}
		if forwarded == "" {
			cfg.RemoteIP = nil
		}
		s := testkit.New(t, testkit.Options{Parts: actionhero.Parts{action}})
		own := websocket.New(s.API, cfg)
		s.API.Add(own)
		if err := s.Web.Mount("/own", own); err != nil {
			t.Fatal(err)
		}
		s.Start()
		p := testkit.NewWS(t, "ws://"+s.Web.Addr().String()+"/own", &client.DialOptions{HTTPHeader: http.Header{"X-Forwarded-For": {forwarded}}})
		p.Send(`{"event":"action","params":{"action":"who"}}`)
		if got := <-seen; !strings.HasPrefix(got, want) || strings.HasSuffix(want, ":") && strings.Contains(got, ":0 ") {
			t.Errorf("behind %q: %s, want %s", forwarded, got, want)
		}
	}
}

// A stop lets the requests in flight finish, begins no more, and closes every client with the code for it. A start serves
// again.
func TestStop(t *testing.T) {
	t.Parallel()
	g := testkit.NewGate()
	s := start(t, websocket.Config{}, g.Action())
	busy := []*testkit.WSClient{s.WS(t), s.WSS(t)}
	for _, p := range busy {
		p.Send(callGate)
		<-g.Begun
	}
	silent := s.WS(t)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		s.Stop()
	}()
	silent.WantClosed(1001, "the server is stopping")
	for _, p := range busy {
		_ = p.Write(t.Context(), client.MessageText, []byte(callGate)) // it may have closed already
	}
	g.Open()
	for _, p := range busy {
		p.Want(gateAnswer)
		p.WantClosed(1001, "the server is stopping")
	}
	<-stopped
	if n := len(g.Begun); n > 0 {
		t.Errorf("%d requests began during the stop", n)
	}
	if err := s.WebSocket.Stop(t.Context()); err != nil {
		t.Errorf("a second stop: %v", err)
	}
	if err := s.API.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.WS(t).Call(`{"event":"say","id":1,"message":"a"}`, `{"context":"response","status":"OK","id":1}`)
}

// A stop that has no time cuts the connections.
func TestStopWithoutTime(t *testing.T) {
	t.Parallel()
	g := testkit.NewGate()
	s := start(t, websocket.Config{}, g.Action())
	c, err := openFrames(connect(t, s), "")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Send(testkit.Text(callGate)); err != nil {
		t.Fatal(err)
	}
	<-g.Begun
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.WebSocket.Stop(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Stop: %v", err)
	}
	if _, err := io.Copy(io.Discard, c.In); err != nil && !strings.Contains(err.Error(), "reset") {
		t.Error(err)
	}
	testkit.Eventually(t, "the client is gone", func() bool { return s.WebSocket.Clients() == 0 })
}

// After a stop a handshake is answered with 503.
func TestNotServing(t *testing.T) {
	t.Parallel()
	s := start(t, websocket.Config{})
	if err := s.WebSocket.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	nc := connect(t, s)
	if _, err := io.WriteString(nc, testkit.Upgrade(testkit.WSPath)+"\r\n"); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(nc), nil)
	if err != nil || answer.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("the answer is %+v, %v", answer, err)
	}
}
