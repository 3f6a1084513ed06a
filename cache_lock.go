package actionhero

import (
	"context"
	"time"
)

// Lock is a lock that this process holds until its time is over; [Cache.Lock] makes one. Its methods may be called from
// any number of goroutines.
type Lock struct {
	Name string
	// Fence is larger than that of every earlier lock with this name. Give it to whatever the lock protects, and have
	// that refuse a fence lower than one it has seen: a process that was asleep for longer than its lock's time does
	// not know that another holds it now.
	Fence uint64

	cache *Cache
	token string
}

// Lock takes the lock of this name, which no one else in the cluster gets before it is unlocked or ttl has passed. ttl
// must be above 0: choose it longer than the work should take, or call [Lock.Refresh] as the work goes on. Locks count
// towards the memory of the cache.
//
// The error is [CodeConflict] when somebody holds it (this process included: locks are not re-entrant), [CodeInvalidInput] when
// the name is too long or ttl is not above 0, [CodeResourceExhausted] when the cache is full.
func (c *Cache) Lock(ctx context.Context, name string, ttl time.Duration) (*Lock, error) {
	held, err := c.store.Lock(ctx, name, ttl)
	if err != nil {
		return nil, storeError(err)
	}
	return &Lock{Name: name, Fence: held.Fence, cache: c, token: held.Token}, nil
}

// LockWait is [Cache.Lock] that waits for the lock while somebody else holds it, at most until ctx ends: the error is then
// ctx's. The embedded backend wakes who waits, in the order in which they came, as soon as the lock is free.
func (c *Cache) LockWait(ctx context.Context, name string, ttl time.Duration) (*Lock, error) {
	held, err := c.store.LockWait(ctx, name, ttl)
	if err != nil {
		return nil, storeError(err)
	}
	return &Lock{Name: name, Fence: held.Fence, cache: c, token: held.Token}, nil
}

// Unlock frees the lock. The error is [CodeConflict] when its time was over before, so that what it protected may have been
// done by two at once; whoever holds it now keeps it.
func (l *Lock) Unlock(ctx context.Context) error {
	return storeError(l.cache.store.Unlock(ctx, l.Name, l.token))
}

// Refresh lets the lock end ttl from now, be that later or sooner than before. The error is [CodeConflict] when its time was
// over already: stop what it protects.
func (l *Lock) Refresh(ctx context.Context, ttl time.Duration) error {
	_, err := l.cache.store.Refresh(ctx, l.Name, l.token, ttl)
	return storeError(err)
}
