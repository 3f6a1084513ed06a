package local

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// shards returns all shards of s.
func shards(s *store) []*shard {
	var all []*shard
	for i := range s.entries {
		all = append(all, &s.entries[i], &s.locks[i])
	}
	return all
}

// checkStore returns the number of items in the store, expired ones included. It removes none. It checks these
// invariants: the items that can expire, and no others, are in the expiry heap and in its order; each item is found in
// its table; and the budget in use is the cost of the items.
func checkStore(t testing.TB, s *store) int {
	t.Helper()
	n, used := 0, int64(0)
	for i, sh := range shards(s) {
		sh.mu.Lock()
		live, tombstones, expiring := 0, 0, 0
		slots := *sh.items.slots.Load()
		for j := range slots {
			it := slots[j].Load()
			if it == tombstone {
				tombstones++
			}
			if it == nil || it == tombstone {
				continue
			}
			live++
			used += it.cost()
			key := string(it.key())
			if it.expires != never {
				expiring++
				if sh.expiries[it.heapIndex].it != it || sh.expiries[it.heapIndex].at > it.expires {
					t.Errorf("the item %.40q is not at its index in the expiry heap", key)
				}
			}
			if sh.items.find(it.hash, key) != it {
				t.Errorf("the item %.40q is in the table, but is not found", key)
			}
		}
		for j := range sh.expiries {
			if sh.expiries[j].at < sh.expiries[(j-1)/2].at {
				t.Errorf("the expiries of shard %d are not in heap order", i)
			}
		}
		if live != sh.items.live || expiring != len(sh.expiries) || sh.nextExpiry.Load() != sh.expiries.nextAt() {
			t.Errorf("shard %d has %d items but counts %d; %d can expire but its heap has %d", i, live, sh.items.live, expiring, len(sh.expiries))
		}
		if tombstones != sh.items.tombstones || (live+tombstones)*2 > len(slots) {
			t.Errorf("shard %d has %d items and %d tombstones but counts %d, in %d slots", i, live, tombstones, sh.items.tombstones, len(slots))
		}
		n += live
		sh.mu.Unlock()
	}
	if got := s.budget.used.Load(); got != used {
		t.Errorf("the items cost %d bytes, but the budget in use is %d", used, got)
	}
	return n
}

// capacities returns the number of slots for entries, and the capacity of their expiry heaps.
func capacities(s *store) (slots, heap int) {
	for i := range s.entries {
		slots += len(*s.entries[i].items.slots.Load())
		heap += cap(s.entries[i].expiries)
	}
	return slots, heap
}

func set(t testing.TB, s *store, key string, bytes int, ttl time.Duration) {
	t.Helper()
	if err := s.Set(t.Context(), key, make([]byte, bytes), ttl); err != nil {
		t.Fatal(err)
	}
}

func TestFull(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, Config{MaxBytes: 10 * (itemOverhead + 101)}).store
		for i := range 10 {
			set(t, s, fmt.Sprint(i), 100, time.Duration(i/5)*50*time.Millisecond) // the first five never expire
		}
		full := func(key string, bytes int) {
			t.Helper()
			if err := s.Set(t.Context(), key, make([]byte, bytes), 0); !errors.Is(err, backend.ErrFull) {
				t.Errorf("Set(%s, %d bytes) = %v, want ErrFull", key, bytes, err)
			}
		}
		full("x", 0)
		full("3", 101)
		if e, err := s.Get(t.Context(), "3"); err != nil || len(e.Value) != 100 {
			t.Errorf("after a refused Set, Get = %d bytes, %v, want the old 100 bytes", len(e.Value), err)
		}
		set(t, s, "3", 100, 0) // the same size as before
		set(t, s, "3", 90, 0)
		set(t, s, "4", 110, 0)
		full("x", 0)
		if n := checkStore(t, s); n != 10 {
			t.Errorf("the store holds %d items, want 10: an entry may not be evicted to make room", n)
		}
		time.Sleep(50 * time.Millisecond) // expired, but not yet removed
		if n := checkStore(t, s); n != 10 {
			t.Errorf("the store holds %d items before the expirer runs, want 10", n)
		}
		set(t, s, "x", 600, 0) // uses the room of the expired entries
		if n := checkStore(t, s); n != 6 {
			t.Errorf("the store holds %d items, want 6", n)
		}
	})
}

func TestExpirer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, Config{}).store
		idle := func(want bool) {
			t.Helper()
			if got := s.expirer.scheduledAt.Load() == never; got != want {
				t.Errorf("the expirer is idle: %t, want %t", got, want)
			}
		}
		const n = 20_000
		for i := range n {
			set(t, s, fmt.Sprint(i), 10, 0)
		}
		idle(true)
		for i := range n {
			set(t, s, fmt.Sprint(i), 10, time.Duration(1+i%4)*time.Minute)
		}
		set(t, s, "stays", 10, 0)
		idle(false)
		for i := range 4 {
			time.Sleep(time.Minute + 2*time.Duration(expiryInterval))
			synctest.Wait()
			if got, want := checkStore(t, s), n/4*(3-i)+1; got != want {
				t.Errorf("after %d minutes the store holds %d items, want %d", i+1, got, want)
			}
		}
		idle(true)
		// An earlier expiry that is added after a later one is on time.
		set(t, s, "late", 10, time.Hour)
		set(t, s, "soon", 10, time.Second)
		time.Sleep(time.Second + 2*time.Duration(expiryInterval))
		synctest.Wait()
		if got := checkStore(t, s); got != 2 {
			t.Errorf("the store holds %d items, want 2", got)
		}
	})
}

