package actionhero

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// callGate counts the calls in flight and rejects new ones after a stop.
type callGate struct {
	mu       sync.RWMutex
	closed   bool
	ctx      context.Context // ends the calls that run longer than the grace of a stop
	cancel   context.CancelFunc
	inFlight sync.WaitGroup
}

// open lets calls enter.
func (g *callGate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = false
	g.ctx, g.cancel = context.WithCancel(context.Background())
}

// close rejects new calls.
func (g *callGate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
}

// enter counts a call in, unless the gate is closed. The call must end with leave. ctx ends the call if it runs longer
// than the grace of a stop.
func (g *callGate) enter() (ctx context.Context, ok bool) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.closed {
		return nil, false
	}
	g.inFlight.Add(1)
	return g.ctx, true
}

func (g *callGate) leave() { g.inFlight.Done() }

// cancelGrace is how long wait still waits for calls after it has cancelled them.
const cancelGrace = 5 * time.Second

// wait blocks until no call is in flight. When grace ends it has cancelled the calls, and waits up to cancelGrace more.
func (g *callGate) wait(grace context.Context, log *slog.Logger) {
	done := make(chan struct{})
	go func() {
		g.inFlight.Wait()
		close(done)
	}()
	select {
	case <-done:
		return
	case <-grace.Done():
	}
	select {
	case <-done:
	case <-time.After(cancelGrace):
		log.Warn("some actions ignore that their context was cancelled; the stop goes on without them")
	}
}
