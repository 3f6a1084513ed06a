// Package connloop runs the requests of persistent connections. Begin reading at [Loop.Run].
//
// Each connection has one goroutine, its loop. The loop reads messages and runs the requests in these messages one
// after the other. A quick request therefore costs no more than its own work, and the replies to a burst of messages go
// out in one write.
//
// A slow request must not delay the other requests of its connection or the reading. A monitor goroutine checks the
// running requests every millisecond. If a request is still running after more than two checks, the monitor hands off
// the connection to a new goroutine. The new goroutine flushes finished replies, runs the queued requests and continues
// reading. The old goroutine finishes its one request, replies and exits.
//
// Each connection has a context, [Loop.Context], which its requests use. It ends when the connection ends: requests that
// are still running then know that no client reads their answer.
//
// Invariants: one goroutine at a time runs the loop of a connection. The methods of a [Conn] never run concurrently,
// except Wake. [Conn.Finish] is called only when no request is in flight. Memory that a request uses after the loop
// continues is never read into again: the loop calls [Conn.DetachBuffer] first. A request that panics or ends its
// goroutine gives its place back.
package connloop

import (
	"runtime"
	"slices"
	"sync/atomic"
	"time"
)

// Conn is a connection of a transport. The [Loop] of the connection calls the methods. No two methods of a Conn run at
// the same time, except Wake.
type Conn interface {
	// Next handles the next message that has been read. If the message contains a request, Next calls [Loop.Enqueue].
	Next() NextResult
	// Read blocks until bytes come, and reads these bytes. It returns EOF if the input ends, and Park if
	// [Loop.ParkRequested] returns true.
	Read() ReadResult
	// Gone reports whether the client has closed the connection in both directions. The loop calls Gone at intervals
	// while it waits for requests and does not read.
	Gone() bool
	// Leave takes the client out of all its rooms. The loop calls Leave as soon as the connection ends, even if requests
	// are still running. Finish may follow at once or later.
	Leave()
	// Wake makes a blocked Read call [Loop.ParkRequested]. Another goroutine calls Wake. If no Read is blocked at that
	// time, Wake makes the next Read call ParkRequested.
	Wake()
	// DetachBuffer replaces the read buffer by a new one, because requests that run or wait still use the old buffer.
	DetachBuffer()
	// Finish ends the connection. After Next has returned Ended or Read has returned EOF, the loop waits until no
	// request is in flight and then calls Finish.
	Finish()
	// Fault ends the connection after a panic of the loop with the value p.
	Fault(p any)
}

// NextResult is the result of [Conn.Next] and decides how the loop continues.
type NextResult int

// The results of [Conn.Next].
const (
	Handled    NextResult = iota // one message was handled
	Incomplete                   // no whole message has been read
	Ended                        // the loop must read no more
)

// ReadResult is the result of [Conn.Read] and decides how the loop continues.
type ReadResult int

// The results of [Conn.Read].
const (
	More ReadResult = iota // more bytes have been read
	EOF                    // nothing more will come
	Park                   // [Loop.ParkRequested] returned true
)

// SendQueue is the queue of a connection's replies, for example a sendqueue.Queue.
type SendQueue interface {
	// Ready blocks while too many bytes of earlier replies wait for the client to read them.
	Ready()
	// Send writes the queued replies to the connection.
	Send()
}

// Request is one request of a client, which the loop of the client's connection runs.
type Request interface {
	// Run runs the request and queues the reply. It returns false if another goroutine runs the request later; that
	// goroutine must then call [Loop.RequestDone]. The request may use the bytes of its message until then.
	Run() (done bool)
}

// Loop is the state of one connection's loop. Set up a Loop with Init, then call Run.
type Loop struct {
	pool *Pool
	conn Conn
	out  SendQueue

	ctx           atomic.Pointer[connContext]
	fault         atomic.Pointer[any] // the panic of a request that was handed off
	lastUsed      atomic.Int64        // the tick at which the connection was last used
	inFlight      atomic.Int32        // requests that are queued or running
	canceled      atomic.Bool
	requestDone   atomic.Bool // RequestDone was called since the last TakeRequestDone
	unparked      atomic.Bool // the goroutine has worked, so its stack is larger than waiting needs
	parkRequested atomic.Bool // Read is to return Park

	// The monitor uses these fields while it holds the lock of the pool:
	handoffs   uint32 // how often the connection was handed off
	startTick  int64  // the tick at which the running request started
	prev, next *Loop  // neighbors in the list of loops that run a request

	wake chan struct{} // wakeUp sends to it; created by the first wait; under the lock of the pool

	// Only the goroutine of the loop uses these fields, except during a handoff:
	queued []Request // from head on
	head   int32
	unsent bool // replies are queued but not sent
	ended  bool // nothing more is to be read
	left   bool // Leave was called
	lent   bool // a request that waits uses the read buffer
}

