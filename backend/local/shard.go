package local

import (
	"sync"
	"sync/atomic"
)

// budget counts the bytes of all items of a store against the store's memory limit. All shards share one budget.
type budget struct {
	max  int64
	used atomic.Int64
}

// reserve takes n bytes from the budget. If fewer than n bytes are left, it takes nothing and returns false. A negative
// n returns bytes to the budget and always succeeds.
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

// shard is one part of a keyspace, with its own table, lock and expiry heap. Reading items takes no lock, see [table].
// Every other access locks mu.
type shard struct {
	items      table
	nextExpiry atomic.Int64 // a copy of expiries.nextAt() that can be read without mu

	mu       sync.Mutex
	expiries expiryHeap
	_        [64]byte // padding: writers of this shard and readers of the next shard use different cache lines
}

func (s *shard) init() {
	s.items.init()
	s.nextExpiry.Store(never)
}

// update replaces the item under key with the item that the function change returns. The function gets the current
// item, or nil if there is no item or if the item has expired at the clock time now. If change returns nil, or if the
// budget b has too little memory left, nothing changes. update returns the result of change. It also returns false if
// the budget has too little memory left, otherwise true.
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

// replace stores a new item in place of the item old with the same key. If old is nil, replace adds the new item. It
// returns false and changes nothing if the budget b has too little memory left. The caller holds s.mu.
func (s *shard) replace(old, it *item, b *budget) bool {
	need := it.cost()
	if old != nil {
		need -= old.cost()
	}
	if !b.reserve(need) {
		return false
	}
	s.items.put(old, it)
	s.replaceExpiry(old, it)
	return true
}

// remove removes and returns the item under key. It returns nil if there is no item.
func (s *shard) remove(hash uint64, key string, b *budget) *item {
	return s.removeIf(hash, key, b, func(*item) bool { return true })
}

// removeIf removes and returns the item under key if the function match returns true for that item. Otherwise it
// returns nil.
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

// removeExpired removes the items that have expired at the clock time now. It returns live, the number of items left,
// and removed, the number of removed items.
func (s *shard) removeExpired(now int64, b *budget) (live, removed int) {
	for done := false; !done; {
		var n int
		live, n, done = s.removeExpiredChunk(now, b)
		removed += n
	}
	return live, removed
}

// removeExpiredChunk removes expired items like removeExpired, but checks at most 256 items, so that other goroutines
// can lock s.mu between two chunks. It returns done as true if no expired item is left. The result live is 0 unless
// done is true.
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

// delete removes an item from the table and the heap, and returns the bytes of the item to the budget b. The caller
// holds s.mu.
func (s *shard) delete(it *item, b *budget) {
	s.items.remove(it)
	s.replaceExpiry(it, nil)
	b.reserve(-it.cost())
}

// replaceExpiry replaces the item old in the expiry heap with it; either may be nil. The caller holds s.mu.
func (s *shard) replaceExpiry(old, it *item) {
	s.expiries.replace(old, it)
	if at := s.expiries.nextAt(); at != s.nextExpiry.Load() { // a store would cost more than the comparison
		s.nextExpiry.Store(at)
	}
}
