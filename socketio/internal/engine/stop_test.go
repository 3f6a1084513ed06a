package engine_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/actionhero-go/actionhero/internal/ws"
	"github.com/actionhero-go/actionhero/socketio/internal/enginetest"
)

func TestStop(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		poll := s.Start("GET", s.OpenPolling(), "")
		betweenGets := s.OpenPolling()
		k := s.OpenSocket()
		k.Send("4hold")
		holding := s.lastClient()
		probing := s.OpenPolling()
		probe := s.DialSocket("&" + probing)
		probe.Send("2probe")
		probe.Want("3probe")
		upgrading := s.OpenPolling()
		upgrade := s.DialSocket("&" + upgrading)
		upgrade.Send("2probe")
		upgrade.Want("3probe")
		withRequest := s.OpenPolling()
		s.Want(200, "ok", "POST", withRequest, "4hold")
		s.stopped = true
		stopped := make(chan error)
		go func() { stopped <- s.engine.Stop(t.Context(), func() { t.Error("the requests are cancelled") }) }()
		synctest.Wait()
		s.Want(503, "the server is stopping\n", "GET", enginetest.Polling, "")
		s.Want(503, "the server is stopping\n", "POST", betweenGets, "4a")
		if _, resp, err := websocket.Dial(t.Context(), s.URL+"?EIO=4&transport=websocket", &websocket.DialOptions{HTTPClient: s.HTTP}); err == nil || resp.StatusCode != 503 {
			t.Errorf("a WebSocket: %v, %v", resp, err)
		}
		upgrade.Send("5")
		synctest.Wait()
		answer := s.Start("GET", withRequest, "")
		close(s.lastClient().hold)
		answer(200, "4hold")
		poll(200, "1")
		probe.WantClosed(ws.GoingAway)
		upgrade.WantClosed(ws.GoingAway)
		close(holding.hold)
		k.Want("4hold")
		k.WantClosed(ws.GoingAway)
		if err := <-stopped; err != nil {
			t.Error(err)
		}
		s.Want(503, "the server is stopping\n", "GET", betweenGets, "")
	})
}

// A stop waits for an upgrade that has begun, because the client would not notice a close during the upgrade.
func TestStopDuringUpgrade(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		q := s.OpenPolling()
		k := s.DialSocket("&" + q)
		k.Send("2probe")
		k.Want("3probe")
		s.stopped = true
		stopped := make(chan error)
		go func() { stopped <- s.engine.Stop(t.Context(), func() { t.Error("the requests are cancelled") }) }()
		time.Sleep(500 * time.Millisecond)
		k.Send("5")
		k.WantClosed(ws.GoingAway)
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
}

// A stop whose context is done cancels the requests and closes the connections.
func TestStopTimeout(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		k := s.OpenSocket()
		k.Send("4hold")
		c := s.lastClient()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		s.stopped = true
		cancelled := false
		go func() {
			for {
				if _, _, err := k.Read(t.Context()); err != nil {
					return
				}
				_ = k.Write(t.Context(), websocket.MessageText, []byte("3"))
			}
		}()
		synctest.Wait()
		if err := s.engine.Stop(ctx, func() { cancelled = true; close(c.hold) }); !errors.Is(err, context.DeadlineExceeded) || !cancelled {
			t.Errorf("Stop: %v, %v", err, cancelled)
		}
	})
}
