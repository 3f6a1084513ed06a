package backendtest

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

func (t *tester) wantAdd(s backend.Store, key, value string, ttl time.Duration, want bool) {
	t.Helper()
	if added, err := s.Add(t.ctx, key, []byte(value), ttl); err != nil || added != want {
		t.Errorf("Add(%.40q) = %t, %v, want %t", key, added, err, want)
	}
}

func (t *tester) wantIncrement(s backend.Store, key string, by int64, ttl time.Duration, want int64) {
	t.Helper()
	if n, err := s.Increment(t.ctx, key, by, ttl); err != nil || n != want {
		t.Errorf("Increment(%.40q, %d) = %d, %v, want %d", key, by, n, err, want)
	}
}

func addEntry(t *tester) {
	s := t.open().Store()
	t.wantAdd(s, "a", "first", time.Hour, true)
	before := t.wantValue(s, "a", "first")
	t.wantAdd(s, "a", "second", 0, false)
	t.wantAdd(s, "a", "second", -1, false)
	if after := t.wantValue(s, "a", "first"); !after.Expires.Equal(before.Expires) || !after.Created.Equal(before.Created) {
		t.Errorf("an Add that must change nothing changed the entry to %v from %v", after, before)
	}
	t.wantDelete(s, "a", true)
	t.wantAdd(s, "a", "never seen", -1, true)
	t.wantNothing(s, "a")
	w := expiringEntry{key: "a", ttl: 20 * time.Millisecond, before: time.Now()}
	t.wantAdd(s, "a", "third", w.ttl, true)
	w.set = time.Now()
	t.waitUntilGone(s, w)
	t.wantAdd(s, "a", "fourth", 0, true)
	t.wantValue(s, "a", "fourth")
	t.wantLen(s, 1)
	_, err := s.Add(t.ctx, strings.Repeat("k", backend.MaxKeyBytes+1), nil, 0)
	t.wantError("Add", err, backend.ErrKeyTooLong)
}

// addConcurrently adds one key from several goroutines. In each round exactly one Add must succeed.
func addConcurrently(t *tester) {
	s := t.open().Store()
	const callers, rounds = 8, 30
	for round := range rounds {
		key := fmt.Sprint(round % 3)
		var wg sync.WaitGroup
		won := make([]bool, callers)
		for c := range callers {
			wg.Go(func() {
				var err error
				if won[c], err = s.Add(t.ctx, key, fmt.Append(nil, c), time.Hour); err != nil {
					t.Errorf("Add: %v", err)
				}
			})
		}
		wg.Wait()
		winner := slices.Index(won, true)
		if winner < 0 || slices.Contains(won[winner+1:], true) {
			t.Fatalf("Add returned %v, want true once", won)
		}
		t.wantValue(s, key, fmt.Sprint(winner))
		t.wantDelete(s, key, true)
	}
}

func counters(t *tester) {
	s := t.open().Store()
	t.wantIncrement(s, "a", 5, 0, 5)
	t.wantIncrement(s, "a", 0, 0, 5)
	t.wantIncrement(s, "a", -12, 0, -7)
	t.wantValue(s, "a", "-7")
	t.wantIncrement(s, "zero", 0, 0, 0)
	t.wantValue(s, "zero", "0")
	t.set(s, "a", "9", time.Hour)
	t.wantIncrement(s, "a", 1, 0, 10)
	t.wantLen(s, 2)
	t.wantDelete(s, "a", true)
	t.wantIncrement(s, "a", 1, 0, 1)
	for _, end := range []int64{math.MaxInt64, math.MinInt64} {
		step := int64(1)
		if end < 0 {
			step = -1
		}
		t.set(s, "a", fmt.Sprint(end-step), 0)
		t.wantIncrement(s, "a", step, 0, end)
		for _, by := range []int64{step, end} {
			_, err := s.Increment(t.ctx, "a", by, 0)
			t.wantError("Increment beyond the range", err, backend.ErrOverflow)
		}
		t.wantIncrement(s, "a", 0, 0, end)
		t.wantIncrement(s, fmt.Sprint("new ", end), end, 0, end)
	}
	_, err := s.Increment(t.ctx, strings.Repeat("k", backend.MaxKeyBytes+1), 1, 0)
	t.wantError("Increment", err, backend.ErrKeyTooLong)
}

func notCounters(t *tester) {
	s := t.open().Store()
	for _, value := range []string{"", "x", "1x", " 1", "1 ", "+1", "01", "-0", "1.0", "1e3", "0x10", "1_000", `"1"`, "null", "9223372036854775808",
		"-9223372036854775809", "٣", strings.Repeat("1", 100), "\x00"} {
		t.set(s, "a", value, time.Hour)
		_, err := s.Increment(t.ctx, "a", 1, 0)
		t.wantError(fmt.Sprintf("Increment of %.40q", value), err, backend.ErrNotCounter)
		if e := t.wantValue(s, "a", value); e.Expires.IsZero() {
			t.Errorf("a refused Increment of %.40q changed when it expires", value)
		}
	}
}

// counterExpiry checks that Increment does not change the creation time and the expiry of an existing counter.
func counterExpiry(t *tester) {
	s := t.open().Store()
	w := expiringEntry{ttl: 60 * time.Millisecond}
	for try := 0; ; try++ { // until all calls complete before the expiry
		w.key, w.before = fmt.Sprint("a", try), time.Now()
		one, err := s.Increment(t.ctx, w.key, 1, w.ttl)
		t.must(err)
		w.set = time.Now()
		first, err1 := s.Get(t.ctx, w.key)
		time.Sleep(5 * time.Millisecond)
		two, err2 := s.Increment(t.ctx, w.key, 1, time.Hour)
		second, err3 := s.Get(t.ctx, w.key)
		if time.Since(w.before) >= w.ttl {
			continue
		}
		t.must(errors.Join(err1, err2, err3))
		if one != 1 || two != 2 || !second.Created.Equal(first.Created) || !second.Expires.Equal(first.Expires) {
			t.Errorf("an Increment from %d to %d changed the entry to %v from %v", one, two, second, first)
		}
		break
	}
	t.waitUntilGone(s, w)
	t.wantIncrement(s, "a", 7, 0, 7)
	if e := t.wantValue(s, "a", "7"); !e.Expires.IsZero() {
		t.Errorf("a new counter with a ttl of 0 expires at %v", e.Expires)
	}
	t.wantIncrement(s, "a", 1, -1, 8)
	t.wantIncrement(s, "b", 1, -1, 1)
	t.wantNothing(s, "b")
}

// countConcurrently increments one counter from several goroutines. All sums that the calls return must be different.
func countConcurrently(t *tester) {
	s := t.open().Store()
	const callers, rounds = 8, 100
	var mu sync.Mutex
	got := make(map[int64]bool)
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for range rounds {
				n, err := s.Increment(t.ctx, "a", 1, time.Hour)
				if err != nil {
					t.Errorf("Increment: %v", err)
				}
				mu.Lock()
				got[n] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(got) != callers*rounds {
		t.Errorf("%d callers got %d numbers, want %d different ones", callers, len(got), callers*rounds)
	}
	t.wantValue(s, "a", fmt.Sprint(callers*rounds))
}
