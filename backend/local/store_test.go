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

// shards returns those of the entries and of the locks.
func shards(s *store) []*shard {
	var all []*shard
	for i := range s.entries {
		all = append(all, &s.entries[i], &s.locks[i])
	}
	return all
}

// held returns how many items the store holds, expired ones included, without removing any, and checks its books: every
// item that can expire is among the expiries and no other is, in the order of a heap; and the budget is what the items
// cost.
func held(t testing.TB, s *store) int {
	t.Helper()
	n, used := 0, int64(0)
	for i, sh := range shards(s) {
		sh.mu.Lock()
		live, dead, mortal := 0, 0, 0
		slots := *sh.items.slots.Load()
		for j := range slots {
			it := slots[j].Load()
			if it == tombstone {
				dead++
			}
			if it == nil || it == tombstone {
				continue
			}
			live++
			used += it.cost()
			key := string(it.key())
			if it.expires != never {
				mortal++
				if sh.expiries[it.heapIndex].it != it || sh.expiries[it.heapIndex].at > it.expires {
					t.Errorf("the item %.40q is not at its place among the expiries", key)
				}
			}
			if sh.items.find(it.hash, key) != it {
				t.Errorf("the item %.40q is in the table, but is not found", key)
			}
		}
		for j := range sh.expiries {
			if sh.expiries[j].at < sh.expiries[(j-1)/2].at {
				t.Errorf("the expiries of shard %d are no heap", i)
			}
		}
		if live != sh.items.live || mortal != len(sh.expiries) || sh.nextExpiry.Load() != sh.expiries.nextAt() {
			t.Errorf("shard %d has %d items and counts %d; %d can expire and it counts %d", i, live, sh.items.live, mortal, len(sh.expiries))
		}
		if dead != sh.items.tombstones || (live+dead)*2 > len(slots) {
			t.Errorf("shard %d has %d items and %d removed ones, of which it counts %d, in %d slots", i, live, dead, sh.items.tombstones, len(slots))
		}
		n += live
		sh.mu.Unlock()
	}
	if got := s.budget.used.Load(); got != used {
		t.Errorf("the items cost %d bytes, the budget counts %d", used, got)
	}
	return n
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
			set(t, s, fmt.Sprint(i), 100, time.Duration(i/5)*50*time.Millisecond) // the first five stay
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
			t.Errorf("after a refused Set, Get = %d bytes, %v, want what was there", len(e.Value), err)
		}
		set(t, s, "3", 100, 0) // no more than before
		set(t, s, "3", 90, 0)
		set(t, s, "4", 110, 0)
		full("x", 0)
		if n := held(t, s); n != 10 {
			t.Errorf("the store holds %d items, want 10: nothing may be dropped to make room", n)
		}
		time.Sleep(50 * time.Millisecond) // not yet swept
		if n := held(t, s); n != 10 {
			t.Errorf("the store holds %d items before the sweep, want 10", n)
		}
		set(t, s, "x", 600, 0) // takes the place of what has expired
		if n := held(t, s); n != 6 {
			t.Errorf("the store holds %d items, want 6", n)
		}
	})
}

func TestSweep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, Config{}).store
		asleep := func(want bool) {
			t.Helper()
			if got := s.expirer.scheduledAt.Load() == never; got != want {
				t.Errorf("no sweep is planned: %t, want %t", got, want)
			}
		}
		const n = 20_000
		for i := range n {
			set(t, s, fmt.Sprint(i), 10, 0)
		}
		asleep(true)
		for i := range n {
			set(t, s, fmt.Sprint(i), 10, time.Duration(1+i%4)*time.Minute)
		}
		set(t, s, "stays", 10, 0)
		asleep(false)
		for i := range 4 {
			time.Sleep(time.Minute + 2*time.Duration(expiryInterval))
			synctest.Wait()
			if got, want := held(t, s), n/4*(3-i)+1; got != want {
				t.Errorf("after %d minutes and a little the store holds %d items, want %d", i+1, got, want)
			}
		}
		asleep(true)
		// A sooner expiry is not kept waiting by a later one.
		set(t, s, "late", 10, time.Hour)
		set(t, s, "soon", 10, time.Second)
		time.Sleep(time.Second + 2*time.Duration(expiryInterval))
		synctest.Wait()
		if got := held(t, s); got != 2 {
			t.Errorf("the store holds %d items, want 2", got)
		}
	})
}

