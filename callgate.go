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
	running atomic.Int64                    // the calls, plus 1 until the gate is closed
	closed  atomic.Bool
	cut     atomic.Int64  // how many calls the end of grace has cancelled
	ended   chan struct{} // closed when running is 0
}

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
		c.leave()
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

func (c *calls) leave() {
	if c.running.Add(-1) == 0 {
		close(c.ended)
	}
}

// count returns the number of running calls.
func (c *calls) count() int64 {
	n := c.running.Load()
	if !c.closed.Load() {
		n--
	}
	return max(n, 0)
}

// cutBy declares that the calls are cancelled when grace ends. The caller must call the returned function when no call
// may be cancelled for that reason any more.
func (c *calls) cutBy(grace context.Context) (release func() bool) {
	c.grace.Store(&grace)
	return context.AfterFunc(grace, func() {
		c.cut.Store(c.count())
		c.cancel()
	})
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
// most cancelGrace, or for lastChance after the end of ctx. wait returns the number of calls that still run.
func (c *calls) wait(ctx, grace context.Context, log *slog.Logger) (left int) {
	select {
	case <-c.ended:
		return 0
	case <-grace.Done():
	}
	if err := patience(ctx, cancelGrace, c.ended); err == nil {
		return 0
	}
	left = int(c.running.Load())
	log.Warn("some actions ignore that their context was cancelled; the stop goes on without them", "actions", left)
	return left
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
