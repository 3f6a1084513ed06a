// Package owner runs the requests of persistent connections.
//
// A connection has one goroutine that owns it: it reads messages, and runs their requests itself, one after the other,
// so that a quick request costs no more than the work, and the answers to a burst go out in one write. But a request
// that takes its time must hold up neither the others nor the reading. The watchman of the [Pool] sees to that: an owner
// that is still at the same request after a moment loses the connection to a new goroutine, which sends what is ready,
// goes on with the requests that wait, and reads. The old one only answers its request and ends.
package owner

import (
	"slices"
	"sync/atomic"
	"time"
)

// Client is one connection, as its owner uses it: no two of its methods run at the same time.
type Client interface {
	// Next handles the next message that has been read, if it is one that asks for a request by [Conn.Queue].
	Next() Outcome
	// Read waits until more has been read: Handled. Ended is when that was all, Quiet when nothing has come for a while.
	Read() Outcome
	// Abandon leaves the memory of what was read to the requests that still use it.
	Abandon()
	// Finish is the end, when Next or Read has said so and no request is at work any more.
	Finish()
	// Fault is the end after a panic.
	Fault(p any)
}

// Outcome is what became of a message.
type Outcome int

// The outcomes.
const (
	Handled Outcome = iota
	Short           // none has come whole
	Ended           // no more is to be read
	// Quiet is for a client that is silent: it goes on in another goroutine, whose stack has not grown yet. What a request
	// takes of stack would otherwise stay for as long as the connection does; the garbage collector gives back half of it.
	Quiet
)

// Out is the queue of a connection's answers: an outbox.
type Out interface {
	// Ready waits with the client until it has taken enough of the answers before.
	Ready()
	// Send sends what is queued.
	Send()
}

// Job is one request.
type Job interface {
	// Run runs the request and queues its answer. It returns false if another goroutine will, and call [Conn.Late].
	Run() (done bool)
}

// Conn is what is kept for a connection. Set it up with Init.
type Conn struct {
	pool   *Pool
	client Client
	out    Out

	givenUp  atomic.Bool
	working  atomic.Int32  // requests that wait or run
	answered atomic.Int64  // when the last request that was late was answered, in Unix nanoseconds
	wake     chan struct{} // tells the owner that a late request is done; made with the first such

	// Of the watchman, under its lock:
	turn          uint64 // counts the owners
	began         int64  // the look at which the owner's request began
	before, after *Conn  // others whose owners run a request

	// Of the owner alone:
	waiting []Job // from rest on
	rest    int
	unsent  bool // answers wait to be sent
}

// Init prepares the connection.
func (c *Conn) Init(pool *Pool, client Client, out Out) { c.pool, c.client, c.out = pool, client, out }

// GiveUp says that the client is to get no more answers: requests that wait are dropped.
func (c *Conn) GiveUp() { c.givenUp.Store(true) }

// GivenUp reports whether it was given up.
func (c *Conn) GivenUp() bool { return c.givenUp.Load() }

// Working returns how many requests wait or run.
func (c *Conn) Working() int { return int(c.working.Load()) }

// Answered returns when the last request that took its time was answered, a time before 1971 if none was.
func (c *Conn) Answered() time.Time { return time.Unix(0, c.answered.Load()) }

// Queue has a request run when the messages at hand have been handled.
func (c *Conn) Queue(j Job) {
	c.working.Add(1)
	c.waiting = append(c.waiting, j)
}

// Own goes on with the connection until it ends or is lost to another owner.
func (c *Conn) Own() {
	turn := c.turn
	defer func() {
		if p := recover(); p != nil {
			c.client.Fault(p)
		}
	}()
	c.send()
	for ended := false; ; {
		for next := Handled; next == Handled && !ended && !c.full(); {
			next = c.client.Next()
			ended = next == Ended
		}
		switch {
		case len(c.waiting) > 0:
			if !c.runWaiting(turn) {
				return
			}
		case ended:
			for c.working.Load() > 0 {
				<-c.wake
			}
			c.client.Finish()
			return
		case c.full():
			<-c.wake
		default:
			switch c.client.Read() {
			case Ended:
				ended = true
			case Quiet:
				c.pool.Go(c.Own)
				return
			}
		}
	}
}

// full reports whether as many requests are at work as may be.
func (c *Conn) full() bool { return int(c.working.Load()) >= c.pool.maxInFlight }

// runWaiting runs the requests that wait, and sends their answers together; those of a client that was given up it
// drops. It returns false when the connection was lost to another owner.
func (c *Conn) runWaiting(turn uint64) bool {
	for i := range c.waiting {
		next := c.waiting[i]
		c.waiting[i] = nil
		c.rest = i + 1
		c.out.Ready() // not as a request that takes its time: each would have a goroutine
		if c.givenUp.Load() {
			c.working.Add(-1)
			continue
		}
		c.pool.enter(c)
		done := next.Run()
		if !c.pool.leave(c, turn) {
			c.out.Send()
			if done {
				c.Late()
			}
			return false
		}
		if done {
			c.working.Add(-1)
		}
		c.unsent = true
	}
	c.waiting, c.rest = c.waiting[:0], 0
	c.send()
	return true
}

// Late counts out a request that its owner has not waited for, and tells the owner of now, if it waits for that.
func (c *Conn) Late() {
	c.answered.Store(time.Now().UnixNano()) // before it is counted out, or the client would seem idle
	c.working.Add(-1)
	select {
	case c.wake <- struct{}{}:
	default: // whoever waits has been told already
	}
}

// send sends the answers that have gathered.
func (c *Conn) send() {
	if c.unsent {
		c.unsent = false
		c.out.Send()
	}
}

// lose gives the connection another owner. The watchman calls it.
func (c *Conn) lose() {
	c.turn++
	if c.wake == nil {
		c.wake = make(chan struct{}, 1)
	}
	c.waiting, c.rest = slices.Clone(c.waiting[c.rest:]), 0
	c.client.Abandon()
	c.pool.Go(c.Own)
}
