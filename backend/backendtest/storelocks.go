package backendtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

func (t *tester) lock(s backend.Store, key string, ttl time.Duration) backend.Lock {
	t.Helper()
	l, err := s.Lock(t.ctx, key, ttl)
	if err != nil {
		t.Fatalf("Lock(%.40q): %v", key, err)
	}
	if len(l.Token) < 16 || l.Fence == 0 {
		t.Fatalf("Lock(%.40q) = %+v, want a token that is hard to guess and a fence", key, l)
	}
	return l
}

func (t *tester) wantLocked(s backend.Store, key string) {
	t.Helper()
	_, err := s.Lock(t.ctx, key, time.Hour)
	t.wantError(fmt.Sprintf("Lock(%.40q) of a held lock", key), err, backend.ErrLocked)
}

func locks(t *tester) {
	s := t.open().Store()
	first := t.lock(s, "a", time.Hour)
	t.wantLocked(s, "a")
	other := t.lock(s, "b", time.Hour)
	for _, token := range []string{"", "x", other.Token, first.Token + "x", first.Token[1:]} {
		t.wantError("Unlock with another token", s.Unlock(t.ctx, "a", token), backend.ErrNotOwner)
		_, err := s.Refresh(t.ctx, "a", token, time.Hour)
		t.wantError("Refresh with another token", err, backend.ErrNotOwner)
	}
	t.wantLocked(s, "a")
	t.must(s.Unlock(t.ctx, "a", first.Token))
	t.wantError("Unlock of an unlocked lock", s.Unlock(t.ctx, "a", first.Token), backend.ErrNotOwner)
	second := t.lock(s, "a", time.Hour)
	if second.Fence <= first.Fence || second.Token == first.Token {
		t.Errorf("the second lock is %+v, the first was %+v", second, first)
	}
	t.wantError("Unlock with the token of the first", s.Unlock(t.ctx, "a", first.Token), backend.ErrNotOwner)
	t.wantLocked(s, "a")
	t.wantLocked(s, "b")
}

// locksAndEntries checks that a lock and an entry with the same key are independent.
func locksAndEntries(t *tester) {
	s := t.open().Store()
	for _, key := range oddNames {
		l := t.lock(s, key, time.Hour)
		t.wantNothing(s, key)
		t.wantDelete(s, key, false)
		t.wantAdd(s, key, "5", 0, true)
		t.wantIncrement(s, key, 1, 0, 6)
		t.wantLocked(s, key)
		t.must(s.Unlock(t.ctx, key, l.Token))
		t.wantValue(s, key, "6")
		t.lock(s, key, time.Hour)
	}
	t.wantLen(s, len(oddNames))
	for _, key := range oddNames {
		t.wantLocked(s, key)
	}
}

func refusedLocks(t *tester) {
	s := t.open().Store()
	l := t.lock(s, "a", time.Hour)
	for _, ttl := range []time.Duration{0, -1, -time.Hour} {
		_, err := s.Lock(t.ctx, "b", ttl)
		t.wantError("Lock", err, backend.ErrTTL)
		_, err = s.LockWait(t.ctx, "b", ttl)
		t.wantError("LockWait", err, backend.ErrTTL)
		_, err = s.Refresh(t.ctx, "a", l.Token, ttl)
		t.wantError("Refresh", err, backend.ErrTTL)
	}
	key := strings.Repeat("k", backend.MaxKeyBytes+1)
	_, err := s.Lock(t.ctx, key, time.Hour)
	t.wantError("Lock", err, backend.ErrKeyTooLong)
	_, err = s.LockWait(t.ctx, key, time.Hour)
	t.wantError("LockWait", err, backend.ErrKeyTooLong)
	_, err = s.Refresh(t.ctx, key, "x", time.Hour)
	t.wantError("Refresh", err, backend.ErrKeyTooLong)
	t.wantError("Unlock", s.Unlock(t.ctx, key, "x"), backend.ErrKeyTooLong)
	t.wantLocked(s, "a")
	t.lock(s, "b", time.Hour)
}

