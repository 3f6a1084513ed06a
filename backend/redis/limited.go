package redis

import (
	"context"
	"sync"
	"time"
)

// limited is a context that ends with its parent, or when the time limit has passed since the first call of Done. A read that
// is answered by a local copy never calls it, and so needs no timer. Like [unhurried], the context shows no deadline.
type limited struct {
	context.Context
	limit time.Duration

	mu     sync.Mutex
	timed  context.Context // nil before the first call of Done
	cancel context.CancelFunc
}

// Done implements context.Context.
func (l *limited) Done() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timed == nil {
		l.timed, l.cancel = context.WithTimeout(l.Context, l.limit)
	}
	return l.timed.Done()
}

// Err implements context.Context.
func (l *limited) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timed == nil {
		return ended(l.Context)
	}
	return ended(l.timed)
}

// Value implements context.Context. Contexts that are made from this one find the one that ends it.
func (l *limited) Value(key any) any {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timed == nil {
		return l.Context.Value(key)
	}
	return l.timed.Value(key)
}

// Deadline implements context.Context.
func (l *limited) Deadline() (time.Time, bool) { return time.Time{}, false }

// release frees what Done has made.
func (l *limited) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cancel != nil {
		l.cancel()
	}
}
