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

// CacheOf is the part of the cache that has values of one type, under keys with one prefix. Declare it once, as a variable
// or a field; its methods take the API.
//
//	var Users = actionhero.CacheOf[User]{Prefix: "user:"}
//
//	user, err := Users.GetOrLoad(ctx, api, id, time.Minute, func(ctx context.Context) (User, error) { return db.User(ctx, id) })
//
// Each call gives a value of its own, decoded from JSON; only what JSON says of it survives.
type CacheOf[T any] struct {
	Prefix string // before each key; default: none
}

// Get returns the value under key. The error is [CodeNotFound] when there is none or it has expired, and another when what is
// there is no T.
func (c CacheOf[T]) Get(ctx context.Context, api *API, key string) (T, error) {
	key = c.full(key)
	e, err := api.Cache.store.Get(ctx, key)
	if err != nil {
		var none T
		return none, storeError(err)
	}
	return decode[T](key, e.Value)
}

// Set stores value under key, as [Cache.Set] does.
func (c CacheOf[T]) Set(ctx context.Context, api *API, key string, value T, ttl time.Duration) error {
	key = c.full(key)
	raw, err := encodeValue(key, value)
	if err != nil {
		return err
	}
	defer raw.release()
	return storeError(api.Cache.store.Set(ctx, key, raw.json, ttl))
}

// Add stores value under key if there is none, and reports whether it did. It is otherwise as [CacheOf.Set].
func (c CacheOf[T]) Add(ctx context.Context, api *API, key string, value T, ttl time.Duration) (bool, error) {
	return api.Cache.Add(ctx, c.full(key), value, ttl)
}

// Delete removes the value under key and reports whether there was one.
func (c CacheOf[T]) Delete(ctx context.Context, api *API, key string) (bool, error) {
	return api.Cache.Delete(ctx, c.full(key))
}

// GetOrLoad returns the value under key. If there is none, it calls load, and keeps what that returns for ttl (0: for ever).
//
// However many calls of this process want one key at a time, one of them loads it and the others wait for it. They get
// its error, too, which is not kept; but when the one that loads is given up because its own ctx ends, or panics, the next
// one loads. load must not Fetch the same key: it would wait for itself. Nodes of a cluster load apart from each other.
//
// A value that was stored under key meanwhile is not replaced, and is what Fetch returns. If the value cannot be kept, for
// example because the cache is full, Fetch returns it with the error of [Cache.Set].
func (c CacheOf[T]) GetOrLoad(ctx context.Context, api *API, key string, ttl time.Duration, load func(context.Context) (T, error)) (T, error) {
	key = c.full(key)
	raw, err := api.Cache.fetch(ctx, key, ttl, func() ([]byte, error) {
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

// decode returns the value that raw is the JSON of. A string shares its bytes with raw where it can, which spares the copy;
// nobody may modify what a store returns.
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

// decodeAny is apart from decode, because its value is on the heap.
func decodeAny[T any](key string, raw []byte) (T, error) {
	var value T
	if err := jsonx.Unmarshal(raw, &value); err != nil {
		var none T
		return none, fmt.Errorf("what the cache has under %q is no %T: %w", key, none, err)
	}
	return value, nil
}

// scratch is a value in JSON, in memory that is used again: a store copies what it keeps.
type scratch struct{ json []byte }

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// maxScratch is the largest memory that is kept for the next value, in bytes.
const maxScratch = 64 << 10

// encodeValue returns the JSON of value, to be released after use.
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

// flights are the loads under way, by key.
type flights struct {
	mu sync.Mutex
	m  map[string]*flight
}

// flight is one load. What it came to is there once done is closed.
type flight struct {
	done    chan struct{}
	raw     []byte
	err     error
	settled bool // raw and err are for all who wait; else the next one loads
}

// fetch returns the JSON under key. If there is none, one of the calls that want it at the same time loads it.
func (c *Cache) fetch(ctx context.Context, key string, ttl time.Duration, load func() ([]byte, error)) ([]byte, error) {
	for {
		e, err := c.store.Get(ctx, key)
		if err == nil {
			return e.Value, nil
		}
		if !errors.Is(err, backend.ErrNotFound) {
			return nil, storeError(err)
		}
		f, mine := c.flights.join(key)
		if mine {
			c.run(ctx, f, key, ttl, load)
			return f.raw, f.err
		}
		select {
		case <-f.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if f.settled {
			return f.raw, f.err
		}
	}
}

// run loads, and tells those who wait, even if load panics.
func (c *Cache) run(ctx context.Context, f *flight, key string, ttl time.Duration, load func() ([]byte, error)) {
	defer c.flights.end(key, f)
	// Another load may have ended between the look into the store and the take-off.
	if e, err := c.store.Get(ctx, key); err == nil {
		f.raw, f.settled = e.Value, true
		return
	}
	if f.raw, f.err = load(); f.err != nil {
		f.settled = ctx.Err() == nil
		return
	}
	added, err := c.store.Add(ctx, key, f.raw, ttl)
	if f.err = storeError(err); f.err == nil && !added {
		if e, err := c.store.Get(ctx, key); err == nil {
			f.raw = e.Value
		}
	}
	f.settled = true
}

// join returns the flight for key, and whether it begins with this call.
func (fs *flights) join(key string) (f *flight, mine bool) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if f := fs.m[key]; f != nil {
		return f, false
	}
	if fs.m == nil {
		fs.m = make(map[string]*flight)
	}
	f = &flight{done: make(chan struct{})}
	fs.m[key] = f
	return f, true
}

func (fs *flights) end(key string, f *flight) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	delete(fs.m, key)
	close(f.done)
}
