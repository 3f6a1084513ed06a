// Package gcra limits events with the generic cell rate algorithm. It stores one time for each key: the time from which
// the full limit is available again. From that time follows how much of the limit is used, so there are no counters to
// reset.
//
// Begin with [Table]. Its memory is bounded, and keys that make the table forget others cannot free a limited key.
package gcra

import (
	"hash/maphash"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// Bounds of the memory of a Table: about 7 MiB.
const (
	shards    = 64
	shardSize = 2048 // keys of a shard; a slot has 16 bits
	shadows   = 1024 // shadows of a shard
)

// Key identifies what a limit counts for. It has a fixed size, so a client that chooses long names takes no more memory.
type Key [16]byte

// Table limits the events of many keys. The zero Table is not usable, see [NewTable].
//
// A full shard forgets a key for each new one. Before, it adds the time of that key to a shadow, which several keys
// share: the shadow keeps the latest of their times. An unknown key begins with the time of its shadow. So a forgotten
// key is never less limited than before, but a new key may be limited by a forgotten one.
type Table struct {
	base   time.Time
	size   int             // keys of a shard
	seeds  [3]maphash.Seed // of the shard and the shadow; of both halves of a Key
	shards [shards]shard
}

// shard is a part of a Table. Its times are nanoseconds since Table.base.
type shard struct {
	mu     sync.Mutex
	slots  map[Key]uint16 // the indexes of the keys in full: an event of a known key needs one look into the map
	full   []int64        // when the full limit of a key is available again
	free   []uint16       // the slots without a key
	shadow []int64        // the latest time of the forgotten keys; nil: no key was forgotten early
}

// noSlot is the slot of an unknown key.
const noSlot = -1

// NewTable returns an empty Table.
func NewTable() *Table { return newTable(shardSize) }

func newTable(size int) *Table {
	t := &Table{base: time.Now(), size: size}
	for i := range t.seeds {
		t.seeds[i] = maphash.MakeSeed()
	}
	return t
}

// KeyOf returns the Key of a text of any length. Keys of two Tables differ.
func (t *Table) KeyOf(text string) (k Key) {
	for half := range 2 {
		sum := maphash.String(t.seeds[1+half], text)
		for i := range 8 {
			k[half*8+i] = byte(sum >> (8 * i))
		}
	}
	return k
}

// Take counts one event of the key, if the rate allows it. Keys of one Table may have different rates: none is limited for
// longer than its own rate limits a key.
func (t *Table) Take(key Key, rate backend.Rate) backend.Taken {
	s, shadow := t.find(key)
	now := t.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	full, slot := s.time(key, shadow)
	full = max(full, now)
	late := full > now+int64(rate.Window()) // of a key with a slower rate, which shares the shadow
	if late {
		full = now + int64(rate.Window())
	}
	if wait := rate.Wait(time.Duration(full - now)); wait > 0 {
		if late {
			t.set(s, key, slot, full, now)
		}
		return backend.Taken{Wait: wait, Full: time.Duration(full - now)}
	}
	full += int64(rate.Every)
	t.set(s, key, slot, full, now)
	return backend.Taken{Full: time.Duration(full - now)}
}

// Look returns what Take would return as Wait, but counts no event. Full is the time without that event.
func (t *Table) Look(key Key, rate backend.Rate) backend.Taken {
	s, shadow := t.find(key)
	now := t.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	at, _ := s.time(key, shadow)
	full := time.Duration(max(at-now, 0))
	return backend.Taken{Wait: rate.Wait(full), Full: full}
}

// Raise makes the full limit of the key available after the time full, unless that is later already.
func (t *Table) Raise(key Key, full time.Duration) {
	s, shadow := t.find(key)
	now := t.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	known, slot := s.time(key, shadow)
	if at := now + int64(full); at > known {
		t.set(s, key, slot, at, now)
	}
}

// Len returns the number of keys in the table.
func (t *Table) Len() (n int) {
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		n += len(s.slots)
		s.mu.Unlock()
	}
	return n
}

func (t *Table) now() int64 { return int64(time.Since(t.base)) }

// find returns the shard of the key, and the index of its shadow.
func (t *Table) find(key Key) (*shard, int) {
	sum := maphash.Comparable(t.seeds[0], key)
	return &t.shards[sum%shards], int(sum / shards % shadows)
}

// time returns when the full limit of the key is available again, and the slot of the key.
func (s *shard) time(key Key, shadow int) (full int64, slot int) {
	if known, ok := s.slots[key]; ok {
		return s.full[known], int(known)
	}
	if s.shadow == nil {
		return 0, noSlot
	}
	return s.shadow[shadow], noSlot
}

// set stores the time of a key with the slot that time has returned. In a full shard, a new key takes the slot of another.
func (t *Table) set(s *shard, key Key, slot int, full, now int64) {
	if slot != noSlot {
		s.full[slot] = full
		return
	}
	if s.slots == nil {
		s.slots = map[Key]uint16{}
	}
	if len(s.slots) >= t.size {
		t.forget(s, now)
	}
	if last := len(s.free) - 1; last >= 0 {
		slot, s.free = int(s.free[last]), s.free[:last]
	} else {
		slot, s.full = len(s.full), append(s.full, 0)
	}
	s.slots[key], s.full[slot] = uint16(slot), full
}

// remove forgets a key with its slot.
func (s *shard) remove(key Key, slot uint16) {
	delete(s.slots, key)
	s.free = append(s.free, slot)
}

// forgetLooks is the maximum number of keys that one call of forget examines. The number is small because an event must
// not scan a full shard, not even if all events have keys of their own.
const forgetLooks = 8

// forget removes those of some keys of a full shard that have their full limit. If none of them has, forget moves the
// time of the key that will have its full limit first to the shadow of that key.
func (t *Table) forget(s *shard, now int64) {
	var nearest Key
	var soonest int64
	looks, dropped := 0, false
	for key, slot := range s.slots {
		if full := s.full[slot]; full <= now {
			s.remove(key, slot)
			dropped = true
		} else if soonest == 0 || full < soonest {
			nearest, soonest = key, full
		}
		if looks++; looks == forgetLooks {
			break
		}
	}
	if dropped {
		return
	}
	s.remove(nearest, s.slots[nearest])
	if s.shadow == nil {
		s.shadow = make([]int64, shadows)
	}
	_, shadow := t.find(nearest)
	s.shadow[shadow] = max(s.shadow[shadow], soonest)
}
