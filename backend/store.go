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
	// ErrOverflow means that the sum of an Increment would be outside the range of an int64. The counter is unchanged.
	ErrOverflow = errors.New("the counter would leave the range of 64 bits: delete it to start again")
	// ErrLocked means that another caller holds the lock.
	ErrLocked = errors.New("the lock is held: try again later, or wait for it")
	// ErrNotOwner means that the given token does not hold the lock: the lock has expired or was unlocked, or the token
	// was never valid. Another owner may hold the lock by now.
	ErrNotOwner = errors.New("the lock is not, or no longer, held with this token: stop the work that it protects, and lock it again")
	// ErrTTL means that the ttl of a lock is 0 or negative.
	ErrTTL = errors.New("a lock needs a ttl above 0: the ttl frees the lock if its owner dies")
	// ErrCursor means that the given cursor does not come from [Store.Keys].
	ErrCursor = errors.New("the cursor is invalid: start with an empty one and continue with the one that Keys returned")
)

// MaxKeys is the maximum number of keys that one call of [Store.Keys] returns.
const MaxKeys = 1000

// Entry is a value in a [Store] with its times, as [Store.Get] returns it. The times have millisecond precision.
type Entry struct {
	Value   []byte    // must not be modified; does not change when the key is set again
	Created time.Time // the time of the Set
	Read    time.Time // the time of the Get that returned this Entry
	Expires time.Time // from this time on, Get fails with ErrNotFound; zero: the entry never expires
}

// Lock describes a lock that the caller holds, as [Store.Lock] and [Store.LockWait] return it.
type Lock struct {
	Token   string    // proves the ownership to Unlock and Refresh; unguessable
	Fence   uint64    // larger than the fence of every earlier lock of the key; never 0
	Expires time.Time // from this time on, another owner can get the lock; millisecond precision
}

