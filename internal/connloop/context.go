package connloop

import (
	"context"
	"errors"
)

// errGone is the cause with which the context of a connection ends.
var errGone = errors.New("the connection of the client has ended")

// connContext is the context of a connection with its cancel function.
type connContext struct {
	context.Context
	cancel context.CancelCauseFunc
}

// Context returns the context of the connection, a child of the context of the pool. It ends with [Loop.Cancel] and
// when the connection is finished. The first call creates it.
func (l *Loop) Context() context.Context {
	if c := l.ctx.Load(); c != nil {
		return c
	}
	c := new(connContext)
	c.Context, c.cancel = context.WithCancelCause(l.pool.ctx)
	if !l.ctx.CompareAndSwap(nil, c) {
		c.cancel(errGone)
	} else if l.canceled.Load() {
		l.endContext()
	}
	return l.ctx.Load()
}

// PoolContext returns the context of the pool, for work at the beginning of a connection that no request has caused. A
// connection that has run no request needs no context of its own.
func (l *Loop) PoolContext() context.Context { return l.pool.ctx }

func (l *Loop) endContext() {
	if c := l.ctx.Load(); c != nil {
		c.cancel(errGone)
	}
}
