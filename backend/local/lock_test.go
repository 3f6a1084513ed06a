package local

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// TestLocksHaveOneOwner locks, refreshes, lets expire and unlocks a few locks from many goroutines, for random times on
// a virtual clock. The times during which two goroutines own a lock must not overlap, and fences must grow.
func TestLocksHaveOneOwner(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			s := open(t, Config{}).store
			locks := make([]lockModel, 3)
			var wg sync.WaitGroup
			for g := range uint64(8) {
				wg.Go(func() {
					r := rand.New(rand.NewPCG(seed, g))
					for range 60 {
						i := r.IntN(len(locks))
						locks[i].try(t, s, fmt.Sprint(i), r)
					}
				})
			}
			wg.Wait()
			if s.waiters.count.Load() != 0 || len(s.waiters.queues) != 0 {
				t.Errorf("%d waiters are left in %d queues", s.waiters.count.Load(), len(s.waiters.queues))
			}
			checkStore(t, s)
		})
	}
}

// lockModel is the expected state of a lock.
type lockModel struct {
	mu    sync.Mutex
	fence uint64
	until time.Time
}

func (m *lockModel) try(t *testing.T, s *store, key string, r *rand.Rand) {
	ttl := time.Duration(1+r.IntN(8000)) * time.Microsecond
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(r.IntN(20))*time.Millisecond)
	defer cancel()
	lock := s.LockWait
	if r.IntN(3) == 0 {
		lock = s.Lock
	}
	start := time.Now()
	l, err := lock(ctx, key, ttl)
	if errors.Is(err, backend.ErrLocked) || errors.Is(err, context.DeadlineExceeded) {
		time.Sleep(time.Duration(r.IntN(1000)) * time.Microsecond)
		return
	}
	if err != nil {
		t.Errorf("Lock: %v", err)
		return
	}
	m.acquired(t, start, l)
	for range r.IntN(4) {
		time.Sleep(time.Duration(r.IntN(4000)) * time.Microsecond)
		m.refresh(t, s, key, l, time.Duration(1+r.IntN(8000))*time.Microsecond)
	}
	if r.IntN(2) == 0 {
		m.unlock(t, s, key, l)
	}
}

func (m *lockModel) acquired(t *testing.T, start time.Time, l backend.Lock) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if now := time.Now(); now.Before(m.until) {
		t.Errorf("a lock was acquired at %v, but another goroutine holds it until %v", now, m.until)
	}
	if l.Fence <= m.fence {
		t.Errorf("the fence after %d is %d", m.fence, l.Fence)
	}
	if l.Expires.Before(start) {
		t.Errorf("a lock acquired after %v expires at %v", start, l.Expires)
	}
	m.fence, m.until = l.Fence, l.Expires
}

func (m *lockModel) refresh(t *testing.T, s *store, key string, l backend.Lock, ttl time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	until, err := s.Refresh(t.Context(), key, l.Token, ttl)
	if mine := m.fence == l.Fence && time.Now().Before(m.until); mine != (err == nil) || err != nil && !errors.Is(err, backend.ErrNotOwner) {
		t.Errorf("the lock is owned: %t, but Refresh = %v", mine, err)
	}
	if err == nil {
		m.until = until
	}
}

func (m *lockModel) unlock(t *testing.T, s *store, key string, l backend.Lock) {
	m.mu.Lock()
	defer m.mu.Unlock()
	err := s.Unlock(t.Context(), key, l.Token)
	if mine := m.fence == l.Fence && time.Now().Before(m.until); mine != (err == nil) || err != nil && !errors.Is(err, backend.ErrNotOwner) {
		t.Errorf("the lock is owned: %t, but Unlock = %v", mine, err)
	}
	if err == nil {
		m.until = time.Time{}
	}
}

// TestLocksAndCountersUseBudget checks that locks and counters count towards MaxBytes too, and release their bytes.
func TestLocksAndCountersUseBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		s := open(t, Config{MaxBytes: 10 * 200}).store
		var last backend.Lock
		n := 0
		for {
			l, err := s.Lock(ctx, fmt.Sprint(n), time.Duration(n+1)*time.Minute)
			if err != nil {
				want := "there is no room for a lock of "
				if !errors.Is(err, backend.ErrFull) || !strings.HasPrefix(err.Error(), want) {
					t.Errorf("Lock = %v, want ErrFull and %q", err, want)
				}
				break
			}
			last = l
			n++
		}
		if n < 10 || n > 15 || checkStore(t, s) != n {
			t.Errorf("%d locks fit into 2000 bytes, the store holds %d", n, checkStore(t, s))
		}
		count := func() error { _, err := s.Increment(ctx, "counter", 1, 0); return err }
		_, err := s.Add(ctx, "entry", make([]byte, 50), 0)
		_, wait := s.LockWait(ctx, "x", time.Hour)
		for what, err := range map[string]error{"Increment": count(), "Add": err, "LockWait": wait, "Set": s.Set(ctx, "entry", make([]byte, 50), 0)} {
			if !errors.Is(err, backend.ErrFull) {
				t.Errorf("%s in a full store = %v, want ErrFull", what, err)
			}
		}
		if _, err := s.Refresh(ctx, fmt.Sprint(n-1), last.Token, time.Hour); err != nil {
			t.Errorf("Refresh in a full store: %v", err)
		}
		if err := s.Unlock(ctx, fmt.Sprint(n-1), last.Token); err != nil {
			t.Error(err)
		}
		if err := count(); err != nil {
			t.Errorf("Increment after an Unlock: %v", err)
		}
		time.Sleep(2*time.Minute + 2*time.Duration(expiryInterval))
		synctest.Wait()
		if got := checkStore(t, s); got != n-2 { // two expired, one was unlocked, and the counter was added
			t.Errorf("the store holds %d items, want %d", got, n-2)
		}
	})
}

