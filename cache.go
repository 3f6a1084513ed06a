package actionhero

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/jsonx"
)

// Cache stores values by key until they expire or are deleted. The embedded backend keeps the values in this process; a
// backend for a cluster keeps them in one place for all nodes. A value is anything that encodes as JSON. Keys that
// begin with "_" are reserved for the server. The cache never evicts a value before its expiry: if a new value does not
// fit, the cache refuses the new value.
//
// A counter is an integer value that [Cache.Increment] adds to. A lock never collides with a value, even if the name of
// the lock equals the key of the value; see [Cache.Lock]. [CacheOf] reads and writes values of one Go type.
type Cache struct {
	store  backend.Store
	direct directStore // store, if it has these methods
	loads  loadGroup
}

// directStore has the methods of a store in the memory of this process that serve typed values with less work: a key in
// two parts, values without their times, texts that the store itself writes as JSON. The results are those of Get and Set.
type directStore interface {
	View(prefix, key string) (value []byte, text bool, err error) // text: the value is a JSON string without escapes
	Write(prefix, key string, value []byte, ttl time.Duration) error
	WriteText(prefix, key, text string, ttl time.Duration) error
}

func newCache(store backend.Store) *Cache {
	direct, _ := store.(directStore)
	return &Cache{store: store, direct: direct}
}

// CacheEntry is a value of the cache, with the times at which the value expires, was created and was read. The times
// have a precision of one millisecond.
type CacheEntry struct {
	Value     []byte    // JSON; must not be modified
	ExpiresAt time.Time // zero: the value never expires
	CreatedAt time.Time
	ReadAt    time.Time // when Get read the value
}

// Set encodes value as JSON, stores the JSON under key and replaces an earlier value of that key. The value expires
// after ttl. With a ttl of 0 the value never expires; with a negative ttl it has expired already.
//
// The error is [CodeResourceExhausted] if the cache is full. The error is [CodeInvalidInput] if value does not encode
// as JSON or if key is too long.
func (c *Cache) Set(ctx context.Context, key string, value any, ttl time.Duration) error {
	raw, err := encodeValue("", key, value)
	if err != nil {
		return err
	}
	defer raw.release()
	return storeError(c.store.Set(ctx, key, raw.json, ttl))
}

// Add stores value under key like [Cache.Set], but only if the key has no value yet. Add returns true if it stored the
// value. The errors are those of Cache.Set.
func (c *Cache) Add(ctx context.Context, key string, value any, ttl time.Duration) (bool, error) {
	raw, err := encodeValue("", key, value)
	if err != nil {
		return false, err
	}
	defer raw.release()
	saved, err := c.store.Add(ctx, key, raw.json, ttl)
	return saved, storeError(err)
}

// Get returns the value under key. If the key has no value, or if the value has expired, the error is [CodeNotFound].
func (c *Cache) Get(ctx context.Context, key string) (CacheEntry, error) {
	e, err := c.store.Get(ctx, key)
	if err != nil {
		return CacheEntry{}, storeError(err)
	}
	return CacheEntry{Value: e.Value, ExpiresAt: e.Expires, CreatedAt: e.Created, ReadAt: e.Read}, nil
}

// Decode decodes the JSON in e.Value into dst, which must be a pointer.
func (e CacheEntry) Decode(dst any) error { return jsonx.Unmarshal(e.Value, dst) }

// Delete removes the value under key and returns true if there was a value.
func (c *Cache) Delete(ctx context.Context, key string) (bool, error) {
	was, err := c.store.Delete(ctx, key)
	return was, storeError(err)
}

// Size returns the number of values in the cache that have not expired. Counters are included, locks are not.
func (c *Cache) Size(ctx context.Context) (int, error) {
	n, err := c.store.Len(ctx)
	return n, storeError(err)
}

// Increment adds the argument by to the integer under key and returns the sum. by may be negative. The addition is
// atomic in the whole cluster. If the key has no value, Increment stores by under key, and the counter expires after
// ttl (0: never). Later calls do not change the expiry, so a counter with a ttl counts within a fixed window. To read
// the counter, use [Cache.Get] or a [CacheOf] of an integer type.
//
// The error is [CodeConflict] if the value is not an integer or if the sum does not fit into 64 bits; the value then
// stays unchanged. Other errors are those of [Cache.Set].
func (c *Cache) Increment(ctx context.Context, key string, by int64, ttl time.Duration) (int64, error) {
	n, err := c.store.Increment(ctx, key, by, ttl)
	return n, storeError(err)
}

// Keys returns an iterator over the keys that begin with prefix, in no particular order. An empty prefix selects all
// keys. The iterator reads the keys in pages, so it needs little memory. A key that is added or deleted during the
// iteration may be missing. In a cluster, that key may also appear twice. If a page cannot be read, the iterator yields
// an empty key with the error and ends.
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

// Clear removes the values of all keys that begin with prefix and returns the number of removed values. An empty prefix
// removes all values, even those under the reserved keys of the server. Locks are not removed.
func (c *Cache) Clear(ctx context.Context, prefix string) (int, error) {
	n, err := c.store.Clear(ctx, prefix)
	return n, storeError(err)
}

// RemoveExpired frees the memory of expired values and locks, and returns the number of removed values and locks. An
// app need not call RemoveExpired, because the cache also removes expired values and locks regularly.
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

// storeErrors maps each error of the store to the code and the message of the error for clients. If the message is
// empty, the client reads the text of the store's error.
var storeErrors = []struct {
	err     error
	code    Code
	message string
}{
	{backend.ErrNotFound, CodeNotFound, "Object not found"},
	{backend.ErrFull, CodeResourceExhausted, "The cache is full"},
	{backend.ErrKeyTooLong, CodeInvalidInput, ""},
	{backend.ErrClosed, CodeUnavailable, "The cache is closed"},
	{backend.ErrUnavailable, CodeUnavailable, "The cache cannot be reached now"},
	{backend.ErrLocked, CodeConflict, "Another caller holds the lock"},
	{backend.ErrNotOwner, CodeConflict, "The lock is no longer held"},
	{backend.ErrTTL, CodeInvalidInput, ""},
	{backend.ErrNotCounter, CodeConflict, "The value is no counter"},
	{backend.ErrOverflow, CodeConflict, "The counter is at its limit"},
}