// TestSweepAfterReopening has entries expire while the backend is closed, and afterwards.
func TestSweepAfterReopening(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := open(t, Config{})
		set(t, b.store, "a", 1, time.Second)
		set(t, b.store, "b", 1, time.Minute)
		for _, want := range []int{1, 0} {
			if err := b.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			before := held(t, b.store)
			time.Sleep(10 * time.Second)
			if got := held(t, b.store); got != before {
				t.Errorf("a closed store went from %d to %d items: something runs", before, got)
			}
			if err := b.Open(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(45 * time.Second)
			synctest.Wait()
			if got := held(t, b.store); got != want {
				t.Errorf("the store holds %d items, want %d", got, want)
			}
		}
	})
}

// TestRewritingTakesNoMemory writes and deletes the same few keys over and over.
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
	slots, due := 0, 0
	for i := range s.entries {
		slots += len(*s.entries[i].items.slots.Load())
		due += cap(s.entries[i].expiries)
	}
	if n := held(t, s); n > 3 || slots > len(s.entries)*2*minSlots || due > 100 {
		t.Errorf("the store holds %d items in %d slots, with place for %d expiries", n, slots, due)
	}
}

// TestGivesMemoryBack fills and empties the store.
func TestGivesMemoryBack(t *testing.T) {
	t.Parallel()
	s := open(t, Config{}).store
	const n = 50_000
	for i := range n {
		set(t, s, fmt.Sprint(i), 1, time.Hour)
	}
	for i := range n - 10 {
		set(t, s, fmt.Sprint(i), 0, -1)
	}
	slots, due := 0, 0
	for i := range s.entries {
		slots += len(*s.entries[i].items.slots.Load())
		due += cap(s.entries[i].expiries)
	}
	if held(t, s) != 10 || slots > len(s.entries)*4*minSlots || due > len(s.entries)*64 {
		t.Errorf("after %d of %d entries were deleted there are %d slots, and place for %d expiries", n-10, n, slots, due)
	}
}

func TestKeysWithOneHash(t *testing.T) {
	t.Parallel()
	var tab table
	tab.init()
	keys := []string{"", "a", "b", "ab", "a\x00"}
	for _, key := range keys {
		tab.put(nil, newItem(0, key, []byte("value of "+key), 0, never)) // 0 is the hash of removed, too
	}
	for i, key := range keys {
		it := tab.find(0, key)
		if it == nil || string(it.value()) != "value of "+key {
			t.Fatalf("key %q is not found, or has the value of another", key)
		}
		tab.remove(it)
		if tab.find(0, key) != nil || tab.live != len(keys)-1-i {
			t.Errorf("key %q is still there, or others went with it: %d are left", key, tab.live)
		}
	}
}

// TestReadersDuringRebuilding reads keys that are always there while others, some with the same hash, come and go in
// masses.
func TestReadersDuringRebuilding(t *testing.T) {
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
				t.Fatalf("key %d was not found while others came and went", i)
			}
		}
		select {
		case <-done:
			return
		default:
		}
	}
}

// TestClockFollowsTheWallClock sets the wall clock as somebody might, by pretending that it was another before.
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
		moment int64
		ttl    time.Duration
		want   int64
	}{
		{0, 0, never},
		{0, 1, 600_000},
		{0, 600_000, 600_000},
		{0, 600_001, 1_600_000},
		{5, time.Second, 1_000_600_000},
		{5, math.MaxInt64, int64(maxTTL) + 600_000},
	}
	for _, tt := range tests {
		if got := c.deadline(tt.moment, tt.ttl); got != tt.want {
			t.Errorf("deadline(%d, %d) = %d, want %d", tt.moment, tt.ttl, got, tt.want)
		}
	}
}
