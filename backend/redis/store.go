package redis

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/rueidis"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/internal/rules"
)

// The kinds of the keys of the store.
const (
	entryKind = "e" // an entry, or a load of it
	lockKind  = "k"
	fenceKind = "f" // the fence of a partition
	wakeKind  = "w" // the channel of a partition: names whose lock or load has ended
)

var (
	addScript       = newScript("add", once)
	deleteScript    = newScript("delete", once)
	incrementScript = newScript("increment", once)
)

// store implements [backend.Store]. Set and Get are one command of Redis each. Keys, Clear and Len read the names of all
// keys of the database in pages; see scan.go.
type store struct {
	core    *core
	recent  recentWrites
	waiters waiters
}

func newStore(c *core) *store {
	s := &store{core: c}
	s.waiters.init(s)
	return s
}

func (s *store) start() { s.waiters.start() }
func (s *store) stop()  { s.waiters.stop() }

// entryKey returns the key of an entry. It fails if key is too long or the backend is closed.
func (s *store) entryKey(key string) (string, *session, error) {
	if err := rules.CheckName("key", key); err != nil {
		return "", nil, err
	}
	sess, err := s.core.current()
	return s.core.key(entryKind, partition(key), key), sess, err
}

func (s *store) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if ttl < 0 {
		_, err := s.Delete(ctx, key)
		return err
	}
	k, sess, err := s.entryKey(key)
	if err != nil {
		return err
	}
	defer s.wrote(key)()
	record := rueidis.BinaryString(newRecord(sess.now(), value, ttl))
	_, err = s.core.do(ctx, once, func(b rueidis.Builder) rueidis.Completed {
		if ttl == 0 {
			return b.Set().Key(k).Value(record).Build()
		}
		return b.Set().Key(k).Value(record).PxMilliseconds(milliseconds(ttl)).Build()
	})
	return err
}

func (s *store) Add(ctx context.Context, key string, value []byte, ttl time.Duration) (bool, error) {
	k, sess, err := s.entryKey(key)
	if err != nil {
		return false, err
	}
	if ttl < 0 {
		m, err := s.core.do(ctx, repeatable, func(b rueidis.Builder) rueidis.Completed { return b.Type().Key(k).Build() })
		if err != nil {
			return false, err
		}
		kind, err := m.ToString()
		return kind != "string", err
	}
	defer s.wrote(key)()
	record := rueidis.BinaryString(newRecord(sess.now(), value, ttl))
	n, err := asInt(s.core.run(ctx, addScript, []string{k}, record, strconv.FormatInt(milliseconds(ttl), 10)))
	return n == 1, err
}

func (s *store) Get(ctx context.Context, key string) (backend.Entry, error) {
	k, sess, err := s.entryKey(key)
	if err != nil {
		return backend.Entry{}, err
	}
	copies := s.core.config.LocalCache
	if copies > 0 && s.recent.has(key) {
		copies = 0
	}
	m, err := s.core.attempt(ctx, repeatable, func(ctx context.Context, sess *session) rueidis.RedisResult {
		if copies > 0 {
			return sess.client.DoCache(ctx, sess.client.B().Get().Key(k).Cache(), copies)
		}
		return sess.client.Do(ctx, sess.client.B().Get().Key(k).Build())
	})
	switch {
	case err == nil:
	case rueidis.IsRedisNil(err):
		return backend.Entry{}, backend.ErrNotFound
	case isWrongType(err):
		return backend.Entry{}, s.checkLoad(ctx, key, k)
	default:
		return backend.Entry{}, err
	}
	record, err := m.AsBytes()
	if err != nil {
		return backend.Entry{}, err
	}
	return parseRecord(key, record, sess.now())
}

// checkLoad returns the error of Get for a key that holds no string: [backend.ErrNotFound] if it holds a load.
func (s *store) checkLoad(ctx context.Context, key, k string) error {
	m, err := s.core.do(ctx, repeatable, func(b rueidis.Builder) rueidis.Completed { return b.Type().Key(k).Build() })
	if err != nil {
		return err
	}
	switch kind, err := m.ToString(); {
	case err != nil:
		return err
	case kind == "hash" || kind == "none" || kind == "string": // the last two: it has changed since
		return backend.ErrNotFound
	}
	return errForeign(key)
}

func (s *store) Delete(ctx context.Context, key string) (bool, error) {
	k, _, err := s.entryKey(key)
	if err != nil {
		return false, err
	}
	defer s.wrote(key)()
	n, err := asInt(s.core.run(ctx, deleteScript, []string{k}))
	return n == 1, err
}

func (s *store) Increment(ctx context.Context, key string, by int64, ttl time.Duration) (int64, error) {
	k, sess, err := s.entryKey(key)
	if err != nil {
		return 0, err
	}
	defer s.wrote(key)()
	expiry := milliseconds(ttl)
	if ttl < 0 {
		expiry = -1
	}
	head := rueidis.BinaryString(newRecord(sess.now(), nil, ttl))
	reply, err := asWords(s.core.run(ctx, incrementScript, []string{k}, strconv.FormatInt(by, 10), head, strconv.FormatInt(expiry, 10), strconv.Itoa(recordHead)))
	if err != nil {
		return 0, err
	}
	switch reply[0] {
	case "ok":
		return strconv.ParseInt(reply[1], 10, 64)
	case "notcounter":
		return 0, fmt.Errorf("under %.32q is %.32q: %w", key, reply[1], backend.ErrNotCounter)
	case "overflow":
		return 0, fmt.Errorf("%d cannot be added to the %s under %.32q: %w", by, reply[1], key, backend.ErrOverflow)
	}
	return 0, errForeign(key)
}

// RemoveExpired returns 0, because the server removes what has expired.
func (s *store) RemoveExpired(context.Context) (int, error) {
	_, err := s.core.current()
	return 0, err
}

// wrote notes that this process changes the entry under key, so that Get reads no copy from before. The returned
// function must be called after the change.
func (s *store) wrote(key string) func() {
	if s.core.config.LocalCache <= 0 {
		return func() {}
	}
	s.recent.add(key)
	return func() { s.recent.add(key) }
}