// Init prepares the loop for the connection conn of pool, whose replies go to out. Init does not start the loop; Run
// does.
func (l *Loop) Init(pool *Pool, conn Conn, out SendQueue) { l.pool, l.conn, l.out = pool, conn, out }

// Cancel makes the loop drop all requests that have not started, including requests that are queued later. It ends the
// context of the connection. Call Cancel when the client can read no more answers.
func (l *Loop) Cancel() {
	l.canceled.Store(true)
	l.endContext()
	l.wakeUp()
}

// wakeUp makes the loop look for changes if the loop waits for requests.
func (l *Loop) wakeUp() {
	l.pool.mu.Lock()
	defer l.pool.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default: // a wake-up is pending already, or the loop has never waited
	}
}

// Canceled reports whether [Loop.Cancel] was called.
func (l *Loop) Canceled() bool { return l.canceled.Load() }

// InFlight returns the number of requests that are queued or running.
func (l *Loop) InFlight() int { return int(l.inFlight.Load()) }

// TakeRequestDone reports whether [Loop.RequestDone] was called since the last call of TakeRequestDone. RequestDone is
// called only for requests that the loop did not wait for.
func (l *Loop) TakeRequestDone() bool { return l.requestDone.Swap(false) }

// Touch marks the connection as used now. Run calls Touch for each message. For work that no message causes, the Conn
// must call Touch.
func (l *Loop) Touch() {
	l.lastUsed.Store(l.pool.tick.Load())
	if !l.unparked.Load() {
		l.pool.addUnparked(l)
	}
}

// ParkRequested reports whether the monitor has requested that Read return Park. It returns true once for each request
// of the monitor. The monitor requests this if the connection has been unused for about a second. The connection then
// continues in a new goroutine with a small stack. Parking must have no other effect on the connection.
func (l *Loop) ParkRequested() bool { return l.parkRequested.CompareAndSwap(true, false) }

// Parked reports whether the connection has been unused since the monitor last parked the connection, that is, moved
// the connection to a new goroutine.
func (l *Loop) Parked() bool { return !l.unparked.Load() }

// Enqueue queues the request r. The loop runs r after it has handled the messages that have been read.
func (l *Loop) Enqueue(r Request) {
	l.inFlight.Add(1)
	l.queued = append(l.queued, r)
}

// step is what the goroutine of a loop does at a time. After a panic, the step decides who continues the loop.
type step int8

const (
	working  step = iota // anything else
	reading              // Next handles a message
	running              // a request runs, which the monitor may hand off
	finished             // the goroutine has nothing more to do
)

// Run runs the loop until the connection ends. Run also returns if the monitor hands off the connection, because a
// request runs for too long, or parks the unused connection. In these cases, Run continues in a new goroutine.
func (l *Loop) Run() {
	handoffs, at := l.handoffs, working
	defer func() {
		if at != finished {
			l.interrupted(recover(), at, handoffs)
		}
	}()
	l.send()
	for l.fault.Load() == nil {
		next := Handled
		for next == Handled && !l.ended && !l.full() {
			at = reading
			next = l.conn.Next()
			if at = working; next == Handled {
				l.Touch()
			}
			l.ended = next == Ended
		}
		switch {
		case len(l.queued) > 0:
			if !l.runQueued(handoffs, &at) {
				at = finished
				return
			}
		case l.ended:
			l.finish()
			at = finished
			return
		case next == Handled: // there may be another message, but too many requests are in flight
			l.wait()
		default:
			switch l.conn.Read() {
			case EOF:
				l.ended = true
			case Park:
				l.goOn()
				at = finished
				return
			}
		}
	}
	at = finished
	l.faulted(*l.fault.Load())
}

// finish waits for the requests in flight and ends the connection.
func (l *Loop) finish() {
	if l.inFlight.Load() > 0 {
		l.leave()
		for l.inFlight.Load() > 0 {
			l.wait()
		}
	}
	l.conn.Finish()
	l.endContext()
}

func (l *Loop) leave() {
	if !l.left {
		l.left = true
		l.conn.Leave()
	}
}

// goneInterval is the time between two checks whether a client has gone while the loop waits for its requests.
const goneInterval = 250 * time.Millisecond

