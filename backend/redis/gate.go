package redis

import (
	"context"
	"fmt"
	"sync"
)

// gate lets many callers enter at a time, or closes for one of them. Unlike a [sync.RWMutex], its waits end with a context:
// who is inside may wait for the server. The zero gate is open.
type gate struct {
	mu      sync.Mutex
	inside  int
	closed  bool
	changed chan struct{} // closed at the next change; nil while there is no wait
}

// enter waits until the gate is open. If it returns nil, the caller must call leave.
func (g *gate) enter(ctx context.Context) error {
	return g.await(ctx, func() bool {
		if g.closed {
			return false
		}
		g.inside++
		return true
	})
}

func (g *gate) leave() { g.change(func() { g.inside-- }) }

// close closes the gate and waits until all have left. If it returns nil, the caller must call open.
func (g *gate) close(ctx context.Context) error {
	err := g.await(ctx, func() bool {
		if g.closed {
			return false
		}
		g.closed = true
		return true
	})
	if err != nil {
		return err
	}
	if err = g.await(ctx, func() bool { return g.inside == 0 }); err != nil {
		g.open()
	}
	return err
}

func (g *gate) open() { g.change(func() { g.closed = false }) }

// change calls f and wakes all waits.
func (g *gate) change(f func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f()
	if g.changed != nil {
		close(g.changed)
		g.changed = nil
	}
}

// await calls pass after each change until it returns true. If ctx ends before, await returns its error.
func (g *gate) await(ctx context.Context, pass func() bool) error {
	for {
		g.mu.Lock()
		if pass() {
			g.mu.Unlock()
			return nil
		}
		if g.changed == nil {
			g.changed = make(chan struct{})
		}
		changed := g.changed
		g.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ctx.Err(), errRefused)
		}
	}
}
