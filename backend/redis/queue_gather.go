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

// splitParts is the number of waiting parts from which on a gatherer with two lanes sends two batches at a time. Then this process
// works while the server does, and the batches are still large.
const splitParts = 32

// gatherer sends the parts of concurrent calls in batches, one after the other, or under load on two lanes. All parts that
// arrive while a batch is under way are in the next ones. So the higher the load, the less each part costs.
type gatherer[P part] struct {
	core *core
	send func(ctx context.Context, lane int, batch []P)
	two  bool                      // there are two lanes
	hold func(ctx context.Context) // nil, or waits before each batch

	mu      sync.Mutex
	waiting []P
	busy    [2]bool // by lane
}

func (g *gatherer[P]) init(c *core, send func(ctx context.Context, lane int, batch []P)) {
	g.core, g.send = c, send
}

// add queues a part. It returns [backend.ErrClosed] if the backend is closed.
func (g *gatherer[P]) add(p P) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting = append(g.waiting, p)
	if g.busy[0] || g.busy[1] || g.begin(0) {
		return nil
	}
	g.waiting = nil
	return backend.ErrClosed
}

// begin makes a lane busy. It returns false if the backend is closed. The caller holds g.mu.
func (g *gatherer[P]) begin(lane int) bool {
	g.busy[lane] = g.core.spawn(func(ctx context.Context, _ *session) { g.sendAll(ctx, lane) })
	return g.busy[lane]
}

func (g *gatherer[P]) sendAll(ctx context.Context, lane int) {
	for {
		runtime.Gosched() // the callers that are about to add a part get into this batch
		if g.hold != nil {
			g.hold(ctx)
		}
		batch := g.next(lane)
		if len(batch) == 0 {
			return
		}
		g.send(ctx, lane, batch)
	}
}

// next returns the next batch for a lane, or nothing, and then the lane is not busy.
func (g *gatherer[P]) next(lane int) []P {
	g.mu.Lock()
	defer g.mu.Unlock()
	most := len(g.waiting)
	if g.two && most >= splitParts && !g.busy[1-lane] && g.begin(1-lane) {
		most /= 2
	}
	batch := g.cut(most)
	g.busy[lane] = len(batch) > 0
	return batch
}

// take returns the next batch for a caller who sends it himself.
func (g *gatherer[P]) take() []P {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.cut(len(g.waiting))
}

// cut removes the next batch, of the first parts that wait and at most this number. The caller holds g.mu.
func (g *gatherer[P]) cut(most int) []P {
	items, bytes, n := 0, 0, 0
	for ; n < most; n++ {
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
