package actionhero

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/decode"
	"github.com/actionhero-go/actionhero/internal/encode"
	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/poison"
)

// CacheOf reads and writes values of the Go type T in the cache, under keys with a common prefix. Declare a CacheOf
// once, as a variable or a field. Each method takes an API and uses the cache of that API.
//
//	var Users = actionhero.CacheOf[User]{Prefix: "user:"}
//
//	user, err := Users.GetOrLoad(ctx, api, id, time.Minute, func(ctx context.Context) (User, error) { return db.User(ctx, id) })
//
// Each call decodes a new value from JSON, so fields that JSON does not carry are lost.
type CacheOf[T any] struct {
	Prefix string // added before each key; default: none
}

// Get returns the value under key, decoded as a T. If the key has no value, or if the value has expired, the error is
// [CodeNotFound]. If the value does not decode as a T, the error wraps the cause and is not CodeNotFound.
func (c CacheOf[T]) Get(ctx context.Context, api *API, key string) (T, error) {
	value, err := c.get(ctx, api.Cache, key)
	return value, storeError(err)
}

// get does the work of Get, and returns the store's own error.
func (c CacheOf[T]) get(ctx context.Context, cache *Cache, key string) (T, error) {
	var raw []byte
	var isText bool
	var err error
	if cache.direct != nil {
		raw, isText, err = cache.direct.View(c.Prefix, key)
	} else {
		var e backend.Entry
		e, err = cache.store.Get(ctx, c.full(key))
		raw = e.Value
	}
	var value T
	if err != nil {
		return value, err
	}
	if text, ok := any(&value).(*string); ok && isText {
		*text = jsonx.ViewString(raw[1 : len(raw)-1])
		return value, nil
	}
	return decodeValue[T](c.Prefix, key, raw)
}

// Set encodes value as JSON and stores it under key. [Cache.Set] documents ttl and the errors.
func (c CacheOf[T]) Set(ctx context.Context, api *API, key string, value T, ttl time.Duration) error {
	direct := api.Cache.direct
	if direct == nil {
		return api.Cache.Set(ctx, c.full(key), value, ttl)
	}
	if text, ok := any(value).(string); ok {
		return storeError(direct.WriteText(c.Prefix, key, text, ttl))
	}
	raw, err := encodeValue(c.Prefix, key, value)
	if err != nil {
		return err
	}
	defer raw.release()
	return storeError(direct.Write(c.Prefix, key, raw.json, ttl))
}

// Add stores value under key, but only if the key has no value yet. Add returns true if it stored the value.
// [Cache.Add] documents ttl and the errors.
func (c CacheOf[T]) Add(ctx context.Context, api *API, key string, value T, ttl time.Duration) (bool, error) {
	return api.Cache.Add(ctx, c.full(key), value, ttl)
}

// Delete removes the value under key and returns true if there was a value.
func (c CacheOf[T]) Delete(ctx context.Context, api *API, key string) (bool, error) {
	return api.Cache.Delete(ctx, c.full(key))
}

// Keys returns an iterator over the keys that begin with Prefix followed by the argument prefix, without Prefix. It
// behaves like [Cache.Keys].
func (c CacheOf[T]) Keys(ctx context.Context, api *API, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for key, err := range api.Cache.Keys(ctx, c.full(prefix)) {
			if !yield(strings.TrimPrefix(key, c.Prefix), err) {
				return
			}
		}
	}
}

// Clear removes the values of all keys that begin with Prefix followed by the argument prefix, and returns the number of
// removed values. With an empty prefix it removes all values of this CacheOf; if Prefix is empty too, it removes all
// values of the cache.
func (c CacheOf[T]) Clear(ctx context.Context, api *API, prefix string) (int, error) {
	return api.Cache.Clear(ctx, c.full(prefix))
}

// GetOrLoad returns the value under key. If the key has no value, GetOrLoad calls load, stores the loaded value for ttl
// (0: it never expires) and returns that value.
//
// Concurrent calls for one key share one call of load, in the whole cluster. Calls on the same node also share the error
// of load, which is not stored. If the caller that runs load panics, or if its ctx ends, the next waiting caller runs
// load. If load takes longer than 30 seconds, another caller may run load, too. load must not call GetOrLoad for the
// same key, because that call would wait for load itself.
//
// If another call stores a value under key while load runs, GetOrLoad keeps and returns that value. If the key is set,
// deleted or cleared on any node while load runs, the loaded value is not stored, because it may be older than that
// change, and later calls of GetOrLoad run load again. If the loaded value
// cannot be stored, for example because the cache is full, GetOrLoad returns the loaded value together with the error
// of [Cache.Set].
func (c CacheOf[T]) GetOrLoad(ctx context.Context, api *API, key string, ttl time.Duration, load func(context.Context) (T, error)) (T, error) {
	if api.Cache.direct != nil { // a first look is cheap
		if value, err := c.get(ctx, api.Cache, key); !errors.Is(err, backend.ErrNotFound) {
			return value, storeError(err)
		}
	}
	key = c.full(key)
	raw, err := api.Cache.getOrLoad(ctx, key, ttl, func() ([]byte, error) {
		value, err := load(ctx)
		if err != nil {
			return nil, err
		}
		raw, err := encodeValue("", key, value)
		if err != nil {
			return nil, err
		}
		defer raw.release()
		return bytes.Clone(raw.json), nil
	})
	var value T
	if raw != nil {
		var broken error
		if value, broken = decodeValue[T]("", key, raw); err == nil {
			err = broken
		}
	}
	return value, err
}

// full returns c.Prefix followed by key: the key under which the cache stores the value.
func (c CacheOf[T]) full(key string) string {
	if c.Prefix == "" {
		return key
	}
	return c.Prefix + key
}

// decodeValue decodes the JSON in raw into a T; prefix and key are for the error text. A decoded string may share the memory
// of raw, which saves a copy. This is safe because the values of a store are immutable.
func decodeValue[T any](prefix, key string, raw []byte) (T, error) {
	var value T
	if text, ok := any(&value).(*string); ok && len(raw) > 1 && raw[0] == '"' && raw[len(raw)-1] == '"' {
		if plain, ok := jsonx.Plain(raw); ok {
			*text = jsonx.ViewString(plain)
			return value, nil
		}
	}
	value, err := decode.Unmarshal[T](raw)
	if err != nil {
		var none T
		return none, fmt.Errorf("the cached value of %q is no %T: %w", prefix+key, none, err)
	}
	return value, nil
}

// scratch is a reusable buffer for the JSON of a value. The buffer can be reused after a call of the store, because the
// store copies the JSON that it keeps.
type scratch struct{ json []byte }

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// maxScratch is the maximum capacity in bytes of a buffer that is kept for reuse.
const maxScratch = 64 << 10

// encodeValue encodes value as JSON into a pooled buffer. The caller must call release on the returned buffer when it
// no longer needs the JSON. If value does not encode, the error is [CodeInvalidInput] and names the cache key.
func encodeValue[T any](prefix, key string, value T) (*scratch, error) {
	s := scratches.Get().(*scratch)
	if text, ok := any(value).(string); ok {
		s.json = jsonx.AppendString(s.json[:0], text)
		return s, nil
	}
	var err error
	if s.json, err = encode.Append(s.json[:0], value); err != nil {
		s.release()
		return nil, Errorf(CodeInvalidInput, "the value for cache key %q does not encode as JSON: %v", prefix+key, err)
	}
	return s, nil
}

func (s *scratch) release() {
	if poison.Bytes(s.json); cap(s.json) <= maxScratch {
		scratches.Put(s)
	}
}
