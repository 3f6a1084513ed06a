//go:build unix

package redis

import (
	"context"
	"errors"
	"testing"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/testkit/basics"
	"github.com/actionhero-go/actionhero/internal/testkit/faultproxy"
	"github.com/actionhero-go/actionhero/internal/testkit/redistest"
)

// TestACallEndsAlthoughItsAnswerWasMissed ends the subscriptions of the calling node while the other one answers. A second
// call still runs then, and its answer comes.
func TestACallEndsAlthoughItsAnswerWasMissed(t *testing.T) {
	t.Parallel()
	server := redistest.Redis.Start(t, redistest.Options{})
	p := faultproxy.Start(t, server.Addr)
	prefix := redistest.Prefix()
	asking, answering := newBackend(Config{URL: "redis://" + p.Addr(), Prefix: prefix}), newBackend(Config{Port: server.Port, Prefix: prefix})
	begun, first, second := make(chan string, 2), make(chan struct{}), make(chan struct{})
	answering.Cluster().Handle(func(_ context.Context, _, method string, _ []byte) []byte {
		begun <- method
		if method == "first" {
			<-first
		} else {
			<-second
		}
		return []byte(method)
	})
	for _, b := range []*Backend{asking, answering} {
		if err := b.Open(t.Context(), newNode()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := b.Close(context.WithoutCancel(t.Context())); err != nil {
				t.Error(err)
			}
		})
	}
	type result struct {
		answer string
		err    error
	}
	results := map[string]chan result{"first": make(chan result, 1), "second": make(chan result, 1)}
	for method, done := range results {
		go func() {
			answer, err := asking.Cluster().Call(t.Context(), answering.life.self().ID, method, nil)
			done <- result{string(answer), err}
		}()
	}
	<-begun
	<-begun
	p.Fault(func(words []string) faultproxy.Fault {
		if isCommand("SUBSCRIBE")(words) {
			return faultproxy.LoseRequest
		}
		return faultproxy.Pass
	})
	server.Do(t, "CLIENT", "KILL", "TYPE", "pubsub")
	basics.Eventually(t, "the node hears nothing", func() bool { return asking.router.healthy() != nil })
	close(first)
	h := &answering.cluster.calls.handler
	basics.Eventually(t, "the first call is answered", func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return len(h.calls) == 1
	})
	p.Fault(nil)
	basics.Eventually(t, "the node hears again", func() bool { return asking.Health() == nil })
	if r := <-results["first"]; !errors.Is(r.err, backend.ErrUnavailable) {
		t.Errorf("the call whose answer was missed returns %q, %v, want ErrUnavailable", r.answer, r.err)
	}
	close(second)
	if r := <-results["second"]; r.err != nil || r.answer != "second" {
		t.Errorf("the call that still ran returns %q, %v", r.answer, r.err)
	}
}
