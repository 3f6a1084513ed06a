package connloop_test

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero/internal/connloop"

	"github.com/actionhero-go/actionhero/internal/testkit/basics"
)

func TestMain(m *testing.M) { basics.VerifyTestMain(m) }

// client is a connection whose messages are functions that run as requests. It records the events of its loop.
type client struct {
	connloop.Loop
	incoming chan []func() // the messages of one read; closed at the end
	wake     chan struct{}
	gone     atomic.Bool
	next     func()           // called by Next, if not nil
	sent     func()           // called by Send, if not nil
	jobs     *connloop.Serial // runs the requests, if not nil
	read     []func()

	mu     sync.Mutex
	events []string
}

func newClient(p *connloop.Pool) *client {
	c := &client{incoming: make(chan []func()), wake: make(chan struct{}, 1)}
	c.Init(p, c, c)
	return c
}

func (c *client) record(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.events = append(c.events, fmt.Sprintf(format, args...))
}

// want compares the recorded events with want, and clears them.
func (c *client) want(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Equal(c.events, want) {
		t.Errorf("the events are %q, want %q", c.events, want)
	}
	c.events = nil
}

func (c *client) Next() connloop.NextResult {
	if len(c.read) == 0 {
		return connloop.Incomplete
	}
	run := c.read[0]
	c.read = c.read[1:]
	if c.next != nil {
		c.next()
	}
	c.Enqueue(request{c, run})
	return connloop.Handled
}

func (c *client) Read() connloop.ReadResult {
	for {
		select {
		case more, ok := <-c.incoming:
			if !ok {
				return connloop.EOF
			}
			c.read = more
			return connloop.More
		case <-c.wake:
			if c.ParkRequested() {
				c.record("parks")
				return connloop.Park
			}
		}
	}
}

func (c *client) Wake()         { c.wake <- struct{}{} }
func (c *client) Gone() bool    { return c.gone.Load() }
func (c *client) Leave()        { c.record("leaves") }
func (c *client) DetachBuffer() { c.record("handoff") }
func (c *client) Finish()       { c.record("finishes") }
func (c *client) Fault(p any)   { c.record("fault: %v", p) }
func (c *client) Ready()        {}
func (c *client) Send() {
	c.record("sends")
	if c.sent != nil {
		c.sent()
	}
}

type request struct {
	c   *client
	run func()
}

func (r request) Run() bool {
	if r.c.jobs != nil {
		return r.c.jobs.Run(&r.c.Loop, r)
	}
	r.run()
	return true
}

func (r request) Do() { r.run() }

// run runs the loop of a client in a synctest bubble, calls test, and waits for all goroutines.
func run(t *testing.T, maxInFlight int, test func(t *testing.T, c *client)) {
	synctest.Test(t, func(t *testing.T) {
		p := connloop.NewPool(t.Context(), maxInFlight)
		c := newClient(p)
		p.Go(c.Run)
		test(t, c)
		p.Wait()
	})
}

// quick returns a request that takes no time.
func (c *client) quick(name string) func() { return func() { c.record("%s", name) } }

// slow returns a request that blocks until release is called.
func (c *client) slow(name string) (run func(), release func()) {
	gate := make(chan struct{})
	return func() {
		c.record("%s starts", name)
		<-gate
		c.record("%s", name)
	}, func() { close(gate) }
}

func TestBurst(t *testing.T) {
	t.Parallel()
	run(t, 10, func(t *testing.T, c *client) {
		c.incoming <- []func(){c.quick("a"), c.quick("b"), c.quick("c")}
		c.want(t, "a", "b", "c", "sends") // in one goroutine, with one write
		c.incoming <- []func(){c.quick("d")}
		close(c.incoming)
		c.want(t, "d", "sends", "finishes")
	})
}

// A slow request causes a handoff. Only the end of the connection waits for it.
func TestHandoff(t *testing.T) {
	t.Parallel()
	run(t, 10, func(t *testing.T, c *client) {
		slow, release := c.slow("slow")
		c.incoming <- []func(){c.quick("before"), slow, c.quick("after")}
		c.want(t, "before", "slow starts")
		time.Sleep(5 * time.Millisecond)
		c.want(t, "handoff", "sends", "after", "sends")
		c.incoming <- []func(){c.quick("later")}
		close(c.incoming)
		c.want(t, "later", "sends", "leaves")
		if c.InFlight() != 1 {
			t.Errorf("%d requests are in flight, want 1", c.InFlight())
		}
		release()
		c.want(t, "slow", "sends", "finishes")
		if !c.TakeRequestDone() || c.TakeRequestDone() {
			t.Error("the end of the slow request is not reported once")
		}
	})
}

func TestMaxInFlight(t *testing.T) {
	t.Parallel()
	run(t, 2, func(t *testing.T, c *client) {
		first, releaseFirst := c.slow("first")
		second, releaseSecond := c.slow("second")
		c.incoming <- []func(){first, second, c.quick("third")}
		time.Sleep(10 * time.Millisecond)
		c.want(t, "first starts", "handoff", "second starts", "handoff")
		releaseSecond()
		c.want(t, "second", "sends", "third", "sends")
		close(c.incoming)
		c.want(t, "leaves")
		releaseFirst()
		c.want(t, "first", "sends", "finishes")
	})
}

// The queued requests of a canceled loop are dropped.
func TestCancel(t *testing.T) {
	t.Parallel()
	run(t, 10, func(t *testing.T, c *client) {
		c.incoming <- []func(){func() { c.Cancel() }, c.quick("never")}
		close(c.incoming)
		c.want(t, "sends", "finishes")
		if !c.Canceled() || c.InFlight() != 0 {
			t.Errorf("Canceled is %v, %d requests are in flight", c.Canceled(), c.InFlight())
		}
	})
}

func TestFault(t *testing.T) {
	t.Parallel()
	run(t, 10, func(t *testing.T, c *client) {
		c.incoming <- []func(){func() { panic("oh") }}
		c.want(t, "fault: oh")
	})
}

// A connection that becomes unused is parked once, and continues normally.
func TestPark(t *testing.T) {
	t.Parallel()
	run(t, 10, func(t *testing.T, c *client) {
		c.incoming <- []func(){c.quick("a")}
		c.want(t, "a", "sends")
		time.Sleep(10 * time.Second)
		c.want(t, "parks")
		for range 5 { // a connection in use is not parked
			c.incoming <- []func(){c.quick("b")}
			time.Sleep(500 * time.Millisecond)
			c.want(t, "b", "sends")
		}
		time.Sleep(10 * time.Second)
		c.want(t, "parks")
		close(c.incoming)
		c.want(t, "finishes")
	})
}

// Of many connections with slow requests, each gets all its replies.
func TestManyConnections(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := connloop.NewPool(t.Context(), 10)
		var all []*client
		for range 100 {
			c := newClient(p)
			all = append(all, c)
			p.Go(c.Run)
			go func() {
				for i := range 20 {
					c.incoming <- []func(){func() { time.Sleep(time.Duration(i%4) * time.Millisecond); c.record("%d", i) }}
				}
				close(c.incoming)
			}()
		}
		p.Wait()
		for _, c := range all {
			replies := slices.DeleteFunc(c.events, func(s string) bool { return s[0] < '0' || s[0] > '9' })
			slices.Sort(replies)
			if len(slices.Compact(replies)) != 20 {
				t.Fatalf("the replies are %q", replies)
			}
		}
	})
}
