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

// newSlowBody returns a body that is there when it is told.
func newSlowBody() (body io.Reader, end func(text string)) {
	r, w := io.Pipe()
	return r, func(text string) {
		_, _ = io.Copy(w, strings.NewReader(text))
		_ = w.Close()
	}
}

// A GET that waits ends with the probe, and one that comes meanwhile is told that there will be nothing more for it.
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

// What waited for a GET comes over the WebSocket, in order, and before what follows.
func TestUpgradeBringsTheQueue(t *testing.T) {
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

// While a WebSocket asks to take over, long-polling goes on, also if nothing comes of it.
func TestUpgradeThatFails(t *testing.T) {
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

func TestEndDuringUpgrade(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		q := s.OpenPolling()
		k := s.DialSocket("&" + q)
		k.Send("2probe")
		k.Want("3probe")
		s.Want(200, "ok", "POST", q, "1")
		k.WantClosed(ws.Normal)
		if n := s.engine.Len(); n > 1 {
			t.Errorf("%d sessions are left", n)
		}
	})
}

// Requests that a POST has brought are answered over the WebSocket that came meanwhile.
func TestAnswerAfterUpgrade(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		q := s.OpenPolling()
		s.Want(200, "ok", "POST", q, "4hold")
		k := s.DialSocket("&" + q)
		k.Send("2probe")
		k.Want("3probe")
		k.Send("5")
		k.Send("4quick")
		k.Want("4quick")
		close(s.last().hold)
		k.Want("4hold")
		k.CloseNormal()
	})
}

// A POST that is at work keeps a WebSocket from taking over: its messages would not come one at a time.
func TestUpgradeDuringPost(t *testing.T) {
	run(t, func(cfg *engine.Config) { cfg.MaxInFlight = 1 }, func(t *testing.T, s *server) {
		q := s.OpenPolling()
		post := s.Start("POST", q, "4hold\x1e4next")
		k := s.DialSocket("&" + q)
		k.Send("2probe")
		k.Want("3probe")
		k.Send("5")
		k.WantClosed(ws.PolicyError)
		close(s.last().hold)
		post(200, "ok")
		synctest.Wait()
		s.Want(200, "4hold\x1e4next", "GET", q, "")
	})
}