// wait blocks until a request ends. If the client has gone meanwhile, wait cancels the loop.
func (l *Loop) wait() {
	wake := l.wakeChan()
	if l.ended && l.inFlight.Load() == 0 || !l.ended && !l.full() { // they ended before there was a channel
		return
	}
	timer := time.NewTimer(goneInterval)
	defer timer.Stop()
	for !l.canceled.Load() {
		select {
		case <-wake:
			return
		case <-timer.C:
			if l.conn.Gone() {
				l.Cancel()
			}
			timer.Reset(goneInterval)
		}
	}
	if !l.ended {
		l.ended = true
		return
	}
	l.leave()
	<-wake
}

func (l *Loop) wakeChan() chan struct{} {
	l.pool.mu.Lock()
	defer l.pool.mu.Unlock()
	if l.wake == nil {
		l.wake = make(chan struct{}, 1)
	}
	return l.wake
}

// full reports whether the number of requests in flight has reached the limit.
func (l *Loop) full() bool { return int(l.inFlight.Load()) >= l.pool.maxInFlight }

// runQueued runs the queued requests and sends their replies together. If the loop is canceled, runQueued drops the
// requests. It returns false if the monitor has handed off the connection to a new goroutine.
func (l *Loop) runQueued(handoffs uint32, at *step) bool {
	for i := range l.queued {
		next := l.queued[i]
		l.queued[i] = nil
		l.head = int32(i + 1)
		l.out.Ready() // outside of track: waiting for a slow client must not cause a handoff for each request
		if l.canceled.Load() {
			l.inFlight.Add(-1)
			continue
		}
		l.pool.track(l)
		*at = running
		done := next.Run()
		if !l.pool.untrack(l, handoffs) {
			l.out.Send()
			if done {
				l.RequestDone()
			}
			return false
		}
		if *at = working; done {
			l.inFlight.Add(-1)
		} else {
			l.lent = true
		}
		l.unsent = true
	}
	requests := len(l.queued)
	l.queued, l.head = l.queued[:0], 0
	l.takeBack()
	l.sendInTurn(requests > 1)
	return true
}

// sendInTurn is send. If the process has one processor, it lets the other goroutines run once.
//
// After a batch of requests, they run before the write. While the server is busy, the writes of all connections then
// follow each other, and a client that handles several of them is woken once. Waking another process is the largest part
// of a write. After a single request, the others run behind the write. The next request of the client has often come
// when the loop reads, which saves a read that finds nothing and a wait. If nothing else can run, sendInTurn is send.
//
// With several processors, another one would take over the connection, which costs more than it saves.
func (l *Loop) sendInTurn(batch bool) {
	yields := l.pool.yields.Load()
	if yields && batch {
		runtime.Gosched()
	}
	l.send()
	if yields && !batch {
		runtime.Gosched()
	}
}

// takeBack gives the connection a new read buffer if requests that wait use the old one.
func (l *Loop) takeBack() {
	if l.lent {
		l.lent = false
		l.conn.DetachBuffer()
	}
}

// RequestDone records the end of a request that the loop did not wait for. If the loop is waiting for requests to end,
// RequestDone wakes the loop.
func (l *Loop) RequestDone() {
	l.requestDone.Store(true) // before inFlight shrinks, or the client would look idle
	l.inFlight.Add(-1)
	l.wakeUp()
}

// send writes the queued replies to the connection, if there are unsent replies.
func (l *Loop) send() {
	if l.unsent {
		l.unsent = false
		l.out.Send()
	}
}

// beginHandoff makes the loop belong to the monitor, because a request is running for too long. The goroutine of the
// request finishes the request and does not use the loop any more. The caller must hold the lock of the pool.
func (l *Loop) beginHandoff() {
	l.handoffs++
	l.pool.loops.Add(1) // the goroutine of the request may end before handoff
}

// handoff continues the connection in a new goroutine, after beginHandoff.
func (l *Loop) handoff() {
	l.queued, l.head = slices.Clone(l.queued[l.head:]), 0
	l.lent = false
	l.conn.DetachBuffer()
	go l.runLast()
}

// goOn continues the loop in a new goroutine, for which [Pool.Wait] waits. An idle connection keeps what the start of
// its goroutine has allocated, so goOn allocates less than [Pool.Go].
func (l *Loop) goOn() {
	l.pool.loops.Add(1)
	go l.runLast()
}

// runLast runs the loop in a goroutine that counts already.
func (l *Loop) runLast() {
	defer l.pool.loops.Done()
	l.Run()
}