// lockExpiry locks a key again as soon as the previous lock of the key has expired. It checks that the lock expires on
// time.
func lockExpiry(t *tester) {
	s := t.open().Store()
	before, last := time.Now(), backend.Lock{}
	for i, ttl := range expiryTTLs {
		polled := time.Now()
		l, err := s.Lock(t.ctx, "a", ttl)
		for ; err != nil; l, err = s.Lock(t.ctx, "a", ttl) {
			t.wantError("Lock", err, backend.ErrLocked)
			if late := polled.Sub(last.Expires); late >= t.h.Slack {
				t.Fatalf("a lock that expires at %v was still held %v later", last.Expires, late)
			}
			time.Sleep(500 * time.Microsecond)
			polled = time.Now()
		}
		if i > 0 && time.Since(before) < expiryTTLs[i-1] {
			t.Fatalf("a lock for %v expired after at most %v", expiryTTLs[i-1], time.Since(before))
		}
		if l.Fence <= last.Fence {
			t.Errorf("fence %d is followed by %d", last.Fence, l.Fence)
		}
		t.wantError("Unlock after the expiry", s.Unlock(t.ctx, "a", last.Token), backend.ErrNotOwner)
		before, last = polled, l
	}
}

func refreshing(t *tester) {
	s := t.open().Store()
	const ttl = 40 * time.Millisecond
	key, before := "", time.Time{}
	var l backend.Lock
	var until time.Time
	for try, err := 0, error(backend.ErrNotOwner); err != nil; try++ { // until a Refresh completes before the expiry
		key, before = fmt.Sprint(try), time.Now()
		l = t.lock(s, key, ttl)
		if until, err = s.Refresh(t.ctx, key, l.Token, time.Hour); time.Since(before) < ttl {
			t.must(err)
		}
	}
	if d := until.Sub(l.Expires); d < time.Hour-time.Minute {
		t.Errorf("a lock refreshed for an hour expires at %v, before the Refresh at %v", until, l.Expires)
	}
	for time.Now().Before(l.Expires.Add(10 * time.Millisecond)) {
		time.Sleep(time.Millisecond)
	}
	t.wantLocked(s, key)
	// A waiting caller must notice that the lock expires sooner now.
	waited := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(t.ctx, waitLimit)
		defer cancel()
		_, err := s.LockWait(ctx, key, time.Hour)
		waited <- err
	}()
	time.Sleep(5 * time.Millisecond)
	before = time.Now()
	until, err := s.Refresh(t.ctx, key, l.Token, 5*time.Millisecond)
	t.must(err)
	if until.After(time.Now().Add(6*time.Millisecond + t.h.Slack)) {
		t.Errorf("a lock refreshed for 5 ms expires at %v, now is %v", until, time.Now())
	}
	t.must(<-waited)
	if took := time.Since(before); took < 5*time.Millisecond {
		t.Errorf("a lock refreshed for 5 ms expired after %v", took)
	}
	_, err = s.Refresh(t.ctx, key, l.Token, time.Hour)
	t.wantError("Refresh after the expiry", err, backend.ErrNotOwner)
}

// lockConcurrently locks the same few keys from several goroutines, with Lock and LockWait. The ttls of some locks
// expire. A lock must have one holder at a time, and its fences must rise.
func lockConcurrently(t *tester) {
	s := t.open().Store()
	const callers, rounds, keys = 8, 40, 2
	var fences [keys]atomic.Uint64
	var held [keys]atomic.Int32
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			for i := range rounds {
				k := (c + i) % keys
				// Each third lock is not unlocked but expires, so its ttl is short.
				ttl := time.Hour
				if i%3 == 2 {
					ttl = 3 * time.Millisecond
				}
				lock := s.Lock
				if i%2 == 0 {
					lock = s.LockWait
				}
				l, err := lock(t.ctx, fmt.Sprint(k), ttl)
				if errors.Is(err, backend.ErrLocked) && i%2 == 1 {
					continue
				}
				if err != nil {
					t.Errorf("Lock: %v", err)
					return
				}
				// The holders follow each other, so the fence of each holder must be above the fence of the previous one.
				if ttl == time.Hour {
					if n := held[k].Add(1); n != 1 {
						t.Errorf("a lock has %d holders", n)
					}
					if before := fences[k].Swap(l.Fence); before >= l.Fence {
						t.Errorf("fence %d is followed by %d", before, l.Fence)
					}
					time.Sleep(100 * time.Microsecond)
					held[k].Add(-1)
					if err := s.Unlock(t.ctx, fmt.Sprint(k), l.Token); err != nil {
						t.Errorf("Unlock: %v", err)
					}
				}
			}
		})
	}
	wg.Wait()
}

