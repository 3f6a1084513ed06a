package actionhero

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// callContext is the context of one request, and a field of the Request. The first call of Done creates the timer. An
// action that never waits therefore needs neither a timer nor a derived context.
//
// Invariant: Err returns nil until it returns an error, and then it returns that error for ever. Done is closed exactly
// if Err returns an error, as far as a caller can tell.
type callContext struct {
	parent context.Context
	calls  *calls        // its ctx ends when the API cancels all running calls
	req    *Request      // nil until the request is dispatched
	limit  time.Duration // counted from req.Started; 0: none

	mu    sync.Mutex
	live  *liveContext
	ended bool
	first firstError // the first error that Err returned while there was no liveContext

	// Used only in the context that is a field of the Request, where they take no memory of their own:
	forwards uint8         // dispatches of the request within its first dispatch
	replayed bool          // the answer is the kept one of an idempotency key
	change   atomic.Uint32 // see Request.changer
}

// firstError is the kind of an error of a callContext. A kind needs less space in each Request than an error.
type firstError uint8

const (
	noError firstError = iota
	wasCanceled
	wasTooLate
	wasParent // the error of the parent
)

// liveContext is the context that provides the channel of callContext.Done.
type liveContext struct {
	context.Context
	cancel context.CancelFunc
}

func (c *callContext) Value(key any) any {
	switch key.(type) {
	case requestKey:
		return c.req
	case identityKey:
		if c.req != nil {
			if id := c.req.identityNow(); id != nil || c.req.isTrusted() {
				return id
			}
			return anonymous
		}
	}
	c.mu.Lock()
	live := c.live
	c.mu.Unlock()
	if live != nil {
		return live.Value(key) // package context finds live by a key, so that a derived context needs no goroutine
	}
	return c.parent.Value(key)
}

func (c *callContext) Deadline() (time.Time, bool) {
	own := time.Time{}
	if c.limit > 0 {
		own = c.req.Started.Add(c.limit)
	}
	if d, ok := c.parent.Deadline(); ok && (own.IsZero() || d.Before(own)) {
		return d, true
	}
	return own, !own.IsZero()
}

// Done returns a channel that is closed when the parent context ends, at the deadline, when the API cancels its calls,
// or when the call ends. The first call of Done creates the context that provides that channel.
func (c *callContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.realize().Done()
}

// realize returns the context behind Done. The caller must hold the lock c.mu. If Err has returned an error already, or
// the call has ended, realize returns a context that has ended.
func (c *callContext) realize() context.Context {
	if c.live != nil {
		return c.live
	}
	live := &liveContext{}
	over := c.check() != nil
	parent := c.parent
	if over && c.first != wasParent {
		parent = context.WithoutCancel(parent) // its error may be another one
	}
	if c.limit > 0 && (!over || c.first == wasTooLate) {
		live.Context, live.cancel = context.WithDeadline(parent, c.req.Started.Add(c.limit))
	} else {
		live.Context, live.cancel = context.WithCancel(parent)
	}
	if over {
		live.cancel()
	} else {
		cancel, stop := live.cancel, context.AfterFunc(c.calls.ctx, live.cancel)
		live.cancel = func() { stop(); cancel() }
	}
	c.live = live
	return live
}

func (c *callContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.check()
}

// check implements Err. The caller must hold the lock c.mu.
func (c *callContext) check() error {
	if c.live != nil && c.first == noError {
		return c.live.Err()
	}
	if c.first == noError {
		switch {
		case c.ended || c.calls.ctx.Err() != nil:
			c.first = wasCanceled
		case c.parent.Err() != nil:
			c.first = wasParent
		case c.limit > 0 && time.Since(c.req.Started) >= c.limit:
			c.first = wasTooLate
		}
	}
	switch c.first {
	case wasCanceled:
		return context.Canceled
	case wasParent:
		return c.parent.Err()
	case wasTooLate:
		return context.DeadlineExceeded
	}
	return nil
}

func (c *callContext) hasEnded() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended
}

// end marks the call as ended, and cancels the context behind Done.
func (c *callContext) end() {
	c.mu.Lock()
	c.ended = true
	live := c.live
	c.mu.Unlock()
	if live != nil {
		live.cancel()
	}
}
