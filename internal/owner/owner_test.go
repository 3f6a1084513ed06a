package owner

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// client is a connection whose messages are jobs; nil is its end.
type client struct {
	conn  Conn
	input chan Job // what has come
	wake  chan struct{}
	next  []Job // what was read

	mu        sync.Mutex
	events    []string
	reads     int
	abandoned int
	finished  chan struct{}
	fault     any
}

func newClient(p *Pool) *client {
	c := &client{input: make(chan Job, 1000), wake: make(chan struct{}, 1), finished: make(chan struct{})}
	c.conn.Init(p, c, c)
	p.Go(func() { c.conn.Use(); c.conn.Own() })
	return c
}

func (c *client) Next() Outcome {
	if len(c.next) == 0 {
		return Short
	}
	j := c.next[0]
	c.next = c.next[1:]
	if j == nil {
		return Ended
	}
	c.conn.Queue(j)
	return Handled
}

func (c *client) Read() Reading {
	c.mu.Lock()
	c.reads++
	c.mu.Unlock()
	for {
		select {
		case j, ok := <-c.input:
			if !ok {
				return All
			}
			c.next = append(c.next, j)
			return More
		case <-c.wake:
			if c.conn.Resting() {
				return Rest
			}
		}
	}
}

func (c *client) Wake() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *client) Abandon() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.abandoned++
}

func (c *client) Finish()     { close(c.finished) }
func (c *client) Fault(p any) { c.fault = p; close(c.finished) }
func (c *client) Ready()      {}
func (c *client) Send()       {}

func (c *client) did(event string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.events = append(c.events, event)
}

func (c *client) all() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.events)
}

func (c *client) readings() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reads
}

// job is a request that takes its time.
type job struct {
	client *client
	name   string
	takes  time.Duration
}

func (j job) Run() bool {
	time.Sleep(j.takes)
	j.client.did(j.name)
	return true
}

type panics struct{}

func (panics) Run() bool { panic("as asked") }

// run runs a test in a bubble, with a pool that it waits for.
func run(t *testing.T, maxInFlight int, test func(t *testing.T, p *Pool)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(maxInFlight)
		test(t, p)
		p.Wait()
	})
}

func TestQuickRequestsKeepTheirOrderAndOwner(t *testing.T) {
	run(t, 100, func(t *testing.T, p *Pool) {
		c := newClient(p)
		for _, name := range []string{"a", "b", "c"} {
			c.input <- job{c, name, 0}
		}
		c.input <- nil
		<-c.finished
		if got := c.all(); !slices.Equal(got, []string{"a", "b", "c"}) || c.abandoned != 0 {
			t.Errorf("the order is %v, with %d changes of the owner", got, c.abandoned)
		}
	})
}

func TestSlowRequestsHoldUpNobody(t *testing.T) {
	run(t, 100, func(t *testing.T, p *Pool) {
		c := newClient(p)
		c.input <- job{c, "slow", time.Minute}
		synctest.Wait()
		c.input <- job{c, "quick", 0}
		time.Sleep(time.Second)
		if got := c.all(); !slices.Equal(got, []string{"quick"}) {
			t.Errorf("after a second there was %v", got)
		}
		if n := c.conn.Working(); n != 1 {
			t.Errorf("%d requests are at work", n)
		}
		begun := time.Now()
		c.input <- nil
		<-c.finished
		if d := time.Since(begun); d < 58*time.Second {
			t.Errorf("the connection ends after %v, before its request", d)
		}
		if got := c.all(); !slices.Equal(got, []string{"quick", "slow"}) || c.abandoned != 1 {
			t.Errorf("the order is %v, with %d changes of the owner", got, c.abandoned)
		}
		if at := c.conn.Answered(); time.Since(at) > time.Second {
			t.Errorf("the last answer was at %v", at)
		}
	})
}

// The end that was read behind slow requests is not forgotten with the owner that read it.
func TestEndBehindSlowRequests(t *testing.T) {
	run(t, 100, func(t *testing.T, p *Pool) {
		c := &client{input: make(chan Job, 1), wake: make(chan struct{}, 1), finished: make(chan struct{})}
		c.conn.Init(p, c, c)
		c.next = []Job{job{c, "a", time.Second}, job{c, "b", time.Second}, nil, job{c, "never", 0}}
		p.Go(c.conn.Own)
		<-c.finished
		if got := c.all(); len(got) != 2 || slices.Contains(got, "never") || c.readings() != 0 {
			t.Errorf("%v was done, and read %d times", got, c.readings())
		}
	})
}

func TestNoMoreThanTheLimitAtATime(t *testing.T) {
	run(t, 3, func(t *testing.T, p *Pool) {
		c := &client{input: make(chan Job, 1), wake: make(chan struct{}, 1), finished: make(chan struct{})}
		c.conn.Init(p, c, c)
		for range 10 {
			c.next = append(c.next, job{c, "x", time.Second})
		}
		c.next = append(c.next, nil)
		p.Go(c.conn.Own)
		time.Sleep(100 * time.Millisecond)
		if n := c.conn.Working(); n != 3 {
			t.Errorf("%d requests are at work, not 3", n)
		}
		<-c.finished
		if n := len(c.all()); n != 10 {
			t.Errorf("%d requests were done, not 10", n)
		}
	})
}

func TestGivenUp(t *testing.T) {
	run(t, 100, func(t *testing.T, p *Pool) {
		c := newClient(p)
		c.conn.GiveUp()
		c.input <- job{c, "x", 0}
		c.input <- nil
		<-c.finished
		if got := c.all(); len(got) != 0 || c.conn.Working() != 0 {
			t.Errorf("%v was done for a client that was given up, %d requests are at work", got, c.conn.Working())
		}
	})
}

// Who has not been in use for a while waits in another goroutine, once, and the watchman then goes home.
func TestRest(t *testing.T) {
	run(t, 100, func(t *testing.T, p *Pool) {
		c := newClient(p)
		for range 3 {
			time.Sleep(3 * time.Second)
			if c.conn.Grown() {
				t.Fatal("it does not rest")
			}
			p.mu.Lock()
			if p.atWork || len(p.grown) != 0 {
				t.Errorf("the watchman is at work: %v, for %d", p.atWork, len(p.grown))
			}
			p.mu.Unlock()
			before := c.readings()
			time.Sleep(time.Hour)
			if c.readings() != before {
				t.Error("it does not rest for long")
			}
			c.input <- job{c, "x", 0}
			synctest.Wait()
			if !c.conn.Grown() {
				t.Error("a request does not count as use")
			}
		}
		close(c.input)
		<-c.finished
		if n := len(c.all()); n != 3 {
			t.Errorf("%d requests were done, not 3", n)
		}
	})
}

func TestFault(t *testing.T) {
	run(t, 100, func(t *testing.T, p *Pool) {
		c := newClient(p)
		c.input <- panics{}
		<-c.finished
		if c.fault != "as asked" {
			t.Errorf("the fault is %v", c.fault)
		}
	})
}
