//go:build !hostile

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
	"github.com/actionhero-go/actionhero/internal/hostile"
	"github.com/actionhero-go/actionhero/websocket"
)

func asCloseError(err error, closed *client.CloseError) bool { return errors.As(err, closed) }

// failing is an action that must not run.
func failing(t *testing.T) func(context.Context, actionhero.None) (*actionhero.Content, error) {
	return func(context.Context, actionhero.None) (*actionhero.Content, error) {
		t.Error("it runs")
		return nil, nil
	}
}

// gate is the action "gate", which says that it has begun and waits until it is opened.
type gate struct{ begun, open chan struct{} }

func newGate() *gate { return &gate{make(chan struct{}, 1000), make(chan struct{})} }

func (g *gate) action() actionhero.Part {
	return actionhero.Action[actionhero.None, actionhero.None]{
		Name: "gate",
		Run: func(ctx context.Context, n actionhero.None) (actionhero.None, error) {
			g.begun <- struct{}{}
			select {
			case <-g.open:
			case <-ctx.Done():
			}
			return n, ctx.Err()
		},
	}
}

const callGate = `{"event":"action","id":"gate","params":{"action":"gate"}}`
const gateAnswer = `{"context":"response","status":"OK","error":false,"id":"gate"}`

// A request that takes its time holds up neither the others nor pings.
func TestOvertaking(t *testing.T) {
	t.Parallel()
	g := newGate()
	p := serve(t, websocket.Config{}, g.action()).dial(t, nil)
	p.send(callGate)
	<-g.begun
	p.call(`{"event":"roomChange","id":2,"room":"a"}`, `{"context":"response","status":"OK","room":"a","id":2}`)
	p.call(`{"event":"action","id":3,"params":{"action":"x"}}`, `{"context":"response","error":"x is not a known action.","id":3}`)
	close(g.open)
	p.want(gateAnswer)
}

// A client may have so many requests at work; what it sends beyond that waits.
func TestInFlight(t *testing.T) {
	t.Parallel()
	g := newGate()
	p := serve(t, websocket.Config{MaxInFlight: 5}, g.action()).dial(t, nil)
	for range 20 {
		p.send(callGate)
	}
	for range 5 {
		<-g.begun
	}
	g.open <- struct{}{}
	p.want(gateAnswer)
	<-g.begun
	if n := len(g.begun); n != 0 {
		t.Errorf("%d requests too many are at work", n)
	}
	close(g.open)
	for range 19 {
		p.want(gateAnswer)
	}
}

// A panic in an action is that request's alone.
func TestPanic(t *testing.T) {
	t.Parallel()
	f := serve(t, websocket.Config{}, actionhero.Action[actionhero.None, actionhero.None]{
		Name: "panic", Run: func(context.Context, actionhero.None) (actionhero.None, error) { panic("in user code") },
	})
	p := f.dial(t, nil)
	p.call(`{"event":"action","id":1,"params":{"action":"panic"}}`, `{"context":"response","error":"The server experienced an internal error","id":1}`)
	p.call(`{"event":"action","id":2,"params":{"action":"x"}}`, `{"context":"response","error":"x is not a known action.","id":2}`)
}

// The longest message is fine, and one byte more is refused with the code for that, over TLS and in fragments too.
func TestMaxMessageBytes(t *testing.T) {
	t.Parallel()
	f := serve(t, websocket.Config{MaxMessageBytes: 1000})
	request := func(n int) string {
		const head, tail = `{"event":"say","message":"`, `"}`
		return head + strings.Repeat("x", n-len(head)-len(tail)) + tail
	}
	for _, secure := range []bool{false, true} {
		p := f.dialEither(t, secure)
		p.call(request(1000), `{"context":"response","status":"OK"}`)
		p.send(request(1001))
		p.end(1009, "a message may have 1000 bytes at most")
	}
	if closed := f.log.Having("reason", "a message may have 1000 bytes at most"); len(closed) != 2 {
		t.Errorf("the log says so %d times", len(closed))
	}
}

