package actionhero

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/jsonx"
)

// Cache stores values by key until they expire or are deleted: in this process with the embedded backend, in one place
// for all nodes of a cluster. A value is anything that encodes as JSON. Keys that begin with "_" are reserved for the
// server. The cache never evicts a value that has not expired; if a new value does not fit, it is refused.
//
// A counter is a value that [Cache.Increment] adds to. Locks have keys of their own; see [Cache.Lock]. [CacheOf] gives
// typed access to values.
type Cache struct {
	store backend.Store
	loads loadGroup
}

// CacheEntry is a value with its times, which have a precision of one millisecond.
type CacheEntry struct {
	Value     []byte    // JSON; must not be modified
	ExpiresAt time.Time // zero: it never expires
	CreatedAt time.Time
	ReadAt    time.Time // when this Get read it
}

// Set stores value under key and replaces the value there. With a ttl of 0 it never expires; with a negative ttl it has
// expired already. The error is [CodeResourceExhausted] if the cache is full, [CodeInvalidInput] if value does not
// encode as JSON or the key is too long.
func (c *Cache) Set(ctx context.Context, key string, value any, ttl time.Duration) error {
	raw, err := encodeValue(key, value)
	if err != nil {
		return err
	}
	defer raw.release()
	return storeError(c.store.Set(ctx, key, raw.json, ttl))
}

// Add stores value under key if there is none, and reports whether it did. Errors are those of [Cache.Set].
func (c *Cache) Add(ctx context.Context, key string, value any, ttl time.Duration) (bool, error) {
	raw, err := encodeValue(key, value)
	if err != nil {
		return false, err
	}
	defer raw.release()
	saved, err := c.store.Add(ctx, key, raw.json, ttl)
	return saved, storeError(err)
}

// Get returns the value under key. The error is [CodeNotFound] if there is none or it has expired.
func (c *Cache) Get(ctx context.Context, key string) (CacheEntry, error) {
	e, err := c.store.Get(ctx, key)
	if err != nil {
		return CacheEntry{}, storeError(err)
	}
	return CacheEntry{Value: e.Value, ExpiresAt: e.Expires, CreatedAt: e.Created, ReadAt: e.Read}, nil
}

// Decode decodes the value into dst, a pointer.
func (e CacheEntry) Decode(dst any) error { return jsonx.Unmarshal(e.Value, dst) }

// Delete removes key and reports whether there was a value.
func (c *Cache) Delete(ctx context.Context, key string) (bool, error) {
	was, err := c.store.Delete(ctx, key)
	return was, storeError(err)
}

// Size returns the number of values that have not expired. Counters are values, locks are not.
func (c *Cache) Size(ctx context.Context) (int, error) {
	n, err := c.store.Len(ctx)
	return n, storeError(err)
}

// Increment adds by, which may be negative, to the integer under key and returns the sum. It is atomic in the whole
// cluster. If there is no value, the counter starts at by and expires after ttl (0: never). Later calls do not change
// the expiry, so a counter with a ttl counts within a fixed window. [Cache.Get] and [CacheOf] of an integer type read
// it.
//
// The error is [CodeConflict] if the value is not an integer or the sum does not fit into 64 bits; the value stays
// unchanged. Other errors are those of [Cache.Set].
func (c *Cache) Increment(ctx context.Context, key string, by int64, ttl time.Duration) (int64, error) {
	n, err := c.store.Increment(ctx, key, by, ttl)
	return n, storeError(err)
}

// Keys yields the keys that begin with prefix, in no particular order; "" is all keys. It reads them in pages during
// the iteration, so it needs little memory. Keys that are added or deleted during the iteration may be missing, or
// appear twice in a cluster. An error is the last thing it yields, with an empty key.
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

// Clear removes the values of all keys that begin with prefix and returns their number. An empty prefix removes
// everything, the keys of the server included. Locks stay.
func (c *Cache) Clear(ctx context.Context, prefix string) (int, error) {
	n, err := c.store.Clear(ctx, prefix)
	return n, storeError(err)
}

// RemoveExpired frees the memory of expired values and locks, and returns their number. The cache does so regularly, so
// an app need not call it.
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

// storeErrors maps errors of the store to errors for clients. If the message is empty, the error's own text is used.
var storeErrors = []struct {
	err     error
	code    Code
	message string
}{
	{backend.ErrNotFound, CodeNotFound, "Object not found"},
	{backend.ErrFull, CodeResourceExhausted, "The cache is full"},
	{backend.ErrKeyTooLong, CodeInvalidInput, ""},
	{backend.ErrClosed, CodeUnavailable, "The cache is closed"},
	{backend.ErrLocked, CodeConflict, "Another caller holds the lock"},
	{backend.ErrNotOwner, CodeConflict, "The lock is no longer held"},
	{backend.ErrTTL, CodeInvalidInput, ""},
	{backend.ErrNotCounter, CodeConflict, "The value is no counter"},
	{backend.ErrOverflow, CodeConflict, "The counter is at its limit"},
}
