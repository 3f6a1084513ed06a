package redis

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"github.com/actionhero-go/actionhero/backend"
)

// The limits of one call of a script.
const (
	maxItems = 512
	maxBytes = 1 << 20
)

// part is a call, or a part of one, that a gatherer sends together with others.
type part interface {
	// size returns the number of items and of bytes.
	size() (items, bytes int)
	// end is called with the error once the part was sent. It is not called twice.
	end(err error)
}

// gatherer sends the parts of concurrent calls in batches, one after the other. All parts that arrive while a batch is under
// way are in the next ones. So the higher the load, the less each part costs.
type gatherer[P part] struct {
	core *core
	send func(ctx context.Context, batch []P)
	hold func(ctx context.Context) // nil, or waits before each batch

	mu      sync.Mutex
	waiting []P
	busy    bool
}

func (g *gatherer[P]) init(c *core, send func(ctx context.Context, batch []P)) {
	g.core, g.send = c, send
}

// add queues a part. It returns [backend.ErrClosed] if the backend is closed.
func (g *gatherer[P]) add(p P) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting = append(g.waiting, p)
	if g.busy {
		return nil
	}
	if g.busy = g.core.spawn(g.sendAll); !g.busy {
		g.waiting = nil
		return backend.ErrClosed
	}
	return nil
}

func (g *gatherer[P]) sendAll(ctx context.Context, _ *session) {
	for {
		runtime.Gosched() // the callers that are about to add a part get into this batch
		if g.hold != nil {
			g.hold(ctx)
		}
		batch := g.next()
		if len(batch) == 0 {
			return
		}
		g.send(ctx, batch)
	}
}

// next returns the next batch, or nothing, and then no goroutine is busy.
func (g *gatherer[P]) next() []P {
	g.mu.Lock()
	defer g.mu.Unlock()
	batch := g.cut()
	g.busy = len(batch) > 0
	return batch
}

// take returns the next batch for a caller who sends it himself.
func (g *gatherer[P]) take() []P {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.cut()
}

// cut removes the next batch from the parts that wait. The caller holds g.mu.
func (g *gatherer[P]) cut() []P {
	items, bytes, n := 0, 0, 0
	for ; n < len(g.waiting); n++ {
		i, b := g.waiting[n].size()
		if n > 0 && (items+i > maxItems || bytes+b > maxBytes) {
			break
		}
		items, bytes = items+i, bytes+b
	}
	batch := g.waiting[:n:n]
	if g.waiting = g.waiting[n:]; len(g.waiting) == 0 {
		g.waiting = nil
	}
	return batch
}

// remove takes back a part that is not under way yet. It returns whether it was there.
func (g *gatherer[P]) remove(is func(P) bool) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, p := range g.waiting {
		if is(p) {
			g.waiting = append(g.waiting[:i:i], g.waiting[i+1:]...)
			return true
		}
	}
	return false
}

// errWaiting is the error of a call whose ctx ended before its answer came.
func errWaiting(ctx context.Context, sent bool) error {
	if sent {
		return fmt.Errorf("%w: %w", ctx.Err(), errUnknown)
	}
	return fmt.Errorf("%w: %w", ctx.Err(), errRefused)
}