// TestCounterExceedsMaxBytes increments a counter in a store that has no room for one more digit.
func TestCounterExceedsMaxBytes(t *testing.T) {
	t.Parallel()
	s := open(t, Config{MaxBytes: itemOverhead + 2}).store
	for want := int64(1); want <= 9; want++ {
		if n, err := s.Increment(t.Context(), "k", 1, 0); err != nil || n != want {
			t.Fatalf("Increment = %d, %v, want %d", n, err, want)
		}
	}
	if n, err := s.Increment(t.Context(), "k", 1, 0); !errors.Is(err, backend.ErrFull) || n != 0 {
		t.Errorf("Increment = %d, %v, want ErrFull", n, err)
	}
	if n, err := s.Increment(t.Context(), "k", -1, 0); err != nil || n != 8 {
		t.Errorf("Increment = %d, %v, want 8", n, err)
	}
	checkStore(t, s)
}

// TestFencesGrowAcrossProcesses opens a new store several times, as a restarted process does.
func TestFencesGrowAcrossProcesses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		last := uint64(0)
		for range 3 {
			s := open(t, Config{}).store
			for range 100 {
				l, err := s.Lock(t.Context(), fmt.Sprint(last), math.MaxInt64)
				if err != nil || l.Fence <= last {
					t.Fatalf("the fence after %d is %d, %v", last, l.Fence, err)
				}
				last = l.Fence
			}
			time.Sleep(time.Millisecond)
		}
	})
}

// TestScanWhileTheTableGrows lists keys in small pages. Between the pages it adds and removes enough keys to rebuild
// the slots several times. Each key that is in the store all the time must be listed once.
func TestScanWhileTheTableGrows(t *testing.T) {
	t.Parallel()
	s := open(t, Config{}).store
	const stable = 3000
	for i := range stable {
		set(t, s, fmt.Sprint("stable ", i), 0, time.Hour)
	}
	seen, cursor, added := make(map[string]int), "", 0
	for page := 0; ; page++ {
		keys, next, err := s.Keys(t.Context(), "stable ", cursor, 50)
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range keys {
			seen[key]++
		}
		if next == "" {
			break
		}
		cursor = next
		for range 2000 {
			if ttl := time.Hour; page < 30 {
				set(t, s, fmt.Sprint("passing ", added), 0, ttl)
				added++
			} else if added--; added >= 0 {
				set(t, s, fmt.Sprint("passing ", added), 0, -1)
			}
		}
	}
	for i := range stable {
		if n := seen[fmt.Sprint("stable ", i)]; n != 1 {
			t.Errorf("key %d was listed %d times", i, n)
		}
	}
}

// TestScanOfKeysWithOneHash lists keys with equal hashes, starting after each of them.
func TestScanOfKeysWithOneHash(t *testing.T) {
	t.Parallel()
	var tab table
	tab.init()
	keys := []string{"", "a", "a\x00", "ab", "b"}
	for i := range keys {
		tab.put(nil, newItem(42, keys[len(keys)-1-i], nil, 0, never))
		tab.put(nil, newItem(uint64(i), fmt.Sprint("other ", i), nil, 0, never))
	}
	for i := range keys {
		var got []string
		tab.scan(&scanPos{scanHash(42), keys[i]}, func(it *item) bool {
			if it.hash == 42 {
				got = append(got, string(it.key()))
			}
			return true
		})
		if fmt.Sprint(got) != fmt.Sprint(keys[i+1:]) {
			t.Errorf("the keys after %q are %q, want %q", keys[i], got, keys[i+1:])
		}
	}
}

// TestScanOfReplacedItem writes an entry again after a scan has found its old item, which then expires.
func TestScanOfReplacedItem(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, Config{}).store
		set(t, s, "k", 0, time.Millisecond)
		sh, hash, err := s.locate(&s.entries, "k")
		old := sh.items.find(hash, "k")
		if err != nil || old == nil {
			t.Fatal(old, err)
		}
		set(t, s, "k", 0, time.Hour)
		time.Sleep(time.Millisecond)
		if now := s.clock.now(); old.expires > now || !s.isLive(sh, old, "k", now) {
			t.Errorf("the entry is not listed, because its old item expired %v ago", now-old.expires)
		}
		set(t, s, "k", 0, -1)
		if s.isLive(sh, old, "k", s.clock.now()) {
			t.Error("a deleted entry is listed")
		}
	})
}
