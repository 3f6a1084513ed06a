package local

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// A lock is an item. Its value is its fence, in fenceBytes bytes, and its token.
//
// One counter of fences serves all keys, because a counter per key would have to be kept for ever. It begins at the
// Unix time in microseconds, so that fences still grow after a restart of the process.

const fenceBytes = 8

func (s *store) Lock(_ context.Context, key string, ttl time.Duration) (backend.Lock, error) {
	lock, _, err := s.tryLock(key, ttl)
	return lock, err
}

// tryLock is Lock. If the lock is held, until is the clock time of its expiry.
func (s *store) tryLock(key string, ttl time.Duration) (lock backend.Lock, until int64, err error) {
	sh, hash, err := s.locateLock(key, ttl)
	if err != nil {
		return backend.Lock{}, 0, err
	}
	now := s.clock.nowSynced()
	if it := s.find(sh, hash, key, now); it != nil {
		return backend.Lock{}, it.expires, backend.ErrLocked
	}
	lock.Token = rand.Text()
	expires := s.clock.deadline(now, ttl)
	it, err := s.update(sh, hash, key, now, "a lock", func(old *item) *item {
		if old != nil {
			until = old.expires
			return nil
		}
		lock.Fence = s.fence.Add(1) // under the shard's mu, so that it grows from one owner to the next
		return newItem(hash, key, append(binary.BigEndian.AppendUint64(nil, lock.Fence), lock.Token...), now, expires)
	})
	switch {
	case err != nil:
		return backend.Lock{}, 0, err
	case it == nil:
		return backend.Lock{}, until, backend.ErrLocked
	}
	lock.Expires = s.clock.wall(expires)
	return lock, 0, nil
}

// locateLock is locate for locks. It also fails if ttl is not positive.
func (s *store) locateLock(key string, ttl time.Duration) (*shard, uint64, error) {
	if ttl <= 0 {
		return nil, 0, fmt.Errorf("the lock %.32q for %v is refused: %w", key, ttl, backend.ErrTTL)
	}
	return s.locate(&s.locks, key)
}

// isHeldWith reports whether the lock it is held with token at now.
func isHeldWith(it *item, token string, now int64) bool {
	return it != nil && it.expires > now && string(it.value()[fenceBytes:]) == token
}

func (s *store) Refresh(_ context.Context, key, token string, ttl time.Duration) (time.Time, error) {
	sh, hash, err := s.locateLock(key, ttl)
	if err != nil {
		return time.Time{}, err
	}
	now := s.clock.nowSynced()
	it, err := s.update(sh, hash, key, now, "a lock", func(old *item) *item {
		if !isHeldWith(old, token, now) {
			return nil
		}
		return newItem(hash, key, old.value(), old.created, s.clock.deadline(now, ttl))
	})
	if err != nil {
		return time.Time{}, err
	}
	if it == nil {
		return time.Time{}, errNotOwner(key)
	}
	s.waiters.wake(key) // the lock may expire sooner now
	return s.clock.wall(it.expires), nil
}

func (s *store) Unlock(_ context.Context, key, token string) error {
	sh, hash, err := s.locate(&s.locks, key)
	if err != nil {
		return err
	}
	now := s.clock.now()
	if sh.removeIf(hash, key, &s.budget, func(it *item) bool { return isHeldWith(it, token, now) }) == nil {
		return errNotOwner(key)
	}
	s.waiters.wake(key)
	return nil
}

func errNotOwner(key string) error { return fmt.Errorf("%.32q: %w", key, backend.ErrNotOwner) }

func (s *store) LockWait(ctx context.Context, key string, ttl time.Duration) (backend.Lock, error) {
	if _, _, err := s.locateLock(key, ttl); err != nil {
		return backend.Lock{}, err
	}
	if s.waiters.count.Load() == 0 && ctx.Err() == nil { // no earlier waiter
		if lock, _, err := s.tryLock(key, ttl); !errors.Is(err, backend.ErrLocked) {
			return lock, err
		}
	}
	waiter, closed := s.waiters.add(key)
	defer s.waiters.remove(key, waiter)
	expiry := time.NewTimer(time.Hour)
	defer expiry.Stop()
	expiry.Stop() // until the expiry of the lock is known
	for ctx.Err() == nil {
		select {
		case <-waiter:
		case <-expiry.C:
		case <-closed:
			return backend.Lock{}, backend.ErrClosed
		case <-ctx.Done():
			continue
		}
		lock, until, err := s.tryLock(key, ttl)
		if !errors.Is(err, backend.ErrLocked) {
			return lock, err
		}
		expiry.Reset(time.Duration(until - s.clock.now()))
	}
	return backend.Lock{}, fmt.Errorf("the lock %.32q was held until the wait ended: %w", key, ctx.Err())
}
