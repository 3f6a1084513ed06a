package redis

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/redis/rueidis"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/internal/rules"
)

// The end of a lock is decided by the clock of the server, in scripts. All fences of a partition come from one counter,
// because a counter for each lock would have to be kept for ever.

var (
	lockScript    = newScript("lock", repeatable)
	refreshScript = newScript("refresh", repeatable)
	unlockScript  = newScript("unlock", once)
)

func (s *store) Lock(ctx context.Context, key string, ttl time.Duration) (backend.Lock, error) {
	lock, _, err := s.tryLock(ctx, key, ttl)
	return lock, err
}

// checkLock returns an error if ttl is 0 or negative, if key is too long, or if the backend is closed.
func (s *store) checkLock(key string, ttl time.Duration) (*session, error) {
	if ttl <= 0 {
		return nil, fmt.Errorf("the lock %.32q for %v is refused: %w", key, ttl, backend.ErrTTL)
	}
	if err := rules.CheckName("key", key); err != nil {
		return nil, err
	}
	return s.core.current()
}

// tryLock acquires the lock of key for ttl, without waiting. If the lock is held, tryLock fails with [backend.ErrLocked]
// and returns the time until the lock expires.
func (s *store) tryLock(ctx context.Context, key string, ttl time.Duration) (lock backend.Lock, left time.Duration, err error) {
	if _, err := s.checkLock(key, ttl); err != nil {
		return backend.Lock{}, 0, err
	}
	p := partition(key)
	token := rand.Text()
	reply, err := asWords(s.core.run(ctx, lockScript, []string{s.core.key(lockKind, p, key), s.core.key(fenceKind, p, "")}, token, micros(ttl), ""))
	if errors.Is(err, errUnknown) {
		s.core.undo(func(ctx context.Context) bool { return s.Unlock(ctx, key, token) == nil }) // no caller has the token
	}
	if err != nil {
		return backend.Lock{}, 0, err
	}
	switch {
	case reply[0] == "locked" && len(reply) == 3:
		fence, err1 := strconv.ParseUint(reply[1], 10, 64)
		expires, err2 := strconv.ParseInt(reply[2], 10, 64)
		return backend.Lock{Token: token, Fence: fence, Expires: time.UnixMilli(expires)}, 0, errors.Join(err1, err2)
	case reply[0] == "held" && len(reply) == 2:
		us, err := strconv.ParseInt(reply[1], 10, 64)
		if err != nil {
			return backend.Lock{}, 0, err
		}
		return backend.Lock{}, time.Duration(us) * time.Microsecond, backend.ErrLocked
	case reply[0] == "foreign":
		return backend.Lock{}, 0, errForeign(key)
	}
	return backend.Lock{}, 0, errReply
}

// micros returns a ttl in microseconds, rounded up.
func micros(ttl time.Duration) string {
	return strconv.FormatInt(int64(math.Ceil(float64(min(ttl, maxTTL))/float64(time.Microsecond))), 10)
}

func (s *store) Refresh(ctx context.Context, key, token string, ttl time.Duration) (time.Time, error) {
	sess, err := s.checkLock(key, ttl)
	if err != nil {
		return time.Time{}, err
	}
	p := partition(key)
	m, err := s.core.run(ctx, refreshScript, []string{s.core.key(lockKind, p, key)}, token, micros(ttl),
		sess.publishCommand(), s.core.channel(sess, wakeKind, p, ""), lockKind+key, "")
	if rueidis.IsRedisNil(err) {
		return time.Time{}, errNotOwner(key)
	}
	if err != nil {
		return time.Time{}, err
	}
	expires, err := m.AsInt64()
	return time.UnixMilli(expires), err
}

func (s *store) Unlock(ctx context.Context, key, token string) error {
	if err := rules.CheckName("key", key); err != nil {
		return err
	}
	sess, err := s.core.current()
	if err != nil {
		return err
	}
	p := partition(key)
	n, err := asInt(s.core.run(ctx, unlockScript, []string{s.core.key(lockKind, p, key)}, token,
		sess.publishCommand(), s.core.channel(sess, wakeKind, p, ""), lockKind+key, ""))
	if err == nil && n == 0 {
		return errNotOwner(key)
	}
	return err
}

func errNotOwner(key string) error { return fmt.Errorf("%.32q: %w", key, backend.ErrNotOwner) }

// lockPoll is the longest time after which LockWait looks at the lock, because the message of an Unlock may be lost.
const lockPoll = time.Second

func (s *store) LockWait(ctx context.Context, key string, ttl time.Duration) (backend.Lock, error) {
	if _, err := s.checkLock(key, ttl); err != nil {
		return backend.Lock{}, err
	}
	w := s.waiters.add(lockKind, key)
	if w == nil {
		return backend.Lock{}, backend.ErrClosed
	}
	defer s.waiters.remove(w)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	timer.Stop() // until the end of the lock is known
	for ctx.Err() == nil {
		select {
		case <-w.signal:
		case <-timer.C:
		case <-w.closed:
			return backend.Lock{}, backend.ErrClosed
		case <-ctx.Done():
			continue
		}
		lock, left, err := s.tryLock(ctx, key, ttl)
		if !errors.Is(err, backend.ErrLocked) {
			return lock, err
		}
		timer.Reset(min(left+time.Millisecond, jitter(lockPoll)))
	}
	return backend.Lock{}, fmt.Errorf("the lock %.32q was held until the wait ended: %w", key, ctx.Err())
}