// Store stores values by key, and locks by key. Each value and each lock exists until it expires or is removed. One
// store serves the whole cluster.
//
// Locks have a key space of their own. A lock and an entry with the same key are independent, and only the lock methods
// see locks. Entries, counters and locks share the memory limit of the store.
//
// Every method except Keys and Clear is atomic: concurrent calls, from any node, have the same results as if the calls
// ran one after another in some order.
type Store interface {
	// Set stores a copy of value under key. It replaces the value, the creation time and the expiry of a previous
	// entry. The entry expires after ttl. If ttl is 0, the entry never expires. If ttl is negative, the new entry has
	// already expired, so Set only deletes the previous entry.
	//
	// Set fails with [ErrFull] if the store has no memory for the entry, with [ErrKeyTooLong] and with [ErrClosed]. If
	// Set fails, the previous entry is unchanged.
	Set(ctx context.Context, key string, value []byte, ttl time.Duration) error
	// If there is no entry under key, Add stores value as Set does, and returns true. If there is an entry, Add changes
	// nothing and returns false.
	Add(ctx context.Context, key string, value []byte, ttl time.Duration) (bool, error)
	// Get returns the entry under key. If there is no entry or if the entry has expired, Get fails with [ErrNotFound].
	Get(ctx context.Context, key string) (Entry, error)
	// Reserve returns the entry under key, as Get does. If there is no entry, Reserve returns the id of the load of the
	// key: load is the one that the earliest caller of Reserve has got and that has not ended, or a new one, in which
	// case mine is true. The caller with mine = true has to call Fill. A load ends with Fill, after ttl, and with every
	// Set, Add, Increment, Delete and Clear that concerns the key. So at most one caller in the cluster loads a value at
	// a time, and a value that was loaded before a change is never stored after it.
	Reserve(ctx context.Context, key string, ttl time.Duration) (e Entry, load string, mine bool, err error)
	// Fill stores value as Set does if load is still the load of key, and ends that load. Otherwise Fill changes nothing
	// and returns false. If value is nil, Fill only ends the load, for a caller whose load has failed.
	Fill(ctx context.Context, key, load string, value []byte, ttl time.Duration) (stored bool, err error)
	// Renew makes load end after ttl from now, if load is still the load of key. Otherwise Renew changes nothing and returns
	// false.
	Renew(ctx context.Context, key, load string, ttl time.Duration) (held bool, err error)
	// AwaitLoad returns when the given load of key may have ended, or with the error of ctx. It may return early.
	AwaitLoad(ctx context.Context, key, load string) error
	// Delete removes the entry under key. It returns true if there was an entry and that entry had not expired.
	Delete(ctx context.Context, key string) (bool, error)
	// Increment adds a number, which may be negative, to the counter under key and returns the sum. A counter is an
	// entry whose value is a whole number in the format of [strconv.FormatInt] in base 10, so Set can write a counter
	// and Get can read it. If there is no entry under key, Increment creates a counter that has the added number as its
	// value. The argument ttl of a new counter has the same meaning as in Set. If there is a counter, Increment ignores
	// ttl and keeps the counter's creation time and expiry.
	//
	// Increment fails with the errors of Set, with [ErrNotCounter] and with [ErrOverflow]. If Increment fails, nothing
	// changes.
	Increment(ctx context.Context, key string, by int64, ttl time.Duration) (int64, error)
	// Take counts one event of key against the rate, if the rate allows it: with the generic cell rate algorithm, by the clock
	// of the store. The counts have a key space of their own, which the other methods do not see. A key whose full limit is
	// available takes no memory. An embedded store counts the events in bounded memory: some of very many keys may share a
	// count.
	//
	// Take fails with [ErrRate], [ErrKeyTooLong], [ErrClosed] and, in a store on a server, [ErrFull].
	Take(ctx context.Context, key string, rate Rate) (Taken, error)
	// Keys returns one page of the keys that begin with prefix, at most limit keys in no particular order. It also
	// returns next, the cursor of the next page. The cursor of the first page is empty. If next is empty, there are no
	// more keys. A page may be short or empty although more pages follow. If limit is not between 1 and [MaxKeys], Keys
	// uses MaxKeys as the limit.
	//
	// A key that exists from the first page to the last is returned. A key that is added or removed in between may be
	// missing. While keys are added or removed, a store may return a key on more than one page. A cursor is valid until
	// Close.
	Keys(ctx context.Context, prefix, cursor string, limit int) (keys []string, next string, err error)
	// Clear removes the entries whose keys begin with prefix. It returns the number of removed entries that had not
	// expired. Clear may or may not remove an entry that is set while Clear runs.
	Clear(ctx context.Context, prefix string) (int, error)
	// Len returns the number of entries that have not expired.
	Len(ctx context.Context) (int, error)
	// RemoveExpired frees the memory of expired entries and locks, and returns the number of removed entries and locks.
	// Calling it is optional, because a store also frees this memory in the background.
	RemoveExpired(ctx context.Context) (int, error)

	// Lock acquires the lock of key for ttl. If the lock is held, Lock fails with [ErrLocked]. Only the owner can free
	// a lock before the lock expires, and a lock never expires early.
	//
	// A paused owner may not know that its lock has expired. So the resource that the lock protects should remember the
	// highest fence it has received, and refuse every lower fence. Fences are not consecutive.
	//
	// Lock also fails with [ErrTTL], [ErrFull], [ErrKeyTooLong] and [ErrClosed].
	Lock(ctx context.Context, key string, ttl time.Duration) (Lock, error)
	// LockWait acquires the lock of key as Lock does. If the lock is held, LockWait blocks until it gets the lock. It
	// fails with ctx's error once ctx ends, and with [ErrClosed] once the backend is closed. The order of waiting
	// callers is unspecified.
	LockWait(ctx context.Context, key string, ttl time.Duration) (Lock, error)
	// Refresh sets the expiry of the lock of key to ttl from now, later or sooner than before, and returns the new
	// expiry. It fails with [ErrNotOwner] if token does not hold the lock, and with [ErrTTL].
	Refresh(ctx context.Context, key, token string, ttl time.Duration) (time.Time, error)
	// Unlock frees the lock of key. It fails with [ErrNotOwner] if token does not hold the lock. In that case, a lock
	// of another owner stays held.
	Unlock(ctx context.Context, key, token string) error
}
