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

// A lock is stored as an item. The value of the item is the fence of the lock, in fenceBytes bytes, followed by the
// token.
//
// One counter of fences serves all keys, because a counter for each key would have to be kept for ever. The counter
// begins at the Unix time in microseconds, so that fences still grow after a restart of the process.

// fenceBytes is the length of the fence at the beginning of a lock's value, in bytes.
const fenceBytes = 8

func (s *store) Lock(_ context.Context, key string, ttl time.Duration) (backend.Lock, error) {
	lock, _, err := s.tryLock(key, ttl)
	return lock, err
}

// tryLock acquires the lock of key for ttl, without waiting. If the lock is held, tryLock fails with
// [backend.ErrLocked] and returns the clock time of the lock's expiry as until.
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
		lock.Fence = s.fence.Add(1) // under the shard's mu, so that the fence grows from one owner to the next
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

// locateLock returns the shard and the hash of key in the keyspace of locks. It fails if ttl is 0 or negative, if the
// key is too long, or if the store is closed.
func (s *store) locateLock(key string, ttl time.Duration) (*shard, uint64, error) {
	if ttl <= 0 {
		return nil, 0, fmt.Errorf("the lock %.32q for %v is refused: %w", key, ttl, backend.ErrTTL)
	}
	return s.locate(&s.locks, key)
}

// isHeldWith reports whether an item is a lock that has not expired at the clock time now and that has this token. For
// a nil item it returns false.
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