// Compression is for clients that offer it when it is switched on, and then also for what rooms say.
func TestCompress(t *testing.T) {
	t.Parallel()
	f := serve(t, websocket.Config{Compress: true})
	packed := f.dial(t, &client.DialOptions{CompressionMode: client.CompressionNoContextTakeover, CompressionThreshold: 1})
	taking := f.dial(t, &client.DialOptions{CompressionMode: client.CompressionContextTakeover, CompressionThreshold: 1})
	plain := f.dial(t, nil)
	for _, said := range []string{"short", strings.Repeat("long ", 5000)} {
		for _, speaker := range []*peer{packed, taking, plain} {
			speaker.call(`{"event":"say","id":1,"message":"`+said+`"}`, `{"context":"response","status":"OK","id":1}`)
			for _, other := range []*peer{packed, taking, plain} {
				if other == speaker {
					continue
				}
				if got := other.message(); !strings.HasPrefix(got, `{"message":"`+said+`","from":"`) {
					t.Errorf("%d bytes said come as %.50s…", len(said), got)
				}
			}
		}
	}
	c, err := open(f.raw(t), "Sec-WebSocket-Extensions: permessage-deflate\r\n")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.await("welcome"); err != nil {
		t.Fatal(err)
	}
	if err := f.api.Rooms.Broadcast(t.Context(), "defaultRoom", strings.Repeat("long ", 5000)); err != nil {
		t.Fatal(err)
	}
	if first, payload, err := c.next(); err != nil || first != fin|rsv1|text || len(payload) > 1000 {
		t.Errorf("a long message comes as frame %#x of %d bytes, %v", first, len(payload), err)
	}
	off := serve(t, websocket.Config{})
	if c, err = open(off.raw(t), "Sec-WebSocket-Extensions: permessage-deflate\r\n"); err != nil {
		t.Fatal(err)
	}
	if err := c.send(frame(fin|rsv1|text, "x")); err != nil {
		t.Fatal(err)
	}
	if code, err := c.end(); code != 1002 || err != nil {
		t.Errorf("without compression a compressed frame is answered with code %d, %v", code, err)
	}
}

// Pages of other sites get a 403, and there is no trace of them.
func TestOrigins(t *testing.T) {
	t.Parallel()
	f := serve(t, websocket.Config{Origins: []string{"https://friend.example", "https://*.friends.example"}})
	for _, origin := range []string{
		"https://evil.example", "null", "http://localhost.evil.example", "http://localhost:81", "https://friend.example.evil.example", "https://xfriends.example", "http://friend.example",
		"https://friend.example\r\nOrigin: https://friend.example", "http://evil.example@localhost",
	} {
		if _, err := open(f.raw(t), "Origin: "+origin+"\r\n"); err == nil || err.Error() != "403 Forbidden" {
			t.Errorf("a page of %q gets %v", origin, err)
		}
	}
	for _, origin := range []string{"http://localhost", "https://friend.example", "https://a.friends.example"} {
		c, err := open(f.raw(t), "Origin: "+origin+"\r\n")
		if err != nil {
			t.Errorf("a page of %q gets %v", origin, err)
			continue
		}
		if err := c.await("welcome"); err != nil {
			t.Error(err)
		}
	}
	if n := f.Clients(); n != 3 {
		t.Errorf("there are %d clients", n)
	}
}

func TestOriginsAnyIsSaid(t *testing.T) {
	t.Parallel()
	f := serve(t, websocket.Config{Origins: []string{"*"}})
	if _, err := open(f.raw(t), "Origin: https://evil.example\r\n"); err != nil {
		t.Error(err)
	}
	said := false
	for _, e := range f.log.Entries() {
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
		if err := prepare(t, cfg).api.Start(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Start: %v, want %s", err, want)
		}
	}
}

