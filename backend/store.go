package backend

import (
	"context"
	"errors"
	"time"
)

// The errors that only a [Store] returns.
var (
	// ErrNotCounter means that the entry to increment is not a counter.
	ErrNotCounter = errors.New("the entry is not a counter: increment only a whole number in decimal digits, or delete the entry first")
	// ErrOverflow means that a counter would leave the range of an int64. The counter is unchanged.
	ErrOverflow = errors.New("the counter would leave the range of 64 bits: delete it to start again")
	// ErrLocked means that the lock is held.
	ErrLocked = errors.New("the lock is held: try again later, or wait for it")
	// ErrNotOwner means that the token does not hold the lock: the lock expired or was unlocked. Another owner may hold it
	// by now.
	ErrNotOwner = errors.New("the lock is not, or no longer, held with this token: stop the work that it protects, and lock it again")
	// ErrTTL means that the ttl of a lock is not above 0.
	ErrTTL = errors.New("a lock needs a ttl above 0: the ttl frees the lock if its owner dies")
	// ErrCursor means that the cursor was not returned by [Store.Keys].
	ErrCursor = errors.New("the cursor is invalid: start with an empty one and continue with the one that Keys returned")
)

// MaxKeys is the maximum number of keys that one call of [Store.Keys] returns.
const MaxKeys = 1000

// Entry is a value in a [Store]. Its times have millisecond precision.
type Entry struct {
	Value   []byte    // must not be modified; does not change when the key is set again
	Created time.Time // the time of the Set
	Read    time.Time // the time of this Get
	Expires time.Time // from this time on Get does not find it; zero: never expires
}

// Lock is a held lock.
type Lock struct {
	Token   string    // proves the ownership to Unlock and Refresh; unguessable
	Fence   uint64    // larger than the fence of every earlier lock of the key; never 0
	Expires time.Time // from this time on another owner can get it, in milliseconds
}

// Store stores values by key, each until it expires, and locks. One store serves the whole cluster.
//
// Locks have a key space of their own. A lock and an entry with the same key are independent, and only the lock methods
// see locks. Entries, counters and locks share the memory limit.
//
// Every method except Keys and Clear is atomic: concurrent calls, from any node, have the result of some sequential
// order.
type Store interface {
	// Set stores a copy of value under key. It replaces the previous entry: its value, creation time and expiry. The entry
	// expires after ttl; a ttl of 0 means never. With a negative ttl the entry has already expired, so Set does what Delete
	// does.
	//
	// Set fails with [ErrFull] if there is no memory for the entry, with [ErrKeyTooLong] and with [ErrClosed]. If it fails,
	// the previous entry is unchanged.
	Set(ctx context.Context, key string, value []byte, ttl time.Duration) error
	// Add does what Set does if there is no entry under key, and returns true. If there is an entry, Add changes nothing
	// and returns false.
	Add(ctx context.Context, key string, value []byte, ttl time.Duration) (bool, error)
	// Get returns the entry under key, or [ErrNotFound].
	Get(ctx context.Context, key string) (Entry, error)
	// Delete removes the entry under key. It returns whether there was an entry that had not expired.
	Delete(ctx context.Context, key string) (bool, error)
	// Increment adds by, which may be negative, to the counter under key and returns the sum. A counter is an entry whose
	// value is a whole number in the format of [strconv.FormatInt] in base 10, so Set can set it and Get can read it. If
	// there is no entry, Increment creates a counter with the value by that expires after ttl, as in Set. If there is one,
	// Increment ignores ttl and keeps the counter's creation time and expiry.
	//
	// Increment fails as Set does, with [ErrNotCounter] and with [ErrOverflow]. If it fails, nothing changes.
	Increment(ctx context.Context, key string, by int64, ttl time.Duration) (int64, error)
	// Keys returns at most limit of the keys that begin with prefix, in no particular order, and the cursor of the next
	// page. The cursor of the first page is empty. An empty next cursor means that there are no more keys. A page may be
	// short or empty although more pages follow. If limit is not between 1 and [MaxKeys], it is MaxKeys.
	//
	// A key that exists from the first page to the last is returned. A key that is added or removed in between may be
	// missing. While keys are added or removed, a store may return a key on more than one page. A cursor is valid until
	// Close.
	Keys(ctx context.Context, prefix, cursor string, limit int) (keys []string, next string, err error)
	// Clear removes the entries whose keys begin with prefix. It returns the number of removed entries that had not
	// expired. An entry that is set while Clear runs may be removed or not.
	Clear(ctx context.Context, prefix string) (int, error)
	// Len returns the number of entries that have not expired.
	Len(ctx context.Context) (int, error)
	// RemoveExpired frees the memory of expired entries and locks, and returns their number. Calling it is optional: a store
	// does it in the background.
	RemoveExpired(ctx context.Context) (int, error)

	// Lock acquires the lock of key for ttl. If the lock is held, Lock fails with [ErrLocked]. Only the owner can free a
	// lock before it expires, and it never expires early.
	//
	// The resource that the lock protects should refuse a fence that is lower than one it has seen: a paused owner may not
	// know that its lock has expired. Fences are not consecutive.
	//
	// Lock also fails with [ErrTTL], [ErrFull], [ErrKeyTooLong] and [ErrClosed].
	Lock(ctx context.Context, key string, ttl time.Duration) (Lock, error)
	// LockWait does what Lock does, but blocks until it gets the lock. It fails with ctx's error once ctx ends, and with
	// [ErrClosed] once the backend is closed. The order of waiting callers is unspecified.
	LockWait(ctx context.Context, key string, ttl time.Duration) (Lock, error)
	// Refresh sets the expiry of a lock to ttl from now, later or sooner than before, and returns it. It fails with
	// [ErrNotOwner] if token does not hold the lock, and with [ErrTTL].
	Refresh(ctx context.Context, key, token string, ttl time.Duration) (time.Time, error)
	// Unlock frees a lock. It fails with [ErrNotOwner] if token does not hold the lock; another owner's lock stays held.
	Unlock(ctx context.Context, key, token string) error
}
