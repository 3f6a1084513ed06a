package backendtest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// list returns the keys that begin with prefix, from all pages of Keys. The test fails if a page has more keys than the
// limit.
func (t *tester) list(s backend.Store, prefix string, limit int) []string {
	t.Helper()
	var all []string
	for cursor, pages := "", 0; ; pages++ {
		keys, next, err := s.Keys(t.ctx, prefix, cursor, limit)
		t.must(err)
		if most := min(limit, backend.MaxKeys); limit > 0 && len(keys) > most || len(keys) > backend.MaxKeys || pages > 100_000 {
			t.Fatalf("page %d has %d keys, with a limit of %d", pages, len(keys), limit)
		}
		all = append(all, keys...)
		if next == "" {
			return all
		}
		cursor = next
	}
}

func (t *tester) wantKeys(s backend.Store, prefix string, limit int, want ...string) {
	t.Helper()
	got := t.list(s, prefix, limit)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the keys that begin with %.40q, in pages of %d: %.200q, want %.200q", prefix, limit, got, want)
	}
}

func listKeys(t *tester) {
	s := t.open().Store()
	t.wantKeys(s, "", 0)
	for _, key := range oddNames {
		t.set(s, key, "", time.Hour)
	}
	for _, limit := range []int{-1, 0, 1, 2, 7, len(oddNames), 5000} {
		for _, prefix := range append([]string{"zzz"}, oddNames...) {
			var want []string
			for _, key := range oddNames {
				if strings.HasPrefix(key, prefix) {
					want = append(want, key)
				}
			}
			t.wantKeys(s, prefix, limit, want...)
		}
	}
	_, err := s.Lock(t.ctx, "a lock is not an entry", time.Hour)
	t.must(err)
	t.wantKeys(s, "a lock", 0)
	_, _, err = s.Keys(t.ctx, strings.Repeat("k", backend.MaxKeyBytes+1), "", 0)
	t.wantError("Keys", err, backend.ErrKeyTooLong)
	_, _, err = s.Keys(t.ctx, "", "\x00no cursor\x00", 0)
	t.wantError("Keys with an invalid cursor", err, backend.ErrCursor)
}

// setSomeToExpire sets n entries that stay and n entries that expire after 20 ms. It returns after the expiry of the n
// short-lived entries.
func (t *tester) setSomeToExpire(s backend.Store, n int) {
	t.Helper()
	var short []expiringEntry
	for i := range n {
		t.set(s, fmt.Sprint("long ", i), "", time.Hour)
		short = append(short, t.setExpiring(s, fmt.Sprint("short ", i), 20*time.Millisecond))
	}
	for _, w := range short {
		t.waitUntilGone(s, w)
	}
}

func listedKeysExpire(t *tester) {
	s := t.open().Store()
	t.setSomeToExpire(s, 20)
	if got := t.list(s, "", 3); len(got) != 20 {
		t.Errorf("Keys returns %d keys, want the 20 that have not expired", len(got))
	}
	t.wantKeys(s, "short", 0)
}

// listDuringChanges lists keys while other goroutines add and remove entries. A key that exists from the first page to
// the last must be listed.
func listDuringChanges(t *tester) {
	s := t.open().Store()
	const stable = 200
	for i := range stable {
		t.set(s, fmt.Sprint("stable ", i), "", time.Hour)
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for w := range 3 {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				err := s.Set(t.ctx, fmt.Sprint("temporary ", w, i%500), nil, time.Duration(i%2)*time.Hour)
				_, gone := s.Delete(t.ctx, fmt.Sprint("temporary ", w, (i+250)%500))
				again := s.Set(t.ctx, fmt.Sprint("stable ", i%stable), []byte("again"), time.Hour)
				if err := errors.Join(err, gone, again); err != nil {
					t.Errorf("a change: %v", err)
					return
				}
			}
		})
	}
	for range 5 {
		listed := make(map[string]bool)
		for _, key := range t.list(s, "stable ", 9) {
			listed[key] = true
		}
		if len(listed) != stable {
			t.Errorf("%d keys were listed during changes, want %d", len(listed), stable)
		}
	}
	close(stop)
	wg.Wait()
}

func clearing(t *tester) {
	s := t.open().Store()
	wantClear := func(prefix string, want int) {
		t.Helper()
		if n, err := s.Clear(t.ctx, prefix); err != nil || n != want {
			t.Errorf("Clear(%.40q) = %d, %v, want %d", prefix, n, err, want)
		}
	}
	wantClear("", 0)
	for i := range 2500 {
		t.set(s, fmt.Sprint("many ", i), "", time.Duration(i%2)*time.Hour)
	}
	for _, key := range oddNames {
		t.set(s, key, "", 0)
	}
	t.wantIncrement(s, "many counters", 1, 0, 1)
	lock, err := s.Lock(t.ctx, "many", time.Hour)
	t.must(err)
	wantClear("none", 0)
	t.wantLen(s, 2501+len(oddNames))
	wantClear("many", 2501)
	wantClear("many", 0)
	t.wantLen(s, len(oddNames))
	wantClear("", len(oddNames))
	t.wantLen(s, 0)
	t.set(s, "short", "", 20*time.Millisecond)
	t.waitUntilGone(s, t.setExpiring(s, "short", 20*time.Millisecond))
	wantClear("", 0)
	t.must(s.Unlock(t.ctx, "many", lock.Token))
	_, err = s.Clear(t.ctx, strings.Repeat("k", backend.MaxKeyBytes+1))
	t.wantError("Clear", err, backend.ErrKeyTooLong)
}

func removeExpired(t *tester) {
	s := t.open().Store()
	const short = 100
	t.setSomeToExpire(s, short)
	// The store may have removed some in the background.
	if n, err := s.RemoveExpired(t.ctx); err != nil || n < 0 || n > short {
		t.Errorf("RemoveExpired = %d, %v, want up to %d", n, err, short)
	}
	if n, err := s.RemoveExpired(t.ctx); err != nil || n != 0 {
		t.Errorf("RemoveExpired, again = %d, %v, want 0", n, err)
	}
	t.wantLen(s, short)
}
