package actionhero

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// loadLease is the time after which another caller runs a load whose caller has not come back, for example because its
// process died.
const loadLease = 30 * time.Second

// loadGroup holds the loads that run in this process, by the ids that the backend has given them, so that concurrent
// callers can share the result of a load.
type loadGroup struct {
	mu sync.Mutex
	m  map[string]*loadCall
}

// loadCall is one call of load. The fields raw, err and final may be read only after the channel done is closed.
type loadCall struct {
	done  chan struct{}
	raw   []byte
	err   error
	final bool // raw and err are the result for all waiting callers; if false, the next waiting caller runs load
}

// getOrLoad returns the JSON under key. If the key has no value, one of the concurrent callers in the cluster runs load,
// and the others wait for the result of that load. Only callers of the same node share an error.
func (c *Cache) getOrLoad(ctx context.Context, key string, ttl time.Duration, load func() ([]byte, error)) ([]byte, error) {
	for {
		e, id, mine, err := c.store.Reserve(ctx, key, loadLease)
		switch {
		case err != nil:
			return nil, storeError(err)
		case id == "":
			return e.Value, nil
		case mine:
			return c.load(ctx, key, id, ttl, load)
		}
		if f := c.loads.find(id); f != nil {
			select {
			case <-f.done:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
			if f.final {
				return f.raw, f.err
			}
		} else if err := c.store.AwaitLoad(ctx, key, id); err != nil {
			return nil, storeError(err)
		}
	}
}

// load calls load, stores the loaded JSON under key and wakes the callers that wait for it, even if load panics.
func (c *Cache) load(ctx context.Context, key, id string, ttl time.Duration, load func() ([]byte, error)) ([]byte, error) {
	f := c.loads.begin(id)
	ended := false
	defer func() {
		if !ended {
			c.giveUp(ctx, key, id)
		}
		c.loads.end(id)
	}()
	if f.raw, f.err = load(); f.err != nil {
		f.final = ctx.Err() == nil
		return nil, f.err
	}
	stored, err := c.store.Fill(context.WithoutCancel(ctx), key, id, f.raw, ttl) // others may wait for the value
	ended = err == nil
	if f.err = storeError(err); err == nil && !stored {
		// The key has changed meanwhile: a value that another caller has set is newer than the loaded one.
		if e, err := c.store.Get(ctx, key); err == nil {
			f.raw = e.Value
		} else if !errors.Is(err, backend.ErrNotFound) {
			f.err = storeError(err)
		}
	}
	f.final = true
	return f.raw, f.err
}

// giveUpTime bounds the call that tells the store that a load has failed. If that call fails, the load ends with loadLease.
const giveUpTime = 500 * time.Millisecond

// giveUp ends a load without a value, so that another caller can load it.
func (c *Cache) giveUp(ctx context.Context, key, id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), giveUpTime)
	defer cancel()
	_, _ = c.store.Fill(ctx, key, id, nil, 0)
}

// find returns the load with this id, or nil if it does not run in this process.
func (g *loadGroup) find(id string) *loadCall {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.m[id]
}

func (g *loadGroup) begin(id string) *loadCall {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.m == nil {
		g.m = map[string]*loadCall{}
	}
	f := &loadCall{done: make(chan struct{})}
	g.m[id] = f
	return f
}

func (g *loadGroup) end(id string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.m[id].done)
	delete(g.m, id)
}
