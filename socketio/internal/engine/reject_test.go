package engine_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/ws"
	"github.com/actionhero-go/actionhero/socketio/internal/engine"
)

// A second WebSocket of a session that has one is closed as soon as its client answers the close frame: a stop right after
// that has nothing to wait for.
func TestASecondWebSocketOfASessionIsClosedAtOnce(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		k := s.DialSocket("")
		sid := s.Handshake(k.Next()).SID
		start := time.Now()
		s.DialSocket("&sid=" + sid).WantClosed(ws.PolicyError)
		s.stopped = true
		stopped := make(chan error, 1)
		go func() { stopped <- s.engine.Stop(t.Context(), func() {}) }()
		k.WantClosed(ws.GoingAway)
		if err := <-stopped; err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("it takes %v", took)
		}
	})
}

// A WebSocket that opens a session while a stop begins is closed as soon as its client answers the close frame.
func TestAWebSocketThatComesDuringAStopIsClosedAtOnce(t *testing.T) {
	var s *server
	var stopped chan error
	run(t, func(cfg *engine.Config) {
		stopped = make(chan error, 1)               // of the bubble
		cfg.RemoteIP = func(*http.Request) string { // is called after the engine has looked whether it is stopping
			go func() { stopped <- s.engine.Stop(context.Background(), func() {}) }()
			time.Sleep(time.Second)
			return "192.0.2.1"
		}
	}, func(t *testing.T, server *server) {
		s = server
		s.stopped = true
		start := time.Now()
		s.DialSocket("").WantClosed(ws.GoingAway)
		if err := <-stopped; err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took != time.Second {
			t.Errorf("it takes %v, a second of them before the handshake", took)
		}
		if n := s.sessions(); n != 0 {
			t.Errorf("%d sessions are left", n)
		}
	})
}
