package actionhero

import (
	"context"
	"time"
)

// Lock is a lock that this process holds until it calls [Lock.Unlock] or until the lock expires. [Cache.Lock] returns a
// Lock. The methods of a Lock are safe for concurrent use.
type Lock struct {
	Name string
	// Fence is larger than the fence of every earlier lock with this name. Pass the fence to the resource that the lock
	// protects. The resource must refuse a fence lower than the highest fence that it has seen. The reason is that a
	// process that was paused longer than the ttl does not know that another process holds the lock now.
	Fence uint64

	cache *Cache
	token string
}

// Lock acquires the lock with this name and returns it. Until the lock is unlocked or ttl has passed, no other caller
// in the cluster can acquire it. ttl must be above 0. Choose a ttl that is longer than the work should take, or call
// [Lock.Refresh] during the work. Locks use memory of the cache.
//
// Lock does not wait for a held lock: the error is [CodeConflict] if any caller holds the lock, even this process,
// because locks are not re-entrant. The error is [CodeInvalidInput] if the name is too long or ttl is not above 0, and
// [CodeResourceExhausted] if the cache is full.
func (c *Cache) Lock(ctx context.Context, name string, ttl time.Duration) (*Lock, error) {
	held, err := c.store.Lock(ctx, name, ttl)
	if err != nil {
		return nil, storeError(err)
	}
	return &Lock{Name: name, Fence: held.Fence, cache: c, token: held.Token}, nil
}

// LockWait acquires a lock like [Cache.Lock], but blocks while another caller holds the lock. If ctx ends first,
// LockWait returns the error of ctx. The embedded backend serves waiting callers in the order of their calls, as soon
// as the lock is free.
func (c *Cache) LockWait(ctx context.Context, name string, ttl time.Duration) (*Lock, error) {
	held, err := c.store.LockWait(ctx, name, ttl)
	if err != nil {
		return nil, storeError(err)
	}
	return &Lock{Name: name, Fence: held.Fence, cache: c, token: held.Token}, nil
}

// Unlock releases the lock. If the lock has expired, the error is [CodeConflict]: another caller may have held the lock
// in the meantime. If another caller holds the lock now, that caller keeps it.
func (l *Lock) Unlock(ctx context.Context) error {
	return storeError(l.cache.store.Unlock(ctx, l.Name, l.token))
}

// Refresh sets the expiry of the lock to the current time plus ttl, even if the previous expiry was later. If the lock
// has expired already, the error is [CodeConflict], and the caller must stop the work that the lock protects.
func (l *Lock) Refresh(ctx context.Context, ttl time.Duration) error {
	_, err := l.cache.store.Refresh(ctx, l.Name, l.token, ttl)
	return storeError(err)
}