// A silent client is asked whether it is there, and stays as long as it answers.
func TestPings(t *testing.T) {
	t.Parallel()
	f := serve(t, websocket.Config{PingInterval: 50 * time.Millisecond, PingTimeout: 500 * time.Millisecond})
	p := f.dial(t, nil) // it answers while it reads
	c, err := open(f.raw(t), "")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan string, 1)
	go func() {
		for {
			first, payload, err := c.next()
			if err != nil || first == fin|closing {
				ended <- fmt.Sprintf("%s%v", payload, err)
				break
			}
		}
		hostile.Eventually(patience, func() bool { return f.Clients() == 1 })
		_ = f.api.Rooms.Broadcast(context.Background(), "defaultRoom", "still there")
	}()
	p.want(`{"message":"still there","from":"actionHero API","context":"user"}`)
	if got := <-ended; got != "\x03\xf0no answer to a ping within 500ms<nil>" {
		t.Errorf("the client that does not answer is closed with %q", got)
	}
	if n := f.Clients(); n != 1 {
		t.Errorf("there are %d clients", n)
	}
}

// Server code may close a client, who is told why.
func TestConnClose(t *testing.T) {
	t.Parallel()
	f := serve(t, websocket.Config{}, actionhero.Action[actionhero.None, actionhero.None]{
		Name: "leave",
		Run: func(ctx context.Context, n actionhero.None) (actionhero.None, error) {
			actionhero.RequestFrom(ctx).Conn.Close("you asked for it")
			return n, nil
		},
	})
	p := f.dial(t, nil)
	p.send(`{"event":"action","params":{"action":"leave"}}`)
	p.end(1008, "you asked for it")
	if !hostile.Eventually(patience, func() bool { return f.Clients() == 0 }) {
		t.Error("the client is still there")
	}
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
		p := serve(t, cfg, action).dial(t, &client.DialOptions{HTTPHeader: http.Header{"X-Forwarded-For": {forwarded}}})
		p.send(`{"event":"action","params":{"action":"who"}}`)
		if got := <-seen; !strings.HasPrefix(got, want) || strings.HasSuffix(want, ":") && strings.Contains(got, ":0 ") {
			t.Errorf("behind %q: %s, want %s", forwarded, got, want)
		}
	}
}

// A stop lets the requests in flight finish, begins no more, and tells everybody that the server goes away; a start
// serves again.
func TestStop(t *testing.T) {
	t.Parallel()
	g := newGate()
	f := serve(t, websocket.Config{}, g.action())
	busy := []*peer{f.dial(t, nil), f.dialTLS(t)}
	for _, p := range busy {
		p.send(callGate)
		<-g.begun
	}
	silent := f.dial(t, nil)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		f.stop(t)
	}()
	silent.end(1001, "the server is stopping")
	for _, p := range busy {
		_ = p.Write(t.Context(), client.MessageText, []byte(callGate)) // it may have closed already
	}
	close(g.open)
	for _, p := range busy {
		p.want(gateAnswer)
		p.end(1001, "the server is stopping")
	}
	<-stopped
	if n := len(g.begun); n > 0 {
		t.Errorf("%d requests began during the stop", n)
	}
	if err := f.Stop(t.Context()); err != nil {
		t.Errorf("a second stop: %v", err)
	}
	if err := f.api.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.dial(t, nil).call(`{"event":"say","id":1,"message":"a"}`, `{"context":"response","status":"OK","id":1}`)
}

// A stop that has no time cuts the connections.
func TestStopWithoutTime(t *testing.T) {
	t.Parallel()
	g := newGate()
	f := serve(t, websocket.Config{}, g.action())
	c, err := open(f.raw(t), "")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.send(frame(fin|text, callGate)); err != nil {
		t.Fatal(err)
	}
	<-g.begun
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.Stop(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Stop: %v", err)
	}
	if _, err := io.Copy(io.Discard, c.in); err != nil && !strings.Contains(err.Error(), "reset") {
		t.Error(err)
	}
	if !hostile.Eventually(patience, func() bool { return f.Clients() == 0 }) {
		t.Error("the client is still there")
	}
}

// Before the start and after the stop there is nobody to serve.
func TestNotServing(t *testing.T) {
	t.Parallel()
	f := serve(t, websocket.Config{})
	if err := f.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	nc := f.raw(t)
	if _, err := io.WriteString(nc, handshake+"\r\n"); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(nc), nil)
	if err != nil || answer.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("the answer is %+v, %v", answer, err)
	}
}
