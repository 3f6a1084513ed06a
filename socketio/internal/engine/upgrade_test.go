package engine_test

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero/internal/ws"
	"github.com/actionhero-go/actionhero/socketio/internal/engine"
)

// newDelayedBody returns a request body, and a function that sends its text and ends it.
func newDelayedBody() (body io.Reader, send func(text string)) {
	r, w := io.Pipe()
	return r, func(text string) {
		_, _ = io.Copy(w, strings.NewReader(text))
		_ = w.Close()
	}
}

// The probe ends a waiting GET with a noop. A GET that waits when the upgrade is complete gets Bad request.
func TestPollDuringUpgrade(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		q := s.OpenPolling()
		waits := s.Start("GET", q, "")
		k := s.DialSocket("&" + q)
		k.Send("2probe")
		waits(200, "6")
		k.Want("3probe")
		late := s.Start("GET", q, "")
		k.Send("5")
		late(400, `{"code":3,"message":"Bad request"}`)
		k.Send("4hello")
		k.Want("4hello")
		k.CloseNormal()
	})
}

// The packets that waited for a GET come over the WebSocket, in order, before later ones.
func TestUpgradeMovesQueue(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		q := s.OpenPolling()
		s.Want(200, "ok", "POST", q, "4one")
		s.Want(200, "ok", "POST", q, "4two")
		long := strings.Repeat("x", 70_000)
		s.Want(200, "ok", "POST", q, "4"+long)
		k := s.DialSocket("&" + q)
		k.Send("2probe")
		k.Want("3probe")
		k.Send("5")
		k.Send("4four")
		for _, text := range []string{"4one", "4two", "4" + long, "4four"} {
			k.Want(text)
		}
		k.CloseNormal()
	})
}

// Long-polling continues during an upgrade and after an upgrade that failed.
func TestUpgradeFails(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		q := s.OpenPolling()
		k := s.DialSocket("&" + q)
		k.Send("2probe")
		k.Want("3probe")
		second := s.DialSocket("&" + q)
		second.WantClosed(ws.PolicyError)
		s.Want(200, "ok", "POST", q, "4hello")
		s.Want(200, "4hello", "GET", q, "")
		k.CloseNormal()
		synctest.Wait()
		s.Want(200, "ok", "POST", q, "4again")
		s.Want(200, "4again", "GET", q, "")

		for _, text := range []string{"5", "4hello", "2", "2other", "3probe", "1"} {
			k := s.DialSocket("&" + q)
			k.Send(text)
			k.WantClosed(ws.PolicyError)
		}
		silent := s.DialSocket("&" + q)
		start := time.Now()
		silent.WantClosed(ws.PolicyError)
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("a silent one is closed after %v", took)
		}
		k = s.DialSocket("&" + q)
		k.Send("2probe")
		k.Want("3probe")
		k.Send("5")
		k.Send("4made it")
		k.Want("4made it")
		k.CloseNormal()
	})
}

func TestCloseDuringUpgrade(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		q := s.OpenPolling()
		k := s.DialSocket("&" + q)
		k.Send("2probe")
		k.Want("3probe")
		s.Want(200, "ok", "POST", q, "1")
		k.WantClosed(ws.Normal)
		if n := s.sessions(); n > 1 {
			t.Errorf("%d sessions are left", n)
		}
	})
}

// The reply to a request of a POST goes over the WebSocket if the upgrade is complete by then.
func TestReplyAfterUpgrade(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		q := s.OpenPolling()
		s.Want(200, "ok", "POST", q, "4hold")
		k := s.DialSocket("&" + q)
		k.Send("2probe")
		k.Want("3probe")
		k.Send("5")
		k.Send("4quick")
		k.Want("4quick")
		close(s.lastClient().hold)
		k.Want("4hold")
		k.CloseNormal()
	})
}

// An upgrade is refused while a POST is running, because the messages of both would be handled concurrently.
func TestUpgradeDuringPost(t *testing.T) {
	run(t, func(cfg *engine.Config) { cfg.MaxInFlight = 1 }, func(t *testing.T, s *server) {
		q := s.OpenPolling()
		post := s.Start("POST", q, "4hold\x1e4next")
		k := s.DialSocket("&" + q)
		k.Send("2probe")
		k.Want("3probe")
		k.Send("5")
		k.WantClosed(ws.PolicyError)
		close(s.lastClient().hold)
		post(200, "ok")
		synctest.Wait()
		s.Want(200, "4hold\x1e4next", "GET", q, "")
	})
}
