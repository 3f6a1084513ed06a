package local

import "sync/atomic"

// tombstone marks a slot whose item is gone, but which a search must pass.
var tombstone = newItem(0, "", nil, 0, never)

// table finds items by key: open addressing with linear probing, at most half full. Any number of goroutines may find
// while one, the holder of the shard's lock, puts and removes. That is why a slot never goes back to empty and items do
// not move: a search under way would miss them. What has piled up is left behind when the slots are rebuilt.
type table struct {
	slots      atomic.Pointer[[]slot] // a power of two
	live       int                    // slots with an item
	tombstones int                    // slots marked removed
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

// put adds it, or sets it in the place of old, the item that has its key now, unless that is nil.
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

// remove takes out it, which must be in the table.
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

// rebuildIfNeeded keeps at least half of the slots empty, so that searches stay short, and at least a sixteenth of
// them in use, so that a table that was large once does not stay so. A rebuilt table is at most a quarter full, which
// leaves the next rebuilding as many steps away as this one costs.
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
