package actionhero

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// callGate counts the running calls of actions and tasks. During a stop of the API, it rejects new calls.
type callGate struct {
	mu       sync.RWMutex
	closed   bool
	ctx      context.Context // its end cancels the calls that run longer than the grace period of a stop
	cancel   context.CancelFunc
	inFlight sync.WaitGroup
}

// open makes enter accept calls, and creates the context for these calls.
func (g *callGate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = false
	g.ctx, g.cancel = context.WithCancel(context.Background())
}

// close makes enter reject new calls. Calls that entered before continue.
func (g *callGate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
}

// enter counts one more running call and returns ok = true. The caller must call leave when the call has ended. The
// returned ctx is cancelled if the call runs longer than the grace period of a stop. If the gate is closed, enter
// counts nothing and returns ok = false.
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

// cancelGrace is how long a stop still waits for the running calls after it has cancelled their contexts.
const cancelGrace = 5 * time.Second

// wait waits for the running calls to end. When the context grace ends, the contexts of the running calls are
// cancelled, and wait continues for at most cancelGrace. If calls still run after that, wait logs a warning and
// returns.
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
