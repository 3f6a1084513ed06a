package local

import (
	"context"
	"fmt"
	"hash/maphash"
	"strings"
	"sync/atomic"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/internal/rules"
	"github.com/actionhero-go/actionhero/internal/gcra"
)

// store implements [backend.Store] in memory. Entries are items in one keyspace, and locks are items in another
// keyspace.
type store struct {
	clock   clock
	seed    maphash.Seed
	open    atomic.Bool
	budget  budget
	expirer expirer
	fence   atomic.Uint64 // the last fence
	waiters lockWaiters
	loads   loads
	entries keyspace
	locks   keyspace
	rates   *gcra.Table
}

func newStore(maxBytes int64) *store {
	s := &store{seed: maphash.MakeSeed(), budget: budget{max: maxBytes}, rates: gcra.NewTable()}
	s.clock.init()
	s.fence.Store(uint64(s.clock.base.UnixMicro()))
	s.entries.init()
	s.locks.init()
	s.expirer.init(s)
	s.waiters.init()
	return s
}

func (s *store) start() {
	s.waiters.start()
	s.open.Store(true)
	s.expirer.start()
}

func (s *store) stop() {
	s.open.Store(false)
	s.waiters.stop()
	s.expirer.stop()
}

// locate returns the shard and the hash of key in the keyspace k. It fails if the key is too long or the store is
// closed.
func (s *store) locate(k *keyspace, key string) (*shard, uint64, error) {
	if len(key) > backend.MaxKeyBytes {
		return nil, 0, rules.CheckName("key", strings.Clone(key)) // the clone lets key be on the stack
	}
	if !s.open.Load() {
		return nil, 0, backend.ErrClosed
	}
	hash := maphash.String(s.seed, key)
	return &k[shardIndex(hash)], hash, nil
}

func (s *store) Set(_ context.Context, key string, value []byte, ttl time.Duration) error {
	return s.Write("", key, value, ttl)
}

func (s *store) Add(_ context.Context, key string, value []byte, ttl time.Duration) (bool, error) {
	s.loads.detach(key)
	return s.add(key, value, ttl)
}

// add does the work of Add, but ends no load.
func (s *store) add(key string, value []byte, ttl time.Duration) (bool, error) {
	sh, hash, err := s.locate(&s.entries, key)
	if err != nil {
		return false, err
	}
	now := s.clock.nowSynced()
	if s.find(sh, hash, key, now) != nil {
		return false, nil
	}
	if ttl < 0 {
		return true, nil
	}
	if err := s.checkSize(key, len(value)); err != nil {
		return false, err
	}
	it := newItem(hash, key, value, now, s.clock.deadline(now, ttl))
	added, err := s.update(sh, hash, key, now, "an entry", func(old *item) *item {
		if old != nil {
			return nil
		}
		return it
	})
	return added != nil, err
}

// checkSize returns an error if the entry is larger than the whole memory limit of the store. Callers check this before
// they copy the entry.
func (s *store) checkSize(key string, valueLen int) error {
	if size := int64(len(key) + valueLen + itemOverhead); size > s.budget.max {
		return s.errFull("an entry", size)
	}
	return nil
}

func (s *store) errFull(what string, size int64) error {
	return fmt.Errorf("there is no room for %s of %d bytes: %d of the %d bytes that cache.maxBytes allows are in use: %w",
		what, size, s.budget.used.Load(), s.budget.max, backend.ErrFull)
}

// update calls [shard.update] and returns the new item, or nil if the function change returned nil. If the store is
// full, update removes all expired items and tries once more. If the store is still full, update fails. The error text
// calls the item by the word in the parameter what, for example "an entry". If there is a new item, update schedules
// its expiry.
func (s *store) update(sh *shard, hash uint64, key string, now int64, what string, change func(old *item) *item) (*item, error) {
	it, ok := sh.update(hash, key, now, &s.budget, change)
	if !ok {
		s.removeExpired(now)
		if it, ok = sh.update(hash, key, now, &s.budget, change); !ok {
			return nil, s.errFull(what, it.cost())
		}
	}
	if it != nil {
		s.expirer.schedule(it.expires)
	}
	return it, nil
}

// find returns the item under key in the shard sh. It returns nil if there is no item or if the item has expired at the
// clock time now.
func (s *store) find(sh *shard, hash uint64, key string, now int64) *item {
	if it := sh.items.find(hash, key); it != nil && it.expires > now {
		return it
	}
	return nil
}

func (s *store) Get(_ context.Context, key string) (backend.Entry, error) {
	sh, hash, err := s.locate(&s.entries, key)
	if err != nil {
		return backend.Entry{}, err
	}
	now := s.clock.now()
	it := s.find(sh, hash, key, now)
	if it == nil {
		return backend.Entry{}, backend.ErrNotFound
	}
	e := backend.Entry{Value: it.value(), Created: s.clock.wall(it.created), Read: s.clock.wall(now)}
	if it.expires != never {
		e.Expires = s.clock.wall(it.expires)
	}
	return e, nil
}

func (s *store) Delete(_ context.Context, key string) (bool, error) {
	sh, hash, err := s.locate(&s.entries, key)
	if err != nil {
		return false, err
	}
	s.loads.detach(key)
	it := sh.remove(hash, key, &s.budget)
	return it != nil && it.expires > s.clock.now(), nil
}

func (s *store) Len(context.Context) (int, error) {
	if !s.open.Load() {
		return 0, backend.ErrClosed
	}
	now, n := s.clock.now(), 0
	for i := range s.entries {
		live, _ := s.entries[i].removeExpired(now, &s.budget)
		n += live
	}
	return n, nil
}

func (s *store) RemoveExpired(context.Context) (int, error) {
	if !s.open.Load() {
		return 0, backend.ErrClosed
	}
	return s.removeExpired(s.clock.now()), nil
}

func (s *store) removeExpired(now int64) int {
	return s.entries.removeExpired(now, &s.budget) + s.locks.removeExpired(now, &s.budget)
}

// nextExpiry returns a clock time at or before the expiry of the next entry or lock. If no item can expire, nextExpiry
// returns the constant never.
func (s *store) nextExpiry() int64 { return min(s.entries.nextExpiry(), s.locks.nextExpiry()) }
