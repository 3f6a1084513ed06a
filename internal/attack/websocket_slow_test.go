//go:build hostile

package attack_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
	"github.com/actionhero-go/actionhero/websocket"
)

// newWSTarget starts a target with these settings of WebSocket. It does not log requests: some tests measure its memory.
func newWSTarget(t testing.TB, cfg websocket.Config, parts ...actionhero.Part) *target {
	t.Helper()
	return newTarget(t, func(all *server.Config) { all.WebSockets.Plain, all.Log.LogRequests = cfg, new(false) }, parts...)
}

// frames connects a client that has read its welcome. Thousands of them may come at once, so it waits for long.
func frames(dial dialer, headers string) (*testkit.Frames, error) {
	nc, err := dial()
	if err != nil {
		return nil, err
	}
	return testkit.OpenWS(nc, headers, 3*testkit.Wait)
}

// call sends one request and demands its answer.
func call(c *testkit.Frames, request, answer string) error {
	if err := c.Send(testkit.Text(request)); err != nil {
		return err
	}
	for {
		got, err := c.Message()
		if err != nil {
			return err
		}
		if strings.Contains(got, answer) {
			return nil
		}
		if strings.Contains(got, `"context":"response"`) {
			return errors.New("the answer is " + got)
		}
	}
}

// wellBehavedWS starts clients that do no harm: one with a new connection for each call, one over TLS that keeps its
// own.
func (s *target) wellBehavedWS(t testing.TB) (check func()) {
	t.Helper()
	ask := func(c *testkit.Frames) error {
		return call(c, `{"event":"action","params":{"action":"randomNumber"}}`, `"randomNumber":0.`)
	}
	fresh := testkit.StartProbe("WebSocket, a connection for each call", func() error {
		c, err := frames(s.DialHTTP, "")
		if err != nil {
			return err
		}
		defer c.Close()
		return ask(c)
	})
	kept, err := frames(s.DialHTTPS("http/1.1"), "")
	if err != nil {
		t.Fatal(err)
	}
	if err := call(kept, `{"event":"roomChange","room":"elsewhere"}`, `"OK"`); err != nil {
		t.Fatal(err)
	}
	secure := testkit.StartProbe("TLS, one connection", func() error { return ask(kept) })
	return func() {
		t.Helper()
		fresh.Check(t)
		secure.Check(t)
		_ = kept.Close()
	}
}

// The tests of this file use the default limits, apart from the pings. They are not parallel, so that goroutines and
// files can be counted.

// pings are short enough for a client that does not answer to be gone in time.
var pings = websocket.Config{PingInterval: 7 * time.Second, PingTimeout: 7 * time.Second}

func TestWebSocketSlowSendersAreGone(t *testing.T) {
	leaks := testkit.CheckLeaks(t)
	s := newWSTarget(t, pings)
	wellBehaved := s.wellBehavedWS(t)
	secure := s.DialHTTPS("http/1.1")
	opened := testkit.Upgrade(testkit.WSPath) + "\r\n"
	begun := testkit.Text(strings.Repeat("x", 100))
	testkit.Storm(t, goneWithin, []testkit.Kind{
		{Name: "upgrade never finished", Dial: s.DialHTTP, Open: testkit.Upgrade(testkit.WSPath), Drip: "X-Header: and so on"},
		{Name: "upgrade begun and left", Dial: s.DialHTTP, Open: testkit.Upgrade(testkit.WSPath)},
		{Name: "upgrade over TLS", Dial: secure, Open: testkit.Upgrade(testkit.WSPath), Drip: "X-Header: and so on"},
		{Name: "silent", Dial: s.DialHTTP, Open: opened},
		{Name: "silent over TLS", Dial: secure, Open: opened},
		{Name: "frame begun and left", Dial: s.DialHTTP, Open: opened + begun[:8]},
		{Name: "frame a byte at a time", Dial: s.DialHTTP, Open: opened + begun[:6], Drip: "x"},
		{Name: "frame over TLS", Dial: secure, Open: opened + begun[:6], Drip: "x"},
		{Name: "head of a frame", Dial: s.DialHTTP, Open: opened + begun[:1]},
		{Name: "fragments", Dial: s.DialHTTP, Open: opened + testkit.Frame(testkit.TextFrame, "a"), Drip: testkit.Frame(testkit.ContinuationFrame, "")},
		{Name: "pings and a fragment", Dial: s.DialHTTP, Open: opened + testkit.Frame(testkit.TextFrame, "a"), Drip: testkit.Frame(testkit.Fin|testkit.PingFrame, "")},
		{Name: "half-closed", Dial: s.DialHTTP, Open: opened, HalfClose: true},
		{Name: "half-closed in a frame", Dial: s.DialHTTP, Open: opened + begun[:8], HalfClose: true},
	})
	wellBehaved()
	s.Stop()
	leaks()
}

func TestWebSocketClientsThatDoNotReadAreGone(t *testing.T) {
	leaks := testkit.CheckLeaks(t)
	s := newWSTarget(t, pings, large, medium)
	wellBehaved := s.wellBehavedWS(t)
	secure := s.DialHTTPS("http/1.1")
	opened := testkit.Upgrade(testkit.WSPath) + "\r\n"
	ask := func(action string, n int) string {
		return strings.Repeat(testkit.Text(`{"event":"action","params":{"action":"`+action+`"}}`), n)
	}
	testkit.Storm(t, goneWithin, []testkit.Kind{
		{Name: "small answers", Dial: s.DialHTTP, Open: opened + ask("medium", 500), Unread: true},
		{Name: "large answers", Dial: s.DialHTTP, Open: opened + ask("large", 50), Unread: true},
		{Name: "answers over TLS", Dial: secure, Open: opened + ask("large", 50), Unread: true},
		{Name: "pongs", Dial: s.DialHTTP, Open: opened + strings.Repeat(testkit.Frame(testkit.Fin|testkit.PingFrame, strings.Repeat("x", 125)), 2000), Unread: true},
		{Name: "answers and quit", Dial: s.DialHTTP, Open: opened + ask("large", 20) + testkit.Text(`{"event":"quit"}`), Unread: true},
		{Name: "answers and a close frame", Dial: s.DialHTTP, Open: opened + ask("large", 20) + testkit.Frame(testkit.Fin|testkit.CloseFrame, ""), Unread: true},
	})
	wellBehaved()
	s.Stop()
	leaks()
	if len(s.Log.With("reason", "does not read")) == 0 {
		t.Error("the log does not say that clients were closed for not reading")
	}
}
