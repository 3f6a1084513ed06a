package actionhero

import (
	"context"
	"errors"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/jsonx"
)

// Cache keeps values under keys for as long as asked: in this process with the embedded backend, shared by all nodes
// in a cluster. Values are whatever encodes as JSON. Keys that begin with "_" are for the server's own parts.
type Cache struct {
	store backend.Store
}

// Cached is a value as it was loaded. Times are in milliseconds precision.
type Cached struct {
	Value           []byte    // JSON
	ExpireTimestamp time.Time // when it expires; zero: never
	CreatedAt       time.Time
	ReadAt          time.Time // when it was read: this very load
}

// Save stores value under key, replacing what was there. ttl 0 never expires; a negative one is never loaded.
// The error is [ResourceExhausted] when the cache is full, [InvalidInput] when value does not encode as JSON or the
// key is too long.
func (c *Cache) Save(ctx context.Context, key string, value any, ttl time.Duration) error {
	raw, err := jsonx.Marshal(value)
	if err != nil {
		return Errorf(InvalidInput, "the value for cache key %q does not encode as JSON: %w", key, err)
	}
	return storeError(c.store.Set(ctx, key, raw, ttl))
}

// Load reads the value of key. The error is [NotFound] when there is none or it has expired.
func (c *Cache) Load(ctx context.Context, key string) (Cached, error) {
	e, err := c.store.Get(ctx, key)
	if err != nil {
		return Cached{}, storeError(err)
	}
	return Cached{Value: e.Value, ExpireTimestamp: e.Expires, CreatedAt: e.Created, ReadAt: e.Read}, nil
}

// Decode decodes the value into dst, a pointer.
func (c Cached) Decode(dst any) error { return jsonx.Unmarshal(c.Value, dst) }

// Destroy removes key and reports whether it was there.
func (c *Cache) Destroy(ctx context.Context, key string) (bool, error) {
	was, err := c.store.Delete(ctx, key)
	return was, storeError(err)
}

// Size returns how many values are kept that have not expired.
func (c *Cache) Size(ctx context.Context) (int, error) {
	n, err := c.store.Len(ctx)
	return n, storeError(err)
}

func storeError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, backend.ErrNotFound):
		return &Error{Code: NotFound, Message: "Object not found", Err: err}
	case errors.Is(err, backend.ErrFull):
		return &Error{Code: ResourceExhausted, Message: "The cache is full", Err: err}
	case errors.Is(err, backend.ErrKeyTooLong):
		return &Error{Code: InvalidInput, Message: err.Error(), Err: err}
	case errors.Is(err, backend.ErrClosed):
		return &Error{Code: Unavailable, Message: "The cache is closed", Err: err}
	}
	return err
}
