package local

import (
	"sync"
	"sync/atomic"
)

// budget is the memory that all shards share.
type budget struct {
	max  int64
	used atomic.Int64
}

// reserve takes n bytes, if there are as many. Giving back, with n below zero, always works.
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

// shard is one part of a space. Reading takes no lock, see [table]; all else does.
type shard struct {
	items      table
	nextExpiry atomic.Int64 // the moment of the first expiry, for those without the lock

	mu       sync.Mutex
	expiries expiryHeap
	_        [64]byte // keeps what writers change of this shard away from what readers read of the next
}

func (s *shard) init() {
	s.items.init()
	s.nextExpiry.Store(never)
}

// put sets it in the place of whatever has its key, key. It returns false if the budget has not enough memory for it, and
// changes nothing then.
func (s *shard) put(key string, it *item, b *budget) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.replace(s.items.find(it.hash, key), it, b)
}

// update puts what change returns in the place of what change gets: the item with this key, or nil if there is none that
// lives now. If change returns nil, nothing changes. It returns false if the budget has not enough memory, and changes
// nothing then.
func (s *shard) update(hash uint64, key string, now int64, b *budget, change func(old *item) *item) (*item, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	there := s.items.find(hash, key)
	old := there
	if old != nil && old.expires <= now {
		old = nil
	}
	it := change(old)
	return it, it == nil || s.replace(there, it, b)
}

// replace sets it in the place of old, the item that has its key now, if any. The caller holds the lock.
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

// remove takes out the item with this key, and returns it, or nil.
func (s *shard) remove(hash uint64, key string, b *budget) *item {
	return s.removeIf(hash, key, b, func(*item) bool { return true })
}

// removeIf takes out the item with this key if it is to go, and returns it, or nil.
func (s *shard) removeIf(hash uint64, key string, b *budget, is func(*item) bool) *item {
	s.mu.Lock()
	defer s.mu.Unlock()
	it := s.items.find(hash, key)
	if it == nil || !is(it) {
		return nil
	}
	s.delete(it, b)
	return it
}

// removeExpired takes out what has expired by now, and returns how many items are left and how many went.
func (s *shard) removeExpired(now int64, b *budget) (live, removed int) {
	for done := false; !done; {
		var some int
		live, some, done = s.removeExpiredChunk(now, b)
		removed += some
	}
	return live, removed
}

// removeExpiredChunk does a part of it, so that others get their turn with the lock.
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

// delete takes out it. The caller holds the lock.
func (s *shard) delete(it *item, b *budget) {
	s.items.remove(it)
	s.expiries.replace(it, nil)
	s.nextExpiry.Store(s.expiries.nextAt())
	b.reserve(-it.cost())
}
