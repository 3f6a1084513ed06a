package local

import "sync/atomic"

// tombstone is the item that a slot holds after the previous item of the slot was removed. A search of the table
// continues after a tombstone.
var tombstone = newItem(0, "", nil, 0, never)

// table is a hash table of items with open addressing and linear probing, at most half full. Any number of goroutines
// may call find and scan without a lock while one goroutine, which holds the shard's mu, calls put or remove. A search
// may therefore run during a write, so a used slot never becomes empty and items do not move. When the table is
// rebuilt, a new slice of slots without tombstones replaces the old slice.
type table struct {
	slots      atomic.Pointer[[]slot] // the length is a power of two
	live       int                    // the number of slots with an item
	tombstones int                    // the number of slots with the tombstone
}

type slot = atomic.Pointer[item]

const minSlots = 8

func (t *table) init() {
	slots := make([]slot, minSlots)
	t.slots.Store(&slots)
}

func (t *table) find(hash uint64, key string) *item {
	slots := *t.slots.Load()
	mask := uint64(len(slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		it := slots[i].Load()
		if it == nil {
			return nil
		}
		if it.is(hash, key) {
			return it
		}
	}
}

// put stores a new item in the table. If old is not nil, the new item takes the slot of old, a stored item with the
// same key.
func (t *table) put(old, it *item) {
	slots := *t.slots.Load()
	mask := uint64(len(slots) - 1)
	for i := it.hash & mask; ; i = (i + 1) & mask {
		there := slots[i].Load()
		switch {
		case there == old && old != nil:
			slots[i].Store(it)
			return
		case old == nil && (there == nil || there == tombstone):
			slots[i].Store(it)
			t.live++
			if there == tombstone {
				t.tombstones--
			}
			t.rebuildIfNeeded()
			return
		}
	}
}

// remove replaces an item with the tombstone. The item must be in the table.
func (t *table) remove(it *item) {
	slots := *t.slots.Load()
	mask := uint64(len(slots) - 1)
	i := it.hash & mask
	for slots[i].Load() != it {
		i = (i + 1) & mask
	}
	slots[i].Store(tombstone)
	t.live--
	t.tombstones++
	t.rebuildIfNeeded()
}

// rebuildIfNeeded rebuilds the table with another number of slots in two cases. If fewer than half of the slots are
// empty, it rebuilds, so that searches stay short. If fewer than a sixteenth of the slots have an item, it rebuilds, so
// that the table shrinks after a peak. A rebuilt table is at most a quarter full. The number of writes until the next
// rebuild is therefore in proportion to the cost of this rebuild.
func (t *table) rebuildIfNeeded() {
	old := *t.slots.Load()
	if (t.live+t.tombstones)*2 <= len(old) && (t.live*16 >= len(old) || len(old) == minSlots) {
		return
	}
	size := minSlots
	for size < t.live*4 {
		size *= 2
	}
	slots := make([]slot, size)
	mask := uint64(size - 1)
	for i := range old {
		it := old[i].Load()
		if it == nil || it == tombstone {
			continue
		}
		j := it.hash & mask
		for slots[j].Load() != nil {
			j = (j + 1) & mask
		}
		slots[j].Store(it)
	}
	t.tombstones = 0
	t.slots.Store(&slots)
}
