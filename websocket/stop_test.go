package websocket_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	client "github.com/coder/websocket"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/websocket"
)

// Stop waits for the requests in flight, starts no more, and closes each client with code 1001. After Start the handler
// serves again.
func TestStop(t *testing.T) {
	t.Parallel()
	g := testkit.NewGate()
	s := start(t, websocket.Config{}, g.Action())
	busy := []*testkit.WSClient{s.WS(t), s.WSS(t)}
	for _, p := range busy {
		p.Send(gateRequest)
		<-g.Begun
	}
	idle := s.WS(t)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		s.Stop()
	}()
	idle.WantClosed(1001, "the server is stopping")
	for _, p := range busy {
		_ = p.Write(t.Context(), client.MessageText, []byte(gateRequest)) // it fails if the server has closed the connection already
	}
	g.Open()
	for _, p := range busy {
		p.Want(gateReply)
		p.WantClosed(1001, "the server is stopping")
	}
	<-stopped
	if n := len(g.Begun); n > 0 {
		t.Errorf("%d requests started during the stop", n)
	}
	if err := s.WebSocket.Stop(t.Context()); err != nil {
		t.Errorf("a second Stop: %v", err)
	}
	if err := s.API.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.WS(t).Call(`{"event":"say","id":1,"message":"a"}`, `{"context":"response","status":"OK","id":1}`)
}

// Stop with a canceled context closes the connections at once.
func TestStopCanceled(t *testing.T) {
	t.Parallel()
	g := testkit.NewGate()
	s := start(t, websocket.Config{}, g.Action())
	c, err := openFrames(connect(t, s), "")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Send(testkit.Text(gateRequest)); err != nil {
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
	testkit.Eventually(t, "the client is disconnected", func() bool { return s.WebSocket.Clients() == 0 })
}

// A handshake after Stop gets a 503.
func TestUpgradeAfterStop(t *testing.T) {
	t.Parallel()
	s := start(t, websocket.Config{})
	if err := s.WebSocket.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	nc := connect(t, s)
	if _, err := io.WriteString(nc, testkit.Upgrade(testkit.WSPath)+"\r\n"); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(nc), nil)
	if err != nil || res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("the response is %+v, %v", res, err)
	}
}
