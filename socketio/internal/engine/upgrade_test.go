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
		q := s.poll()
		waits := s.later("GET", q, "")
		k := s.dial("&" + q)
		k.send("2probe")
		waits(200, "6")
		k.want("3probe")
		late := s.later("GET", q, "")
		k.send("5")
		late(400, `{"code":3,"message":"Bad request"}`)
		k.send("4hello")
		k.want("4hello")
		k.leave()
	})
}

// What waited for a GET comes over the WebSocket, in order, and before what follows.
func TestUpgradeBringsTheQueue(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		q := s.poll()
		s.want(200, "ok", "POST", q, "4one")
		s.want(200, "ok", "POST", q, "4two")
		long := strings.Repeat("x", 70_000)
		s.want(200, "ok", "POST", q, "4"+long)
		k := s.dial("&" + q)
		k.send("2probe")
		k.want("3probe")
		k.send("5")
		k.send("4four")
		for _, text := range []string{"4one", "4two", "4" + long, "4four"} {
			k.want(text)
		}
		k.leave()
	})
}

// While a WebSocket asks to take over, long-polling goes on, also if nothing comes of it.
func TestUpgradeThatFails(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		q := s.poll()
		k := s.dial("&" + q)
		k.send("2probe")
		k.want("3probe")
		second := s.dial("&" + q)
		second.ended(ws.PolicyError)
		s.want(200, "ok", "POST", q, "4hello")
		s.want(200, "4hello", "GET", q, "")
		k.leave()
		synctest.Wait()
		s.want(200, "ok", "POST", q, "4again")
		s.want(200, "4again", "GET", q, "")

		for _, text := range []string{"5", "4hello", "2", "2other", "3probe", "1"} {
			k := s.dial("&" + q)
			k.send(text)
			k.ended(ws.PolicyError)
		}
		silent := s.dial("&" + q)
		start := time.Now()
		silent.ended(ws.PolicyError)
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("a silent one is closed after %v", took)
		}
		k = s.dial("&" + q)
		k.send("2probe")
		k.want("3probe")
		k.send("5")
		k.send("4made it")
		k.want("4made it")
		k.leave()
	})
}

func TestEndDuringUpgrade(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		q := s.poll()
		k := s.dial("&" + q)
		k.send("2probe")
		k.want("3probe")
		s.want(200, "ok", "POST", q, "1")
		k.ended(ws.Normal)
		if n := s.engine.Len(); n > 1 {
			t.Errorf("%d sessions are left", n)
		}
	})
}

// Requests that a POST has brought are answered over the WebSocket that came meanwhile.
func TestAnswerAfterUpgrade(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		q := s.poll()
		s.want(200, "ok", "POST", q, "4hold")
		k := s.dial("&" + q)
		k.send("2probe")
		k.want("3probe")
		k.send("5")
		k.send("4quick")
		k.want("4quick")
		close(s.last().hold)
		k.want("4hold")
		k.leave()
	})
}

// A POST that is at work keeps a WebSocket from taking over: its messages would not come one at a time.
func TestUpgradeDuringPost(t *testing.T) {
	run(t, func(cfg *engine.Config) { cfg.MaxInFlight = 1 }, func(t *testing.T, s *server) {
		q := s.poll()
		post := s.later("POST", q, "4hold\x1e4next")
		k := s.dial("&" + q)
		k.send("2probe")
		k.want("3probe")
		k.send("5")
		k.ended(ws.PolicyError)
		close(s.last().hold)
		post(200, "ok")
		synctest.Wait()
		s.want(200, "4hold\x1e4next", "GET", q, "")
	})
}
