package connloop_test

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero/internal/connloop"
)

// A request that ends its goroutine gives its place back, whether it was handed off or not. The connection lives on, and
// the requests behind it run.
func TestGoexitGivesThePlaceBack(t *testing.T) {
	t.Parallel()
	run(t, 1, func(t *testing.T, c *client) {
		c.incoming <- []func(){func() { c.record("a"); runtime.Goexit() }, c.quick("b")}
		c.want(t, "a", "sends", "b", "sends")
		c.incoming <- []func(){func() { time.Sleep(5 * time.Millisecond); c.record("c"); runtime.Goexit() }, c.quick("d")}
		time.Sleep(10 * time.Millisecond)
		c.want(t, "handoff", "c", "sends", "d", "sends")
		if c.InFlight() != 0 {
			t.Errorf("%d requests are in flight", c.InFlight())
		}
		close(c.incoming)
		c.want(t, "finishes")
	})
}

// A message whose handling ends the goroutine costs only that message.
func TestGoexitInNext(t *testing.T) {
	t.Parallel()
	run(t, 10, func(t *testing.T, c *client) {
		c.next = func() { c.next = nil; runtime.Goexit() }
		c.incoming <- []func(){c.quick("lost"), c.quick("a")}
		c.want(t, "a", "sends")
		close(c.incoming)
		c.want(t, "finishes")
	})
}

// A panic after the handoff ends the connection in the goroutine of its loop: no two methods run at the same time.
func TestPanicAfterAHandoff(t *testing.T) {
	t.Parallel()
	run(t, 10, func(t *testing.T, c *client) {
		ctx := c.Context()
		c.incoming <- []func(){func() { time.Sleep(5 * time.Millisecond); panic("oh") }}
		time.Sleep(10 * time.Millisecond)
		c.want(t, "handoff", "sends", "parks", "fault: oh")
		if ctx.Err() == nil {
			t.Error("the context of the connection lives on")
		}
	})
}

// If Run returns false, the loop reads into another buffer from then on. One new buffer serves all requests of a read.
func TestWaitingRequestsKeepTheirMemory(t *testing.T) {
	t.Parallel()
	run(t, 10, func(t *testing.T, c *client) {
		var serial connloop.Serial
		slow, release := c.slow("slow")
		c.jobs = &serial
		c.incoming <- []func(){slow}
		time.Sleep(5 * time.Millisecond)
		c.want(t, "slow starts", "handoff")
		c.incoming <- []func(){c.quick("a"), c.quick("b")}
		c.want(t, "handoff", "sends") // DetachBuffer records the event
		c.incoming <- []func(){func() { c.record("c"); runtime.Goexit() }, c.quick("d")}
		c.want(t, "handoff", "sends")
		release()
		c.want(t, "slow", "a", "b", "c", "sends", "d", "sends")
		if c.InFlight() != 0 {
			t.Errorf("%d requests are in flight", c.InFlight())
		}
		c.incoming <- []func(){c.quick("e")}
		close(c.incoming)
		c.want(t, "e", "sends", "finishes")
	})
}

// The context ends, and the client leaves its rooms, when the client goes: not only when its requests end. This is also
// true while so many requests run that the connection is not read.
func TestTheContextEndsWithTheClient(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(c *client){
		"canceled":     func(c *client) { c.Cancel(); close(c.incoming) },
		"gone unread":  func(c *client) { c.gone.Store(true) },
		"gone at last": func(c *client) { close(c.incoming); synctest.Wait(); c.gone.Store(true) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			most := 10
			if name == "gone unread" {
				most = 1
			}
			run(t, most, func(t *testing.T, c *client) {
				ctx := c.Context()
				c.incoming <- []func(){func() { <-ctx.Done(); time.Sleep(time.Second); c.record("ends") }}
				time.Sleep(10 * time.Millisecond)
				if c.want(t, "handoff"); ctx.Err() != nil {
					t.Error("the context ends with the handoff")
				}
				end(c)
				time.Sleep(500 * time.Millisecond)
				if ctx.Err() == nil {
					t.Error("the context lives on")
				}
				c.want(t, "leaves")
				time.Sleep(time.Second)
				c.want(t, "ends", "sends", "finishes")
			})
		})
	}
}

// The context of a finished connection ends, so nothing of the connection is kept.
func TestTheContextEndsAtTheFinish(t *testing.T) {
	t.Parallel()
	run(t, 10, func(t *testing.T, c *client) {
		ctx := c.Context()
		close(c.incoming)
		c.want(t, "finishes")
		if ctx.Err() == nil || c.Context().Err() == nil {
			t.Error("the context lives on")
		}
	})
}
