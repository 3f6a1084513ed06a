package actionhero

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/jsonx"
)

// Cache keeps values under keys for as long as asked: in this process with the embedded backend, shared by all nodes
// in a cluster. Values are whatever encodes as JSON. Keys that begin with "_" are for the server's own parts. It never
// drops a value before its time to make room for another: what does not fit is refused.
//
// It also keeps counters, which are values that [Cache.Increment] adds to, and locks, which have keys of their own; see
// [Cache.Lock]. [CacheOf] is the typed way to the values.
type Cache struct {
	store   backend.Store
	flights flights
}

// CacheEntry is a value as it was loaded. Times are in milliseconds precision.
type CacheEntry struct {
	Value     []byte    // JSON; must not be modified
	ExpiresAt time.Time // when it expires; zero: never
	CreatedAt time.Time
	ReadAt    time.Time // when it was read: this very load
}

// Set stores value under key, replacing what was there. ttl 0 never expires; a negative one is never loaded.
// The error is [CodeResourceExhausted] when the cache is full, [CodeInvalidInput] when value does not encode as JSON or the
// key is too long.
func (c *Cache) Set(ctx context.Context, key string, value any, ttl time.Duration) error {
	raw, err := encodeValue(key, value)
	if err != nil {
		return err
	}
	defer raw.release()
	return storeError(c.store.Set(ctx, key, raw.json, ttl))
}

// Add stores value under key if there is none, and reports whether it did. It is otherwise as [Cache.Set].
func (c *Cache) Add(ctx context.Context, key string, value any, ttl time.Duration) (bool, error) {
	raw, err := encodeValue(key, value)
	if err != nil {
		return false, err
	}
	defer raw.release()
	saved, err := c.store.Add(ctx, key, raw.json, ttl)
	return saved, storeError(err)
}

// Get reads the value of key. The error is [CodeNotFound] when there is none or it has expired.
func (c *Cache) Get(ctx context.Context, key string) (CacheEntry, error) {
	e, err := c.store.Get(ctx, key)
	if err != nil {
		return CacheEntry{}, storeError(err)
	}
	return CacheEntry{Value: e.Value, ExpiresAt: e.Expires, CreatedAt: e.Created, ReadAt: e.Read}, nil
}

// Decode decodes the value into dst, a pointer.
func (e CacheEntry) Decode(dst any) error { return jsonx.Unmarshal(e.Value, dst) }

// Delete removes key and reports whether it was there.
func (c *Cache) Delete(ctx context.Context, key string) (bool, error) {
	was, err := c.store.Delete(ctx, key)
	return was, storeError(err)
}

// Size returns how many values are kept that have not expired. Counters are values, locks are not.
func (c *Cache) Size(ctx context.Context) (int, error) {
	n, err := c.store.Len(ctx)
	return n, storeError(err)
}

// Increment adds by, which may be negative, to the whole number under key and returns the sum, atomically for all nodes.
// If there is no value, the counter begins at by and expires after ttl (0: never); later calls leave that time as it is,
// so that a counter with a ttl counts within a window of that length. [Cache.Get] and [CacheOf] of an integer read it.
//
// The error is [CodeConflict] when the value is no whole number or the sum would not fit 64 bits, and then nothing changes;
// else as of [Cache.Set].
func (c *Cache) Increment(ctx context.Context, key string, by int64, ttl time.Duration) (int64, error) {
	n, err := c.store.Increment(ctx, key, by, ttl)
	return n, storeError(err)
}

// Keys returns the keys that begin with prefix, in no particular order: all for "". It reads them in pages as the loop goes
// on, so it does not need memory for all of them, and those that come and go meanwhile may be missing, or be there twice
// in a cluster. After an error, which comes with an empty key, there are no more.
func (c *Cache) Keys(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for cursor := ""; ; {
			keys, next, err := c.store.Keys(ctx, prefix, cursor, 0)
			if err != nil {
				yield("", storeError(err))
				return
			}
			for _, key := range keys {
				if !yield(key, nil) {
					return
				}
			}
			if cursor = next; cursor == "" {
				return
			}
		}
	}
}

// Clear removes the values of all keys that begin with prefix and returns how many there were. An empty prefix removes
// everything, what the server's own parts have there included. Locks stay.
func (c *Cache) Clear(ctx context.Context, prefix string) (int, error) {
	n, err := c.store.Clear(ctx, prefix)
	return n, storeError(err)
}

// RemoveExpired gives back the memory of what has expired, and returns of how many values and locks. The cache does so by
// itself before long, so nobody needs to call it.
func (c *Cache) RemoveExpired(ctx context.Context) (int, error) {
	n, err := c.store.RemoveExpired(ctx)
	return n, storeError(err)
}

func storeError(err error) error {
	if err == nil {
		return nil
	}
	for _, known := range storeErrors {
		if errors.Is(err, known.err) {
			message := known.message
			if message == "" {
				message = err.Error()
			}
			return &Error{Code: known.code, Message: message, Err: err}
		}
	}
	return err
}

// storeErrors says what to make of an error of the store. Without a message of its own the error is the message.
var storeErrors = []struct {
	err     error
	code    Code
	message string
}{
	{backend.ErrNotFound, CodeNotFound, "Object not found"},
	{backend.ErrFull, CodeResourceExhausted, "The cache is full"},
	{backend.ErrKeyTooLong, CodeInvalidInput, ""},
	{backend.ErrClosed, CodeUnavailable, "The cache is closed"},
	{backend.ErrLocked, CodeConflict, "Somebody else holds the lock"},
	{backend.ErrNotOwner, CodeConflict, "The lock is no longer held"},
	{backend.ErrTTL, CodeInvalidInput, ""},
	{backend.ErrNotCounter, CodeConflict, "The value is no counter"},
	{backend.ErrOverflow, CodeConflict, "The counter is at its limit"},
}
