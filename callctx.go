package actionhero

import (
	"context"
	"sync"
	"time"
)

// callContext is the context of one request, and a field of the Request. The first call of Done creates the timer. An
// action that never waits therefore needs neither a timer nor a derived context.
type callContext struct {
	parent   context.Context
	calls    context.Context // ends when the API cancels all running calls
	req      *Request
	deadline time.Time // zero: none

	mu     sync.Mutex
	real   context.Context
	cancel context.CancelFunc
	ended  bool
}

func (c *callContext) Value(key any) any {
	if _, ok := key.(requestKey); ok {
		return c.req
	}
	return c.parent.Value(key)
}

func (c *callContext) Deadline() (time.Time, bool) {
	if d, ok := c.parent.Deadline(); ok && (c.deadline.IsZero() || d.Before(c.deadline)) {
		return d, true
	}
	return c.deadline, !c.deadline.IsZero()
}

// Done returns a channel that is closed when the parent context ends, at the deadline, when the API cancels its calls,
// or when the call ends. The first call of Done creates the real context, which provides that channel.
func (c *callContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.realize().Done()
}

func (c *callContext) realize() context.Context {
	if c.real != nil {
		return c.real
	}
	var cancel context.CancelFunc
	if c.deadline.IsZero() {
		c.real, cancel = context.WithCancel(c.parent)
	} else {
		c.real, cancel = context.WithDeadline(c.parent, c.deadline)
	}
	stop := context.AfterFunc(c.calls, cancel)
	c.cancel = func() { stop(); cancel() }
	if c.ended {
		c.cancel()
	}
	return c.real
}

func (c *callContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.real != nil:
		return c.real.Err()
	case c.ended || c.calls.Err() != nil:
		return context.Canceled
	case c.parent.Err() != nil:
		return c.parent.Err()
	case !c.deadline.IsZero() && !time.Now().Before(c.deadline):
		return context.DeadlineExceeded
	}
	return nil
}

// end marks the call as ended. If Done has created the real context, end cancels that context.
func (c *callContext) end() {
	c.mu.Lock()
	c.ended = true
	cancel := c.cancel
	c.mu.Unlock()
	if cancel != nil {
		cancel()
	}
}
