package actionhero

import (
	"context"
	"time"
)

// Lock is a lock that this process holds until it unlocks it or the lock expires. [Cache.Lock] returns one. Its methods
// are safe for concurrent use.
type Lock struct {
	Name string
	// Fence is larger than the fence of every earlier lock with this name. Pass it to the resource that the lock
	// protects, and let the resource refuse a fence lower than the highest it has seen: a process that was paused
	// longer than the ttl does not know that another one holds the lock now.
	Fence uint64

	cache *Cache
	token string
}

// Lock takes the lock of this name. No other caller in the cluster gets it before it is unlocked or ttl has passed. ttl
// must be above 0: choose it longer than the work should take, or call [Lock.Refresh] during the work. Locks use memory
// of the cache.
//
// The error is [CodeConflict] if the lock is held, by this process too, because locks are not re-entrant;
// [CodeInvalidInput] if the name is too long or ttl is not above 0; [CodeResourceExhausted] if the cache is full.
func (c *Cache) Lock(ctx context.Context, name string, ttl time.Duration) (*Lock, error) {
	held, err := c.store.Lock(ctx, name, ttl)
	if err != nil {
		return nil, storeError(err)
	}
	return &Lock{Name: name, Fence: held.Fence, cache: c, token: held.Token}, nil
}

// LockWait is [Cache.Lock] that blocks while the lock is held, until ctx ends; it then returns the error of ctx. The
// embedded backend serves waiting callers in the order of their calls, as soon as the lock is free.
func (c *Cache) LockWait(ctx context.Context, name string, ttl time.Duration) (*Lock, error) {
	held, err := c.store.LockWait(ctx, name, ttl)
	if err != nil {
		return nil, storeError(err)
	}
	return &Lock{Name: name, Fence: held.Fence, cache: c, token: held.Token}, nil
}

// Unlock frees the lock. The error is [CodeConflict] if the lock has expired, so another caller may have held it in the
// meantime; if one holds it now, it keeps it.
func (l *Lock) Unlock(ctx context.Context) error {
	return storeError(l.cache.store.Unlock(ctx, l.Name, l.token))
}

// Refresh makes the lock expire ttl from now, earlier or later than before. The error is [CodeConflict] if the lock has
// expired: stop the work that it protects.
func (l *Lock) Refresh(ctx context.Context, ttl time.Duration) error {
	_, err := l.cache.store.Refresh(ctx, l.Name, l.token, ttl)
	return storeError(err)
}
