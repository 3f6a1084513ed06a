package local

import (
	"sync"
	"sync/atomic"
)

// budget is the memory budget that all shards share.
type budget struct {
	max  int64
	used atomic.Int64
}

// reserve takes n bytes from the budget, and returns false if fewer are left. A negative n releases bytes and always
// succeeds.
func (b *budget) reserve(n int64) bool {
	for n != 0 {
		used := b.used.Load()
		if n > 0 && used+n > b.max {
			return false
		}
		if b.used.CompareAndSwap(used, used+n) {
			return true
		}
	}
	return true
}

// shard is one part of a keyspace. Reading items takes no lock, see [table]; all other access does.
type shard struct {
	items      table
	nextExpiry atomic.Int64 // expiries.nextAt(), readable without mu

	mu       sync.Mutex
	expiries expiryHeap
	_        [64]byte // separates the fields that writers of this shard change from those that readers of the next one use
}

func (s *shard) init() {
	s.items.init()
	s.nextExpiry.Store(never)
}

// update replaces the item under key with the one that change returns. change gets the current item, or nil if there is
// none or it has expired at now. If change returns nil, or the budget has not enough memory, nothing changes; only in
// the second case update returns false.
func (s *shard) update(hash uint64, key string, now int64, b *budget, change func(old *item) *item) (*item, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stored := s.items.find(hash, key)
	old := stored
	if old != nil && old.expires <= now {
		old = nil
	}
	it := change(old)
	return it, it == nil || s.replace(stored, it, b)
}

// replace stores it instead of old, the item with the same key, or nil. The caller holds s.mu.
func (s *shard) replace(old, it *item, b *budget) bool {
	need := it.cost()
	if old != nil {
		need -= old.cost()
	}
	if !b.reserve(need) {
		return false
	}
	s.items.put(old, it)
	s.expiries.replace(old, it)
	s.nextExpiry.Store(s.expiries.nextAt())
	return true
}

// remove removes the item under key, and returns it, or nil if there is none.
func (s *shard) remove(hash uint64, key string, b *budget) *item {
	return s.removeIf(hash, key, b, func(*item) bool { return true })
}

// removeIf removes the item under key if match returns true for it, and returns it, or nil.
func (s *shard) removeIf(hash uint64, key string, b *budget, match func(*item) bool) *item {
	s.mu.Lock()
	defer s.mu.Unlock()
	it := s.items.find(hash, key)
	if it == nil || !match(it) {
		return nil
	}
	s.delete(it, b)
	return it
}

// removeExpired removes the items that have expired at now, and returns the numbers of items left and removed.
func (s *shard) removeExpired(now int64, b *budget) (live, removed int) {
	for done := false; !done; {
		var n int
		live, n, done = s.removeExpiredChunk(now, b)
		removed += n
	}
	return live, removed
}

// removeExpiredChunk checks at most 256 items, so that other goroutines can lock s.mu in between. live is 0 unless done
// is true.
func (s *shard) removeExpiredChunk(now int64, b *budget) (live, removed int, done bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range 256 {
		if s.expiries.nextAt() > now {
			return s.items.live, removed, true
		}
		if it := s.expiries[0].it; it.expires <= now {
			s.delete(it, b)
			removed++
		} else {
			s.expiries.postpone(it)
			s.nextExpiry.Store(s.expiries.nextAt())
		}
	}
	return 0, removed, false
}

// delete removes it. The caller holds s.mu.
func (s *shard) delete(it *item, b *budget) {
	s.items.remove(it)
	s.expiries.replace(it, nil)
	s.nextExpiry.Store(s.expiries.nextAt())
	b.reserve(-it.cost())
}
