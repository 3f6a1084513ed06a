package mcp_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

// A key that is no text, or an empty one, makes no call without a key: that would run again when the agent repeats it.
func TestAnIdempotencyKeyThatIsNoTextIsRefused(t *testing.T) {
	t.Parallel()
	var runs atomic.Int32
	pay := does("pay", func(context.Context) error { runs.Add(1); return nil })
	pay.IdempotencyKey = actionhero.KeyOptional
	c := start(t, nil, isTool(pay)).HTTP(t)
	ask := func(key string, headers ...string) testkit.Reply {
		body := newCall("pay", `{}`)
		if key != "" {
			body = strings.Replace(body, `"_meta":{`, `"_meta":{"idempotencyKey":`+key+`,`, 1)
		}
		return c.Ask("POST", "/mcp", body, append(newHeaders("pay"), headers...)...)
	}
	for _, key := range []string{`""`, `12`, `null`, `["a"]`, `{}`, `true`} {
		if got := ask(key); !strings.Contains(got.Text, `"errorCode":"invalidInput"`) || runs.Load() != 0 {
			t.Errorf("the key %s makes %d runs: %d %s", key, runs.Swap(0), got.StatusCode, got.Text)
		}
	}
	if got := ask("", "Idempotency-Key: "); !strings.Contains(got.Text, `"errorCode":"invalidInput"`) || runs.Load() != 0 {
		t.Errorf("an empty header makes %d runs: %d %s", runs.Swap(0), got.StatusCode, got.Text)
	}
	for range 2 {
		if got := ask(`"a\u0062c"`); !strings.Contains(got.Text, `"text":"OK"`) {
			t.Errorf("%d %s", got.StatusCode, got.Text)
		}
	}
	if runs.Load() != 1 {
		t.Errorf("a key has %d runs", runs.Load())
	}
}

// The request limit counts calls of unknown tools, each of which has a line in the log, and those without credentials.
func TestTheRequestLimitCountsRefusals(t *testing.T) {
	t.Parallel()
	s := start(t, func(cfg *server.Config) { cfg.General.RequestLimit = 3 }, isTool(close("any")))
	c := s.HTTP(t)
	for range 10 {
		c.Ask("POST", "/mcp", newCall("made-up", `{}`), newHeaders("made-up")...)
	}
	if n := len(calls(s)); n != 3 {
		t.Errorf("of 10 calls of unknown tools, %d are in the log", n)
	}
	private := close("any")
	private.Access = actionhero.Authenticated
	c = start(t, func(cfg *server.Config) { cfg.General.RequestLimit = 3 }, knows, actionhero.DefaultAccess(actionhero.Public), isTool(private)).HTTP(t)
	var status []int
	for range 5 {
		status = append(status, c.Ask("POST", "/mcp", newCall("any", `{}`), newHeaders("any")...).StatusCode)
	}
	if got := fmt.Sprint(status); got != "[401 401 401 429 429]" {
		t.Errorf("5 calls without credentials are answered with %s", got)
	}
}

// A client that leaves ends its call also within a session: no client can read the answer, and the memory of the message is
// not counted any more.
func TestAClientOfASessionThatLeavesEndsItsCall(t *testing.T) {
	t.Parallel()
	begun, ended := make(chan struct{}, 1), make(chan error, 1)
	s := start(t, nil, isTool(does("slow", func(ctx context.Context) error {
		begun <- struct{}{}
		select {
		case <-ctx.Done():
			ended <- ctx.Err()
		case <-time.After(5 * time.Second):
			ended <- errors.New("it goes on")
		}
		return nil
	})))
	c := s.HTTP(t)
	session := open(t, c)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer func() { done <- struct{}{} }()
		_, _ = c.Try(ctx, "POST", "/mcp", strings.NewReader(strings.Replace(callAny, `"any"`, `"slow"`, 1)),
			append(jsonHeaders[:2:2], "Mcp-Session-Id: "+session, "Mcp-Protocol-Version: 2025-11-25")...)
	}()
	<-begun
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("after the client has left: %v", err)
	}
	<-done
}

// A session keeps what its client has said of itself, so a client that says much is served without one.
func TestALargeInitializeOpensNoSession(t *testing.T) {
	t.Parallel()
	c := start(t, nil, isTool(close("any"))).HTTP(t)
	large := strings.Replace(initialize, `"raw"`, `"`+strings.Repeat("x", 1<<19)+`"`, 1)
	got := post(c, large)
	if got.StatusCode != 200 || got.Header.Get("Mcp-Session-Id") != "" {
		t.Errorf("%d, the session %q", got.StatusCode, got.Header.Get("Mcp-Session-Id"))
	}
	wantCalled(t, post(c, callAny))
}
