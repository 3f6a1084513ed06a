// Package owner runs the requests of persistent connections.
//
// A connection has one goroutine that owns it: it reads messages, and runs their requests itself, one after the other,
// so that a quick request costs no more than the work, and the answers to a burst go out in one write. But a request
// that takes its time must hold up neither the others nor the reading. The watchman of the [Pool] sees to that: an owner
// that is still at the same request after a moment loses the connection to a new goroutine, which sends what is ready,
// goes on with the requests that wait, and reads. The old one only answers its request and ends.
package connloop

import (
	"slices"
	"sync/atomic"
	"time"
)

// Conn is one connection, as its owner uses it: no two of its methods run at the same time.
type Conn interface {
	// Next handles the next message that has been read, if it is one that asks for a request by [Conn.Enqueue].
	Next() NextResult
	// Read waits until more has been read.
	Read() ReadResult
	// Wake has a Read that waits ask Conn.Resting. It is called by another goroutine, and may come when no Read waits:
	// the next one then asks.
	Wake()
	// DetachBuffer leaves the memory of what was read to the requests that still use it.
	DetachBuffer()
	// Finish is the end, when Next or Read has said so and no request is at work any more.
	Finish()
	// Fault is the end after a panic.
	Fault(p any)
}

// NextResult is what became of a message.
type NextResult int

// The outcomes.
const (
	Handled    NextResult = iota
	Incomplete            // none has come whole
	Ended                 // no more is to be read
)

// ReadResult is what came of reading.
type ReadResult int

// The ends of a Read.
const (
	More ReadResult = iota // there is more
	EOF                    // that was all
	Park                   // [Conn.ParkRequested] said so
)

// SendQueue is the queue of a connection's answers: an outbox.
type SendQueue interface {
	// Ready waits with the client until it has taken enough of the answers before.
	Ready()
	// Send sends what is queued.
	Send()
}

// Request is one request.
type Request interface {
	// Run runs the request and queues its answer. It returns false if another goroutine will, and call [Conn.RequestDone].
	Run() (done bool)
}

// Loop is what is kept for a connection. Set it up with Init.
type Loop struct {
	pool   *Pool
	client Conn
	out    SendQueue

	givenUp  atomic.Bool
	working  atomic.Int32  // requests that wait or run
	answered atomic.Int64  // when the last request that was late was answered, in Unix nanoseconds
	wake     chan struct{} // tells the owner that a late request is done; made with the first such
	used     atomic.Int64  // the look at which it was last in use
	grown    atomic.Bool   // its goroutine has worked, so that its stack is larger than waiting needs
	resting  atomic.Bool   // it is to wait with a smaller one

	// Of the watchman, under its lock:
	turn          uint64 // counts the owners
	began         int64  // the look at which the owner's request began
	before, after *Loop  // others whose owners run a request

	// Of the owner alone:
	waiting []Request // from next on
	next    int
	unsent  bool // answers wait to be sent
	ended   bool // no more is to be read
}

// Init prepares the connection.
func (c *Loop) Init(pool *Pool, client Conn, out SendQueue) {
	c.pool, c.client, c.out = pool, client, out
}

// Cancel says that the client is to get no more answers: requests that wait are dropped.
func (c *Loop) Cancel() { c.givenUp.Store(true) }

// Canceled reports whether it was given up.
func (c *Loop) Canceled() bool { return c.givenUp.Load() }

// InFlight returns how many requests wait or run.
func (c *Loop) InFlight() int { return int(c.working.Load()) }

// LastRequestDone returns when the last request that took its time was answered, a time before 1971 if none was.
func (c *Loop) LastRequestDone() time.Time { return time.Unix(0, c.answered.Load()) }

// Touch says that the connection is in use now. Own does so for each message; the client does it for work of its own.
func (c *Loop) Touch() {
	c.used.Store(c.pool.look.Load())
	if !c.grown.Load() {
		c.pool.addGrown(c)
	}
}

// ParkRequested reports, once, whether a Read is to return Rest: the connection has not been in use for a while, and another
// goroutine, whose stack has not grown, will do the waiting. Nothing else may change by it.
func (c *Loop) ParkRequested() bool { return c.resting.CompareAndSwap(true, false) }

// Parked reports whether the connection has been in use since it last began to rest.
func (c *Loop) Parked() bool { return !c.grown.Load() }

// Enqueue has a request run when the messages at hand have been handled.
func (c *Loop) Enqueue(j Request) {
	c.working.Add(1)
	c.waiting = append(c.waiting, j)
}

// Run goes on with the connection until it ends or is lost to another owner.
func (c *Loop) Run() {
	turn := c.turn
	defer func() {
		if p := recover(); p != nil {
			c.client.Fault(p)
		}
	}()
	c.send()
	for {
		next := Handled
		for next == Handled && !c.ended && !c.full() {
			if next = c.client.Next(); next == Handled {
				c.Touch()
			}
			c.ended = next == Ended
		}
		switch {
		case len(c.waiting) > 0:
			if !c.runWaiting(turn) {
				return
			}
		case c.ended:
			for c.working.Load() > 0 {
				<-c.wake
			}
			c.client.Finish()
			return
		case next == Handled: // there may be more, but too many requests were at work
			<-c.wake
		default:
			switch c.client.Read() {
			case EOF:
				c.ended = true
			case Park:
				c.pool.Go(c.Run)
				return
			}
		}
	}
}

// full reports whether as many requests are at work as may be.
func (c *Loop) full() bool { return int(c.working.Load()) >= c.pool.maxInFlight }

// runWaiting runs the requests that wait, and sends their answers together; those of a client that was given up it
// drops. It returns false when the connection was lost to another owner.
func (c *Loop) runWaiting(turn uint64) bool {
	for i := range c.waiting {
		next := c.waiting[i]
		c.waiting[i] = nil
		c.next = i + 1
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
				c.RequestDone()
			}
			return false
		}
		if done {
			c.working.Add(-1)
		}
		c.unsent = true
	}
	c.waiting, c.next = c.waiting[:0], 0
	c.send()
	return true
}

// RequestDone counts out a request that its owner has not waited for, and tells the owner of now, if it waits for that.
func (c *Loop) RequestDone() {
	c.answered.Store(time.Now().UnixNano()) // before it is counted out, or the client would seem idle
	c.working.Add(-1)
	select {
	case c.wake <- struct{}{}:
	default: // whoever waits has been told already
	}
}

// send sends the answers that have gathered.
func (c *Loop) send() {
	if c.unsent {
		c.unsent = false
		c.out.Send()
	}
}

// lose gives the connection another owner. The watchman calls it.
func (c *Loop) lose() {
	c.turn++
	if c.wake == nil {
		c.wake = make(chan struct{}, 1)
	}
	c.waiting, c.next = slices.Clone(c.waiting[c.next:]), 0
	c.client.DetachBuffer()
	c.pool.Go(c.Run)
}
