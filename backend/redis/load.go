package redis

import (
	"context"
	"crypto/rand"
	"errors"
	"strconv"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

var (
	reserveScript = newScript("reserve", repeatable)
	fillScript    = newScript("fill", once)
	renewScript   = newScript("renew", repeatable)
)

// Reserve asks the server, never a copy of this process, so that a load begins after each change that has returned.
func (s *store) Reserve(ctx context.Context, key string, ttl time.Duration) (e backend.Entry, load string, mine bool, err error) {
	k, _, err := s.entryKey(key)
	if err != nil {
		return e, "", false, err
	}
	s.wrote(key)()
	for {
		if e, err = s.Get(ctx, key); !errors.Is(err, backend.ErrNotFound) {
			return e, "", false, err
		}
		own := rand.Text()
		reply, err := asWords(s.core.run(ctx, reserveScript, []string{k}, own, strconv.FormatInt(max(milliseconds(ttl), 1), 10)))
		if errors.Is(err, errUnknown) {
			s.core.undo(func(ctx context.Context) bool { return s.endLoad(ctx, key, own) }) // no caller runs the load
		}
		switch {
		case err != nil:
			return e, "", false, err
		case reply[0] == "load" && len(reply) == 2:
			return backend.Entry{}, reply[1], reply[1] == own, nil
		case reply[0] == "foreign":
			return e, "", false, errForeign(key)
		}
		// The entry has come in the meantime.
	}
}

func (s *store) Fill(ctx context.Context, key, load string, value []byte, ttl time.Duration) (stored bool, err error) {
	found, err := s.fill(ctx, key, load, value, ttl)
	return found && value != nil, err
}

// endLoad ends a load without a value. It returns whether the load was there.
func (s *store) endLoad(ctx context.Context, key, load string) bool {
	found, err := s.fill(ctx, key, load, nil, 0)
	return found && err == nil
}

// fill does the work of Fill, and returns whether the load was there.
func (s *store) fill(ctx context.Context, key, load string, value []byte, ttl time.Duration) (found bool, err error) {
	k, sess, err := s.entryKey(key)
	if err != nil {
		return false, err
	}
	defer s.wrote(key)()
	record, expiry := "", milliseconds(ttl)
	if value != nil {
		record = string(newRecord(sess.now(), value, ttl))
	}
	if ttl < 0 {
		expiry = -1
	}
	n, err := asInt(s.core.run(ctx, fillScript, []string{k}, load, record, strconv.FormatInt(expiry, 10),
		sess.publishCommand(), s.core.channel(sess, wakeKind, partition(key), ""), entryKind+key))
	return n == 1, err
}

func (s *store) Renew(ctx context.Context, key, load string, ttl time.Duration) (held bool, err error) {
	k, _, err := s.entryKey(key)
	if err != nil {
		return false, err
	}
	n, err := asInt(s.core.run(ctx, renewScript, []string{k}, load, strconv.FormatInt(max(milliseconds(ttl), 1), 10)))
	return n == 1, err
}

// loadPoll is the time after which AwaitLoad returns, because the message of a Fill may be lost, and because a load also
// ends with a change of the entry, which publishes nothing.
const loadPoll = 250 * time.Millisecond

// AwaitLoad returns when Fill has published the end of a load of the key, and anyway after loadPoll.
func (s *store) AwaitLoad(ctx context.Context, key, _ string) error {
	if _, _, err := s.entryKey(key); err != nil {
		return err
	}
	w := s.waiters.add(entryKind, key)
	if w == nil {
		return backend.ErrClosed
	}
	defer s.waiters.remove(w)
	timer := time.NewTimer(jitter(loadPoll))
	defer timer.Stop()
	select {
	case <-w.signal:
	case <-timer.C:
	case <-w.closed:
		return backend.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}