// waitForLocks checks that LockWait gets the lock when the lock is unlocked and when it expires.
func waitForLocks(t *tester) {
	s := t.open().Store()
	first := t.lock(s, "a", time.Hour)
	const waiters = 5
	got := make(chan backend.Lock, waiters)
	var wg sync.WaitGroup
	for range waiters {
		wg.Go(func() {
			l, err := s.LockWait(t.ctx, "a", 30*time.Millisecond)
			if err != nil {
				t.Errorf("LockWait: %v", err)
			}
			got <- l
		})
	}
	time.Sleep(10 * time.Millisecond)
	if len(got) > 0 {
		t.Fatal("a waiting caller got a held lock")
	}
	t.must(s.Unlock(t.ctx, "a", first.Token))
	wg.Wait() // each lock expires
	close(got)
	fences := map[uint64]bool{first.Fence: true}
	for l := range got {
		if l.Fence <= first.Fence || fences[l.Fence] {
			t.Errorf("a waiting caller got the fence %d, given before: %t; the first fence is %d", l.Fence, fences[l.Fence], first.Fence)
		}
		fences[l.Fence] = true
	}
}

// cancelWaiting checks that LockWait returns when its context ends. The other callers that wait for the same lock must
// still get the lock.
func cancelWaiting(t *tester) {
	s := t.open().Store()
	first := t.lock(s, "a", time.Hour)
	ctx, cancel := context.WithTimeout(t.ctx, 20*time.Millisecond)
	defer cancel()
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			_, err := s.LockWait(ctx, "a", time.Hour)
			t.wantError("LockWait with a context that ends", err, context.DeadlineExceeded)
		})
	}
	stays := make(chan error, 1)
	wg.Go(func() {
		_, err := s.LockWait(t.ctx, "a", time.Hour)
		stays <- err
	})
	<-ctx.Done()
	_, err := s.LockWait(ctx, "b", time.Hour)
	t.wantError("LockWait with a context that has ended", err, context.DeadlineExceeded)
	t.must(s.Unlock(t.ctx, "a", first.Token))
	t.must(<-stays)
	wg.Wait()
	t.wantLocked(s, "a")
}

// closeEndsWaiting closes the backend while callers wait for a lock. Their calls must fail with ErrClosed, or with
// ErrUnavailable if a command was on its way, and the lock must outlive Close.
func closeEndsWaiting(t *tester) {
	b := t.open()
	s := b.Store()
	l := t.lock(s, "a", time.Hour)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			_, err := s.LockWait(t.ctx, "a", time.Hour)
			if !errors.Is(err, backend.ErrUnavailable) { // Close has met a command of LockWait
				t.wantError("LockWait while the backend is closed", err, backend.ErrClosed)
			}
		})
	}
	time.Sleep(10 * time.Millisecond)
	t.mustClose(b)
	wg.Wait()
	t.must(b.Open(t.ctx, testNode))
	t.wantLocked(s, "a")
	t.must(s.Unlock(t.ctx, "a", l.Token))
	if again := t.lock(s, "a", time.Hour); again.Fence <= l.Fence {
		t.Errorf("fence %d is followed by %d", l.Fence, again.Fence)
	}
}

func (t *tester) wantStoreClosed(s backend.Store) {
	t.Helper()
	t.wantError("Set", s.Set(t.ctx, "a", nil, 0), backend.ErrClosed)
	t.wantError("Set with a negative ttl", s.Set(t.ctx, "a", nil, -1), backend.ErrClosed)
	_, err := s.Add(t.ctx, "a", nil, 0)
	t.wantError("Add", err, backend.ErrClosed)
	_, err = s.Get(t.ctx, "a")
	t.wantError("Get", err, backend.ErrClosed)
	_, err = s.Delete(t.ctx, "a")
	t.wantError("Delete", err, backend.ErrClosed)
	_, err = s.Increment(t.ctx, "a", 1, 0)
	t.wantError("Increment", err, backend.ErrClosed)
	_, _, err = s.Keys(t.ctx, "", "", 0)
	t.wantError("Keys", err, backend.ErrClosed)
	_, err = s.Clear(t.ctx, "")
	t.wantError("Clear", err, backend.ErrClosed)
	_, err = s.Len(t.ctx)
	t.wantError("Len", err, backend.ErrClosed)
	_, err = s.RemoveExpired(t.ctx)
	t.wantError("RemoveExpired", err, backend.ErrClosed)
	_, err = s.Lock(t.ctx, "a", time.Hour)
	t.wantError("Lock", err, backend.ErrClosed)
	_, err = s.LockWait(t.ctx, "a", time.Hour)
	t.wantError("LockWait", err, backend.ErrClosed)
	_, err = s.Refresh(t.ctx, "a", "x", time.Hour)
	t.wantError("Refresh", err, backend.ErrClosed)
	t.wantError("Unlock", s.Unlock(t.ctx, "a", "x"), backend.ErrClosed)
}
