package backend

import (
	"context"
	"errors"
	"time"
)

// The errors of a [Store] beyond those that every part of a backend has.
var (
	// ErrNotCounter means that the entry to be incremented is no counter.
	ErrNotCounter = errors.New("the entry is no counter: increment what holds a whole number in decimal digits, or delete it first")
	// ErrOverflow means that a counter would leave the range of an int64. It stays as it was.
	ErrOverflow = errors.New("the counter would leave the range of 64 bits: delete it to begin anew")
	// ErrLocked means that the lock is held.
	ErrLocked = errors.New("somebody holds the lock: try again later, or wait for it")
	// ErrNotOwner means that a lock is not held with this token: its time is over, or it was unlocked. Another may hold
	// it by now.
	ErrNotOwner = errors.New("the lock is not, or no longer, held with this token: stop what it protects, and lock it again")
	// ErrTTL means that a lock was asked for a time that is not above 0.
	ErrTTL = errors.New("a lock needs a time above 0: it is what frees it if its owner dies")
	// ErrCursor means that a cursor is none that [Store.Keys] returned.
	ErrCursor = errors.New("this is no cursor: begin with an empty one and go on with the one that Keys returned")
)

// MaxKeys is how many keys [Store.Keys] lists at most in one call.
const MaxKeys = 1000

// Entry is what a [Store] keeps under a key. Its times have the precision of a millisecond.
type Entry struct {
	Value   []byte    // must not be modified; stays as it is when the key is written again
	Created time.Time // when it was set
	Read    time.Time // when it was read: the time of this very Get
	Expires time.Time // from when on it is not found; zero: never
}

// Lock is a lock that its owner holds.
type Lock struct {
	Token   string    // proves to Unlock and Refresh who holds it; nobody can guess it
	Fence   uint64    // larger than that of every earlier lock of the key; never 0
	Expires time.Time // from when on another may have it, to the millisecond
}

// Store keeps values by key, each until it expires, and locks. One store serves the whole cluster.
//
// Locks have keys of their own: a lock and an entry under the same key know nothing of each other, and only the methods
// that speak of locks see them. Entries, counters and locks share the bound on memory.
//
// Every method but Keys and Clear is atomic: calls at the same time, from whichever node, have the outcome of one after
// the other.
type Store interface {
	// Set stores a copy of value under key. It replaces whatever was there: the value, when it was created and when it
	// expires. The entry expires once ttl has passed; a ttl of 0 is never. With a negative ttl the entry has expired
	// already, so that Set does what Delete does.
	//
	// It fails with [ErrFull] if there is no memory left for the entry, with [ErrKeyTooLong] and with [ErrClosed]; what
	// was under key before is then still there.
	Set(ctx context.Context, key string, value []byte, ttl time.Duration) error
	// Add is Set for a key under which there is no entry. It returns whether there was none; if there was one, Add
	// changes nothing.
	Add(ctx context.Context, key string, value []byte, ttl time.Duration) (bool, error)
	// Get returns the entry under key, or [ErrNotFound].
	Get(ctx context.Context, key string) (Entry, error)
	// Delete removes the entry under key, and returns whether there was one that had not expired.
	Delete(ctx context.Context, key string) (bool, error)
	// Increment adds by, which may be negative, to the counter under key, and returns the sum. A counter is an entry
	// whose value is a whole number as [strconv.FormatInt] writes it in base 10, so Set can set it and Get read it. If
	// there is none, the counter begins at by and expires as ttl says (as in Set). If there is one, ttl means nothing:
	// the counter keeps the times when it was created and expires.
	//
	// It fails as Set does, with [ErrNotCounter] and with [ErrOverflow], and changes nothing then.
	Increment(ctx context.Context, key string, by int64, ttl time.Duration) (int64, error)
	// Keys returns some of the keys that begin with prefix, at most limit, in no order that means anything, and the
	// cursor to go on with: an empty one if there are no more. The first call has an empty cursor. A page may be short,
	// or empty, though more follow. A limit that is not between 1 and [MaxKeys] is MaxKeys.
	//
	// A key that is there from the first page to the last is listed; of those that come and go meanwhile, some are. A
	// store may list a key on more than one page if others come and go. A cursor stays good until Close.
	Keys(ctx context.Context, prefix, cursor string, limit int) (keys []string, next string, err error)
	// Clear removes the entries whose keys begin with prefix, and returns how many there were that had not expired. What
	// is set meanwhile may go or stay.
	Clear(ctx context.Context, prefix string) (int, error)
	// Len returns the number of entries that have not expired.
	Len(ctx context.Context) (int, error)
	// RemoveExpired gives back the memory of entries and locks that have expired, and returns how many there were.
	// Nobody needs to call it: a store does so by itself before long.
	RemoveExpired(ctx context.Context) (int, error)

	// Lock takes the lock of key for ttl, unless somebody holds it: then it fails with [ErrLocked]. Nobody but the
	// owner can free it before its time is over, and it never ends early.
	//
	// Whatever the lock protects should refuse a fence lower than one that it has seen: an owner that was asleep may
	// not know that its time is over. Fences are no consecutive numbers.
	//
	// It also fails with [ErrTTL], [ErrFull], [ErrKeyTooLong] and [ErrClosed].
	Lock(ctx context.Context, key string, ttl time.Duration) (Lock, error)
	// LockWait is Lock that waits until it gets the lock. It fails with ctx's error once ctx ends, and with [ErrClosed]
	// once the backend is closed. Those that wait need not get it in the order in which they came.
	LockWait(ctx context.Context, key string, ttl time.Duration) (Lock, error)
	// Refresh lets a lock end ttl from now, be that later or sooner than before, and returns when that is. It fails with
	// [ErrNotOwner] if the lock is not held with token any more, and with [ErrTTL].
	Refresh(ctx context.Context, key, token string, ttl time.Duration) (time.Time, error)
	// Unlock frees a lock. It fails with [ErrNotOwner] if the lock is not held with token any more, and whoever else
	// holds it by then keeps it.
	Unlock(ctx context.Context, key, token string) error
}
