package connloop_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/actionhero-go/actionhero/internal/connloop"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// client is a connection whose messages are functions to run as requests; what happens to it is its diary.
type client struct {
	connloop.Loop
	incoming chan []func() // what one read brings; closed at the end
	wake     chan struct{}
	read     []func()

	mu    sync.Mutex
	diary []string
}

func newClient(p *connloop.Pool) *client {
	c := &client{incoming: make(chan []func()), wake: make(chan struct{}, 1)}
	c.Init(p, c, c)
	return c
}

func (c *client) note(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.diary = append(c.diary, fmt.Sprintf(format, args...))
}

// is demands what the diary has, and clears it.
func (c *client) is(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Equal(c.diary, want) {
		t.Errorf("it did %q, want %q", c.diary, want)
	}
	c.diary = nil
}

func (c *client) Next() connloop.NextResult {
	if len(c.read) == 0 {
		return connloop.Incomplete
	}
	run := c.read[0]
	c.read = c.read[1:]
	c.Enqueue(job{c, run})
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
				c.note("rests")
				return connloop.Park
			}
		}
	}
}

func (c *client) Wake()         { c.wake <- struct{}{} }
func (c *client) DetachBuffer() { c.note("loses its owner") }
func (c *client) Finish()       { c.note("finishes") }
func (c *client) Fault(p any)   { c.note("fault: %v", p) }
func (c *client) Ready()        {}
func (c *client) Send()         { c.note("sends") }

type job struct {
	c   *client
	run func()
}

func (j job) Run() bool {
	j.run()
	return true
}

// run has a client served for the length of a test, and waits for all goroutines at the end.
func run(t *testing.T, maxInFlight int, test func(t *testing.T, c *client)) {
	synctest.Test(t, func(t *testing.T) {
		p := connloop.NewPool(maxInFlight)
		c := newClient(p)
		p.Go(c.Run)
		test(t, c)
		p.Wait()
	})
}

// quick is a request that takes no time.
func (c *client) quick(name string) func() { return func() { c.note("%s", name) } }

// slow is one that waits until it is let go.
func (c *client) slow(name string) (run func(), let func()) {
	gate := make(chan struct{})
	return func() {
		c.note("%s begins", name)
		<-gate
		c.note("%s", name)
	}, func() { close(gate) }
}

func TestBurst(t *testing.T) {
	t.Parallel()
	run(t, 10, func(t *testing.T, c *client) {
		c.incoming <- []func(){c.quick("a"), c.quick("b"), c.quick("c")}
		c.is(t, "a", "b", "c", "sends") // in one goroutine, with one write
		c.incoming <- []func(){c.quick("d")}
		close(c.incoming)
		c.is(t, "d", "sends", "finishes")
	})
}

// A request that takes its time loses the connection, and nothing waits for it but the end.
func TestOvertaking(t *testing.T) {
	t.Parallel()
	run(t, 10, func(t *testing.T, c *client) {
		slow, let := c.slow("slow")
		c.incoming <- []func(){c.quick("before"), slow, c.quick("after")}
		c.is(t, "before", "slow begins")
		time.Sleep(5 * time.Millisecond)
		c.is(t, "loses its owner", "sends", "after", "sends")
		c.incoming <- []func(){c.quick("later")}
		close(c.incoming)
		c.is(t, "later", "sends")
		if c.InFlight() != 1 {
			t.Errorf("%d requests are at work", c.InFlight())
		}
		let()
		c.is(t, "slow", "sends", "finishes")
		if c.LastRequestDone() != time.Now() {
			t.Errorf("the late one was answered at %v", c.LastRequestDone())
		}
	})
}

func TestMaxInFlight(t *testing.T) {
	t.Parallel()
	run(t, 2, func(t *testing.T, c *client) {
		first, letFirst := c.slow("first")
		second, letSecond := c.slow("second")
		c.incoming <- []func(){first, second, c.quick("third")}
		time.Sleep(10 * time.Millisecond)
		c.is(t, "first begins", "loses its owner", "second begins", "loses its owner")
		letSecond()
		c.is(t, "second", "sends", "third", "sends")
		letFirst()
		close(c.incoming)
		c.is(t, "first", "sends", "finishes")
	})
}

// What waits for a client that was given up is dropped.
func TestGiveUp(t *testing.T) {
	t.Parallel()
	run(t, 10, func(t *testing.T, c *client) {
		c.incoming <- []func(){func() { c.Cancel() }, c.quick("never")}
		close(c.incoming)
		c.is(t, "sends", "finishes")
		if !c.Canceled() || c.InFlight() != 0 {
			t.Errorf("given up is %v, %d requests are at work", c.Canceled(), c.InFlight())
		}
	})
}

func TestFault(t *testing.T) {
	t.Parallel()
	run(t, 10, func(t *testing.T, c *client) {
		c.incoming <- []func(){func() { panic("oh") }}
		c.is(t, "fault: oh")
	})
}

// A connection that has worked and is not in use rests once, and goes on as if nothing were.
func TestRest(t *testing.T) {
	t.Parallel()
	run(t, 10, func(t *testing.T, c *client) {
		c.incoming <- []func(){c.quick("a")}
		c.is(t, "a", "sends")
		time.Sleep(10 * time.Second)
		c.is(t, "rests")
		for range 5 { // one that is in use does not
			c.incoming <- []func(){c.quick("b")}
			time.Sleep(500 * time.Millisecond)
			c.is(t, "b", "sends")
		}
		time.Sleep(10 * time.Second)
		c.is(t, "rests")
		close(c.incoming)
		c.is(t, "finishes")
	})
}

// Many connections with slow requests, each with the answers to all.
func TestMany(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := connloop.NewPool(10)
		var all []*client
		for range 100 {
			c := newClient(p)
			all = append(all, c)
			p.Go(c.Run)
			go func() {
				for i := range 20 {
					c.incoming <- []func(){func() { time.Sleep(time.Duration(i%4) * time.Millisecond); c.note("%d", i) }}
				}
				close(c.incoming)
			}()
		}
		p.Wait()
		for _, c := range all {
			answers := slices.DeleteFunc(c.diary, func(s string) bool { return strings.ContainsAny(s, "sefil") })
			slices.Sort(answers)
			if len(slices.Compact(answers)) != 20 {
				t.Fatalf("the answers are %q", answers)
			}
		}
	})
}
