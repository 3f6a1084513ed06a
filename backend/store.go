package backend

import (
	"context"
	"time"
)

// Entry is what a [Store] keeps under a key. Its times have the precision of a millisecond.
type Entry struct {
	Value   []byte    // must not be modified; stays as it is when the key is written again
	Created time.Time // when it was set
	Read    time.Time // when it was read: the time of this very Get
	Expires time.Time // from when on it is not found; zero: never
}

// Store keeps values by key, each until it expires. One store serves the whole cluster.
type Store interface {
	// Set stores a copy of value under key. It replaces whatever was there: the value, when it was created and when it
	// expires. The entry expires once ttl has passed; a ttl of 0 is never. With a negative ttl the entry has expired
	// already, so that Set does what Delete does.
	//
	// It fails with [ErrFull] if there is no memory left for the entry, with [ErrKeyTooLong] and with [ErrClosed]; what
	// was under key before is then still there.
	Set(ctx context.Context, key string, value []byte, ttl time.Duration) error
	// Get returns the entry under key, or [ErrNotFound].
	Get(ctx context.Context, key string) (Entry, error)
	// Delete removes the entry under key, and returns whether there was one that had not expired.
	Delete(ctx context.Context, key string) (bool, error)
	// Len returns the number of entries that have not expired.
	Len(ctx context.Context) (int, error)
}
