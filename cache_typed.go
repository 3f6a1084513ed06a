package actionhero

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/jsonx"
)

// CacheOf gives typed access to the values of one type under keys with a common prefix. Declare it once, as a variable
// or a field; its methods take the API.
//
//	var Users = actionhero.CacheOf[User]{Prefix: "user:"}
//
//	user, err := Users.GetOrLoad(ctx, api, id, time.Minute, func(ctx context.Context) (User, error) { return db.User(ctx, id) })
//
// Each call returns a new value, decoded from JSON, so only what JSON carries survives.
type CacheOf[T any] struct {
	Prefix string // added before each key; default: none
}

// Get returns the value under key. The error is [CodeNotFound] if there is none or it has expired. A value that does
// not decode as a T is another error.
func (c CacheOf[T]) Get(ctx context.Context, api *API, key string) (T, error) {
	key = c.full(key)
	e, err := api.Cache.store.Get(ctx, key)
	if err != nil {
		var none T
		return none, storeError(err)
	}
	return decode[T](key, e.Value)
}

// Set stores value under key. See [Cache.Set].
func (c CacheOf[T]) Set(ctx context.Context, api *API, key string, value T, ttl time.Duration) error {
	key = c.full(key)
	raw, err := encodeValue(key, value)
	if err != nil {
		return err
	}
	defer raw.release()
	return storeError(api.Cache.store.Set(ctx, key, raw.json, ttl))
}

// Add stores value under key if there is none, and reports whether it did. See [Cache.Add].
func (c CacheOf[T]) Add(ctx context.Context, api *API, key string, value T, ttl time.Duration) (bool, error) {
	return api.Cache.Add(ctx, c.full(key), value, ttl)
}

// Delete removes the value under key and reports whether there was one.
func (c CacheOf[T]) Delete(ctx context.Context, api *API, key string) (bool, error) {
	return api.Cache.Delete(ctx, c.full(key))
}

// GetOrLoad returns the value under key. If there is none, it calls load and stores the result for ttl (0: it never
// expires).
//
// Concurrent calls for one key in this process share one load. They also share its error, which is not stored. If the
// loading call ends because its own ctx ends, or panics, the next waiting call loads. load must not call GetOrLoad for
// the same key: it would wait for itself. Each node of a cluster loads for itself.
//
// A value that another call stored during the load is kept, and GetOrLoad returns it. If the value cannot be stored,
// for example because the cache is full, GetOrLoad returns it together with the error of [Cache.Set].
func (c CacheOf[T]) GetOrLoad(ctx context.Context, api *API, key string, ttl time.Duration, load func(context.Context) (T, error)) (T, error) {
	key = c.full(key)
	raw, err := api.Cache.getOrLoad(ctx, key, ttl, func() ([]byte, error) {
		value, err := load(ctx)
		if err != nil {
			return nil, err
		}
		raw, err := encodeValue(key, value)
		if err != nil {
			return nil, err
		}
		defer raw.release()
		return bytes.Clone(raw.json), nil
	})
	var value T
	if raw != nil {
		var broken error
		if value, broken = decode[T](key, raw); err == nil {
			err = broken
		}
	}
	return value, err
}

// full returns the key in the cache.
func (c CacheOf[T]) full(key string) string {
	if c.Prefix == "" {
		return key
	}
	return c.Prefix + key
}

// decode decodes the JSON in raw. A string without escapes shares the memory of raw, which saves a copy; values of a
// store are immutable.
func decode[T any](key string, raw []byte) (T, error) {
	var value T
	if text, ok := any(&value).(*string); ok && len(raw) > 1 && raw[0] == '"' && raw[len(raw)-1] == '"' {
		if plain, ok := jsonx.Plain(raw); ok {
			*text = jsonx.ViewString(plain)
			return value, nil
		}
	}
	return decodeAny[T](key, raw)
}

// decodeAny is a function of its own because its value escapes to the heap.
func decodeAny[T any](key string, raw []byte) (T, error) {
	var value T
	if err := jsonx.Unmarshal(raw, &value); err != nil {
		var none T
		return none, fmt.Errorf("the cached value of %q is no %T: %w", key, none, err)
	}
	return value, nil
}

// scratch is a reusable buffer for the JSON of a value. A store copies what it keeps.
type scratch struct{ json []byte }

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// maxScratch is the largest buffer in bytes that is reused.
const maxScratch = 64 << 10

// encodeValue returns the JSON of value. The caller must release it.
func encodeValue[T any](key string, value T) (*scratch, error) {
	s := scratches.Get().(*scratch)
	if text, ok := any(value).(string); ok {
		s.json = jsonx.AppendString(s.json[:0], text)
		return s, nil
	}
	var err error
	if s.json, err = jsonx.Append(s.json[:0], value); err != nil {
		s.release()
		return nil, Errorf(CodeInvalidInput, "the value for cache key %q does not encode as JSON: %w", key, err)
	}
	return s, nil
}

func (s *scratch) release() {
	if cap(s.json) <= maxScratch {
		scratches.Put(s)
	}
}

// loadGroup holds the loads in progress, by key.
type loadGroup struct {
	mu sync.Mutex
	m  map[string]*loadCall
}

// loadCall is one load. Its result is valid after done is closed.
type loadCall struct {
	done  chan struct{}
	raw   []byte
	err   error
	final bool // raw and err are valid for all waiting calls; otherwise the next one loads
}

// getOrLoad returns the JSON under key. If there is none, one of the concurrent calls loads it.
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

// run loads and wakes the waiting calls, even if load panics.
func (c *Cache) run(ctx context.Context, f *loadCall, key string, ttl time.Duration, load func() ([]byte, error)) {
	defer c.loads.end(key, f)
	// Another load may have ended since the last look into the store.
	if e, err := c.store.Get(ctx, key); err == nil {
		f.raw, f.final = e.Value, true
		return
	}
	if f.raw, f.err = load(); f.err != nil {
		f.final = ctx.Err() == nil
		return
	}
	added, err := c.store.Add(ctx, key, f.raw, ttl)
	if f.err = storeError(err); f.err == nil && !added {
		if e, err := c.store.Get(ctx, key); err == nil {
			f.raw = e.Value
		}
	}
	f.final = true
}

// join returns the load for key, and whether this call must run it.
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
	return f, true
}

func (fs *loadGroup) end(key string, f *loadCall) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	delete(fs.m, key)
	close(f.done)
}
