package actionhero

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// loadGroup holds the running calls of load, by cache key, so that concurrent calls of GetOrLoad can share one.
type loadGroup struct {
	running atomic.Int32 // the number of calls in m, so that a change of the cache without loads takes no lock

	mu sync.Mutex
	m  map[string]*loadCall
}

// loadCall is one call of load, whose result several callers of GetOrLoad may share. The fields raw, err and final may
// be read only after the channel done is closed.
type loadCall struct {
	done  chan struct{}
	raw   []byte
	err   error
	final bool // raw and err are the result for all waiting callers; if false, the next waiting caller runs load

	storing  sync.Mutex // held while the loaded value is stored
	detached bool       // the key has changed since the load began, so the value must not be stored; guarded by storing
}

// getOrLoad returns the JSON under key. If the key has no value, one of the concurrent callers for that key runs load,
// and the others wait for the result of that load.
func (c *Cache) getOrLoad(ctx context.Context, key string, ttl time.Duration, load func() ([]byte, error)) ([]byte, error) {
	for {
		e, err := c.store.Get(ctx, key)
		if err == nil {
			return e.Value, nil
		}
		if !errors.Is(err, backend.ErrNotFound) {
			return nil, storeError(err)
		}
		f, mine := c.loads.join(key)
		if mine {
			c.run(ctx, f, key, ttl, load)
			return f.raw, f.err
		}
		select {
		case <-f.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if f.final {
			return f.raw, f.err
		}
	}
}

// run calls load, stores the loaded JSON under key and wakes the callers that wait for f, even if load panics.
func (c *Cache) run(ctx context.Context, f *loadCall, key string, ttl time.Duration, load func() ([]byte, error)) {
	defer c.loads.end(key, f)
	// Another load may have stored a value since getOrLoad looked into the store.
	if e, err := c.store.Get(ctx, key); err == nil {
		f.raw, f.final = e.Value, true
		return
	}
	if f.raw, f.err = load(); f.err != nil {
		f.final = ctx.Err() == nil
		return
	}
	added, err := c.keep(ctx, f, key, ttl)
	if f.err = storeError(err); f.err == nil && !added {
		if e, err := c.store.Get(ctx, key); err == nil {
			f.raw = e.Value
		}
	}
	f.final = true
}

// keep stores the JSON that f has loaded, unless the key has a value or has changed since the load began.
func (c *Cache) keep(ctx context.Context, f *loadCall, key string, ttl time.Duration) (added bool, err error) {
	f.storing.Lock()
	defer f.storing.Unlock()
	if f.detached {
		return false, nil
	}
	return c.store.Add(ctx, key, f.raw, ttl)
}

// join returns the running loadCall for key. If there is none, join adds a loadCall and returns it with mine = true. In
// that case the caller must run the load.
func (fs *loadGroup) join(key string) (f *loadCall, mine bool) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if f := fs.m[key]; f != nil {
		return f, false
	}
	if fs.m == nil {
		fs.m = make(map[string]*loadCall)
	}
	f = &loadCall{done: make(chan struct{})}
	fs.m[key] = f
	fs.running.Add(1)
	return f, true
}

func (fs *loadGroup) end(key string, f *loadCall) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.remove(key, f)
	close(f.done)
}

// remove makes later callers for key run a load of their own. The caller must hold fs.mu.
func (fs *loadGroup) remove(key string, f *loadCall) {
	if fs.m[key] == f {
		delete(fs.m, key)
		fs.running.Add(-1)
	}
}

// detach makes the running load of key forget its value, because the caller is about to change the value of key. Callers
// that wait for that load already still get its value; later callers run a load of their own. The caller must call
// detach before the change, so that a load that begins after the change began is kept.
func (fs *loadGroup) detach(key string) {
	if fs.running.Load() == 0 {
		return
	}
	fs.mu.Lock()
	f := fs.m[key]
	if f != nil {
		fs.remove(key, f)
	}
	fs.mu.Unlock()
	if f != nil {
		f.detach()
	}
}

// detachAll does the work of detach for all keys with the prefix.
func (fs *loadGroup) detachAll(prefix string) {
	if fs.running.Load() == 0 {
		return
	}
	var detached []*loadCall
	fs.mu.Lock()
	for key, f := range fs.m {
		if strings.HasPrefix(key, prefix) {
			fs.remove(key, f)
			detached = append(detached, f)
		}
	}
	fs.mu.Unlock()
	for _, f := range detached {
		f.detach()
	}
}

// detach waits until the value is stored, if it is being stored, so that the change of the caller comes after it.
func (f *loadCall) detach() {
	f.storing.Lock()
	defer f.storing.Unlock()
	f.detached = true
}
