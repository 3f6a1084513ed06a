package local

import (
	"context"
	"fmt"
	"hash/maphash"
	"sync/atomic"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

const shardBits = 6

type store struct {
	clock  clock
	seed   maphash.Seed
	open   atomic.Bool
	budget budget
	sweep  sweeper
	shards [1 << shardBits]shard
}

func newStore(maxBytes int64) *store {
	s := &store{seed: maphash.MakeSeed(), budget: budget{max: maxBytes}}
	s.clock.init()
	for i := range s.shards {
		s.shards[i].init()
	}
	s.sweep.init(s)
	return s
}

func (s *store) start() {
	s.open.Store(true)
	s.sweep.start()
}

func (s *store) stop() {
	s.open.Store(false)
	s.sweep.stop()
}

// locate returns the shard of key and the key's hash, or why the key cannot be used.
func (s *store) locate(key string) (*shard, uint64, error) {
	if len(key) > backend.MaxKeyBytes {
		return nil, 0, tooLong("key", key)
	}
	if !s.open.Load() {
		return nil, 0, backend.ErrClosed
	}
	hash := maphash.String(s.seed, key)
	return &s.shards[hash>>(64-shardBits)], hash, nil // the table uses the low bits
}

func (s *store) Set(_ context.Context, key string, value []byte, ttl time.Duration) error {
	sh, hash, err := s.locate(key)
	if err != nil {
		return err
	}
	if ttl < 0 {
		sh.remove(hash, key, &s.budget)
		return nil
	}
	if size := int64(len(key) + len(value) + entryOverhead); size > s.budget.max {
		return s.full(size)
	}
	now := s.clock.nowSynced()
	it := newItem(hash, key, value, now, s.clock.deadline(now, ttl))
	if !sh.put(key, it, &s.budget) {
		s.removeExpired(now)
		if !sh.put(key, it, &s.budget) {
			return s.full(it.cost())
		}
	}
	s.sweep.expect(it.expires)
	return nil
}

func (s *store) full(size int64) error {
	return fmt.Errorf("there is no room for an entry of %d bytes: %d of the %d bytes that cache.maxBytes allows are in use: %w",
		size, s.budget.used.Load(), s.budget.max, backend.ErrFull)
}

func (s *store) Get(_ context.Context, key string) (backend.Entry, error) {
	sh, hash, err := s.locate(key)
	if err != nil {
		return backend.Entry{}, err
	}
	it := sh.items.find(hash, key)
	if it == nil {
		return backend.Entry{}, backend.ErrNotFound
	}
	now := s.clock.now()
	if it.expires <= now {
		return backend.Entry{}, backend.ErrNotFound
	}
	e := backend.Entry{Value: it.value(), Created: s.clock.wall(it.created), Read: s.clock.wall(now)}
	if it.expires != never {
		e.Expires = s.clock.wall(it.expires)
	}
	return e, nil
}

func (s *store) Delete(_ context.Context, key string) (bool, error) {
	sh, hash, err := s.locate(key)
	if err != nil {
		return false, err
	}
	it := sh.remove(hash, key, &s.budget)
	return it != nil && it.expires > s.clock.now(), nil
}

func (s *store) Len(context.Context) (int, error) {
	if !s.open.Load() {
		return 0, backend.ErrClosed
	}
	now, n := s.clock.now(), 0
	for i := range s.shards {
		n += s.shards[i].removeExpired(now, &s.budget)
	}
	return n, nil
}

// removeExpired takes out what has expired by now, and visits only the shards where something has.
func (s *store) removeExpired(now int64) {
	for i := range s.shards {
		if s.shards[i].next.Load() <= now {
			s.shards[i].removeExpired(now, &s.budget)
		}
	}
}

// nextExpiry returns the moment when the next item of all expires, or never.
func (s *store) nextExpiry() int64 {
	next := int64(never)
	for i := range s.shards {
		next = min(next, s.shards[i].next.Load())
	}
	return next
}