// TestExpirerAfterReopening lets entries expire while the backend is closed, and after it is opened again.
func TestExpirerAfterReopening(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := open(t, Config{})
		set(t, b.store, "a", 1, time.Second)
		set(t, b.store, "b", 1, time.Minute)
		for _, want := range []int{1, 0} {
			if err := b.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			before := checkStore(t, b.store)
			time.Sleep(10 * time.Second)
			if got := checkStore(t, b.store); got != before {
				t.Errorf("a closed store went from %d to %d items", before, got)
			}
			if err := b.Open(t.Context(), backend.Node{ID: "node"}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(45 * time.Second)
			synctest.Wait()
			if got := checkStore(t, b.store); got != want {
				t.Errorf("the store holds %d items, want %d", got, want)
			}
		}
	})
}

// TestRewritingTakesNoMemory writes and deletes the same three keys 300,000 times.
func TestRewritingTakesNoMemory(t *testing.T) {
	t.Parallel()
	s := open(t, Config{}).store
	for i := range 300_000 {
		key := fmt.Sprint("key ", i%3)
		set(t, s, key, 10, time.Hour+time.Duration(i))
		if i%5 == 0 {
			set(t, s, key, 0, -1)
		}
	}
	slots, heap := capacities(s)
	if n := checkStore(t, s); n > 3 || slots > len(s.entries)*2*minSlots || heap > 100 {
		t.Errorf("the store holds %d items in %d slots, with capacity for %d expiries", n, slots, heap)
	}
}

// TestShrinks fills and empties the store.
func TestShrinks(t *testing.T) {
	t.Parallel()
	s := open(t, Config{}).store
	const n = 50_000
	for i := range n {
		set(t, s, fmt.Sprint(i), 1, time.Hour)
	}
	for i := range n - 10 {
		set(t, s, fmt.Sprint(i), 0, -1)
	}
	slots, heap := capacities(s)
	if checkStore(t, s) != 10 || slots > len(s.entries)*4*minSlots || heap > len(s.entries)*64 {
		t.Errorf("after %d of %d entries were deleted there are %d slots, and capacity for %d expiries", n-10, n, slots, heap)
	}
}

func TestKeysWithOneHash(t *testing.T) {
	t.Parallel()
	var tab table
	tab.init()
	keys := []string{"", "a", "b", "ab", "a\x00"}
	for _, key := range keys {
		tab.put(nil, newItem(0, key, []byte("value of "+key), 0, never)) // 0 is also the hash of the tombstone
	}
	for i, key := range keys {
		it := tab.find(0, key)
		if it == nil || string(it.value()) != "value of "+key {
			t.Fatalf("key %q is not found, or has the value of another", key)
		}
		tab.remove(it)
		if tab.find(0, key) != nil || tab.live != len(keys)-1-i {
			t.Errorf("key %q is still found, or others were removed too: %d are left", key, tab.live)
		}
	}
}

// TestFindDuringRebuild reads keys that are always in the table, while another goroutine adds and removes 2,000 others,
// some with the same hash.
func TestFindDuringRebuild(t *testing.T) {
	t.Parallel()
	var tab table
	tab.init()
	const stable, passing = 50, 2000
	for i := range stable {
		tab.put(nil, newItem(uint64(i), fmt.Sprint(i), nil, 0, never))
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 20 {
			var items []*item
			for i := range passing {
				items = append(items, newItem(uint64(i%97), fmt.Sprint("passing ", i), nil, 0, never))
				tab.put(nil, items[i])
			}
			for i := range stable {
				key := fmt.Sprint(i)
				tab.put(tab.find(uint64(i), key), newItem(uint64(i), key, nil, 0, never))
			}
			for _, it := range items {
				tab.remove(it)
			}
		}
	}()
	for {
		for i := range stable {
			key := fmt.Sprint(i)
			if it := tab.find(uint64(i), key); it == nil || string(it.key()) != key {
				t.Fatalf("key %d was not found while others were added and removed", i)
			}
		}
		select {
		case <-done:
			return
		default:
		}
	}
}

// TestClockFollowsTheWallClock simulates a step of the wall clock by changing the offset from before the step.
func TestClockFollowsTheWallClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, Config{}).store
		for _, off := range []time.Duration{time.Hour, -time.Hour, 20 * time.Millisecond} {
			s.clock.offset.Add(int64(off))
			set(t, s, "a", 1, time.Minute)
			e, err := s.Get(t.Context(), "a")
			if err != nil || !e.Created.Equal(time.Now()) || !e.Expires.Equal(time.Now().Add(time.Minute)) {
				t.Errorf("after the wall clock was set by %v: created %v, expires %v, %v; now is %v", off, e.Created, e.Expires, err, time.Now())
			}
		}
	})
}

func TestDeadline(t *testing.T) {
	t.Parallel()
	var c clock
	c.init()
	c.offset.Store(1_700_000_000_000_400_000) // 0.4 ms past a full millisecond
	tests := []struct {
		now  int64
		ttl  time.Duration
		want int64
	}{
		{0, 0, never},
		{0, 1, 600_000},
		{0, 600_000, 600_000},
		{0, 600_001, 1_600_000},
		{5, time.Second, 1_000_600_000},
		{5, math.MaxInt64, int64(maxTTL) + 600_000},
	}
	for _, tt := range tests {
		if got := c.deadline(tt.now, tt.ttl); got != tt.want {
			t.Errorf("deadline(%d, %d) = %d, want %d", tt.now, tt.ttl, got, tt.want)
		}
	}
}
