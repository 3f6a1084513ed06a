package actionhero

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// callGate counts the running calls of actions and tasks. During a stop of the API, it rejects new calls. Each start of
// the API gets a new value of calls, so a call that outlives its stop is no part of the next start.
type callGate struct {
	mu     sync.RWMutex
	closed bool
	calls  *calls
}

// calls counts the running calls of one start of the API.
type calls struct {
	ctx     context.Context // its end cancels the calls that run longer than the grace period of a stop
	cancel  context.CancelFunc
	grace   atomic.Pointer[context.Context] // the grace period of the stop; nil before the stop
	running atomic.Int64                    // the calls, plus 1 until the gate is closed; plus cutCall for each call that ended after grace
	closed  atomic.Bool
	ended   chan struct{} // closed when no call runs

	finished atomic.Int64 // the calls that ended during the stop, within grace
}

// jobCalls is in the place of the calls of a start for the jobs of the workers, which end with their own context.
var jobCalls = &calls{ctx: context.Background()}

// cutCall is the unit in which calls.running counts the calls that the stop has cancelled and that have ended. One
// number has both counts, so that none of the calls is missing, or counted twice, while some of them end.
const cutCall = 1 << 32

// open makes enter accept calls, and counts from zero.
func (g *callGate) open() {
	c := &calls{ended: make(chan struct{})}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.running.Store(1)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed, g.calls = false, c
}

// current returns the calls of the last start.
func (g *callGate) current() *calls {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.calls
}

// close makes enter reject new calls. Calls that entered before continue.
func (g *callGate) close() {
	g.mu.Lock()
	closed, c := g.closed, g.calls
	g.closed = true
	g.mu.Unlock()
	if !closed {
		c.closed.Store(true)
		c.add(-1)
	}
}

// enter counts one more running call. The caller must call leave of the returned value when the call has ended. If the
// gate is closed, enter counts nothing and returns nil.
func (g *callGate) enter() *calls {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.closed {
		return nil
	}
	g.calls.running.Add(1)
	return g.calls
}

// leave counts one running call less. A call that ends after the grace period of a stop is one that the stop has cut,
// however soon it ends. The grace period itself decides: what cancels the call, such as a transport that closes its
// connections, may be faster than any code that waits for the end of the grace period.
func (c *calls) leave() {
	grace, n := c.grace.Load(), int64(-1)
	switch {
	case grace == nil:
	case (*grace).Err() == nil:
		c.finished.Add(1)
	default:
		n += cutCall
	}
	c.add(n)
}

func (c *calls) add(n int64) {
	if int32(c.running.Add(n)) == 0 {
		close(c.ended)
	}
}

// count returns the number of running calls.
func (c *calls) count() int {
	n := int(int32(c.running.Load()))
	if !c.closed.Load() {
		n--
	}
	return max(n, 0)
}

// callCounts says what has become of the calls that ran during a stop.
type callCounts struct {
	finished int // within the grace period
	cut      int // all others
	left     int // those of cut that still run
}

// counts returns the counts at the end of a stop, when the gate is closed.
func (c *calls) counts() callCounts {
	n := c.running.Load()
	left := int(int32(n))
	return callCounts{finished: int(c.finished.Load()), cut: int(n>>32) + left, left: left}
}

// noGrace is the grace period of a stop until the time of the running requests begins.
var noGrace = context.Background()

// beginStop counts the calls that end from now on.
func (c *calls) beginStop() { c.grace.Store(&noGrace) }

// cutBy declares that the calls are cancelled when grace ends. The caller must call the returned function when no call
// may be cancelled for that reason any more.
func (c *calls) cutBy(grace context.Context) (release func() bool) {
	c.grace.Store(&grace)
	return context.AfterFunc(grace, c.cancel)
}

// outcome returns the failure for the client of a call that ended with failure. If the stop of the API has cancelled
// the call, the client may try again at the next process.
func (c *calls) outcome(failure *Error) *Error {
	grace := c.grace.Load()
	if grace == nil || (*grace).Err() == nil {
		return failure
	}
	switch failure.Code {
	case CodeCanceled, CodeDeadlineExceeded, CodeInternal:
		return stopping(failure)
	}
	return failure
}

// retryAfterStop is how long a client should wait before it tries again after a refusal by a server that is stopping.
const retryAfterStop = time.Second

// stopping returns the error for a client whose request the stop of the API refuses or cancels. cause is nil for a
// refused request.
func stopping(cause error) *Error {
	return &Error{Code: CodeUnavailable, Message: stoppingText, RetryAfter: retryAfterStop, Err: cause}
}

// cancelGrace is how long a stop still waits for the running calls after it has cancelled their contexts.
const cancelGrace = 5 * time.Second

// wait waits for the running calls to end. After the end of grace, the calls are cancelled, and wait continues for at
// most cancelGrace, or for lastChance after the end of ctx.
func (c *calls) wait(ctx, grace context.Context, log *slog.Logger) callCounts {
	select {
	case <-c.ended:
	case <-grace.Done():
		_ = patience(ctx, cancelGrace, c.ended)
	}
	counts := c.counts()
	if counts.left > 0 {
		log.Warn("some actions ignore that their context was cancelled; the stop goes on without them", "actions", counts.left)
	}
	return counts
}

// lastChance is how long a step of a stop still has after the context of the stop has ended.
const lastChance = 500 * time.Millisecond

var errNotDone = errors.New("it did not end in time")

// patience waits until done is closed. It returns errNotDone after the time limit, or lastChance after the end of ctx.
func patience(ctx context.Context, limit time.Duration, done <-chan struct{}) error {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-done:
		return nil
	case <-timer.C:
		return errNotDone
	case <-ctx.Done():
	}
	timer.Reset(min(limit, lastChance))
	select {
	case <-done:
		return nil
	case <-timer.C:
		return errNotDone
	}
}
