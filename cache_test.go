package actionhero_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend/local"
)

func wantCode(t *testing.T, what string, err error, want actionhero.Code) {
	t.Helper()
	if e, ok := errors.AsType[*actionhero.Error](err); !ok || e.Code != want || e.Message == "" {
		t.Errorf("%s: error %v, want one with the code %s", what, err, want)
	}
}

func TestCacheSaveNew(t *testing.T) {
	t.Parallel()
	api, ctx := newAPI(t, actionhero.Config{}), t.Context()
	for i, want := range []bool{true, false} {
		if saved, err := api.Cache.Add(ctx, "k", i, time.Hour); err != nil || saved != want {
			t.Errorf("Add = %t, %v, want %t", saved, err, want)
		}
	}
	if e, err := api.Cache.Get(ctx, "k"); err != nil || string(e.Value) != "0" {
		t.Errorf("Load = %s, %v, want what was saved first", e.Value, err)
	}
	_, err := api.Cache.Add(ctx, "k", math.NaN(), 0)
	wantCode(t, "Add of a NaN", err, actionhero.CodeInvalidInput)
}

func TestCacheCounters(t *testing.T) {
	t.Parallel()
	api, ctx := newAPI(t, actionhero.Config{}), t.Context()
	numbers := actionhero.CacheOf[int64]{}
	for i, want := range []int64{2, 4, 6} {
		if n, err := api.Cache.Increment(ctx, "k", 2, time.Duration(i)*time.Hour); err != nil || n != want {
			t.Errorf("Increment = %d, %v, want %d", n, err, want)
		}
	}
	if n, err := numbers.Get(ctx, api, "k"); err != nil || n != 6 {
		t.Errorf("the counter was read as %d, %v", n, err)
	}
	if err := numbers.Set(ctx, api, "k", math.MaxInt64, 0); err != nil {
		t.Fatal(err)
	}
	_, err := api.Cache.Increment(ctx, "k", 1, 0)
	wantCode(t, "Increment beyond the limit", err, actionhero.CodeConflict)
	if err := api.Cache.Set(ctx, "k", "text", 0); err != nil {
		t.Fatal(err)
	}
	_, err = api.Cache.Increment(ctx, "k", 1, 0)
	wantCode(t, "Increment of a text", err, actionhero.CodeConflict)
}

func TestCacheKeysAndClear(t *testing.T) {
	t.Parallel()
	api, ctx := newAPI(t, actionhero.Config{}), t.Context()
	const n = 2500 // more than a page
	for i := range n {
		if err := api.Cache.Set(ctx, fmt.Sprintf("%d:%d", i%2, i), i, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	count := func(prefix string) (found int) {
		t.Helper()
		seen := make(map[string]bool)
		for key, err := range api.Cache.Keys(ctx, prefix) {
			if err != nil || !strings.HasPrefix(key, prefix) || seen[key] {
				t.Fatalf("Keys(%q) gave %q, %v", prefix, key, err)
			}
			seen[key] = true
		}
		return len(seen)
	}
	if all, some := count(""), count("1:"); all != n || some != n/2 {
		t.Errorf("there are %d keys, %d with the prefix, want %d and %d", all, some, n, n/2)
	}
	for range api.Cache.Keys(ctx, "") {
		break // a loop may end early
	}
	if removed, err := api.Cache.Clear(ctx, "1:"); err != nil || removed != n/2 || count("1:") != 0 || count("0:") != n/2 {
		t.Errorf("Clear = %d, %v, want %d", removed, err, n/2)
	}
	for _, err := range api.Cache.Keys(ctx, strings.Repeat("k", 2000)) {
		wantCode(t, "Keys with a long prefix", err, actionhero.CodeInvalidInput)
	}
}

func TestCacheRemoveExpired(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api, ctx := newAPI(t, actionhero.Config{}), t.Context()
		time.Sleep(10 * time.Millisecond) // off the interval at which the cache removes expired values
		for i := range 10 {
			if err := api.Cache.Set(ctx, fmt.Sprint(i), i, time.Duration(i%2)*time.Millisecond); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := api.Cache.Lock(ctx, "k", time.Millisecond); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
		if n, err := api.Cache.RemoveExpired(ctx); err != nil || n != 6 {
			t.Errorf("RemoveExpired = %d, %v, want 5 values and a lock", n, err)
		}
		if n, err := api.Cache.Size(ctx); err != nil || n != 5 {
			t.Errorf("Size = %d, %v", n, err)
		}
	})
}

func TestCacheLock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api, ctx := newAPI(t, actionhero.Config{}), t.Context()
		first, err := api.Cache.Lock(ctx, "report", time.Minute)
		if err != nil || first.Name != "report" {
			t.Fatalf("Lock = %+v, %v", first, err)
		}
		_, err = api.Cache.Lock(ctx, "report", time.Minute)
		wantCode(t, "Lock of what is locked", err, actionhero.CodeConflict)
		_, err = api.Cache.Lock(ctx, "other", 0)
		wantCode(t, "Lock for no time", err, actionhero.CodeInvalidInput)
		time.Sleep(50 * time.Second)
		if err := first.Refresh(ctx, time.Minute); err != nil {
			t.Error(err)
		}
		begun := time.Now()
		second, err := api.Cache.LockWait(ctx, "report", time.Minute)
		if took := time.Since(begun); err != nil || took != time.Minute || second.Fence <= first.Fence {
			t.Errorf("LockWait took %v and gave %+v, %v; the first fence was %d", took, second, err, first.Fence)
		}
		wantCode(t, "Refresh of what is over", first.Refresh(ctx, time.Minute), actionhero.CodeConflict)
		wantCode(t, "Unlock of what is over", first.Unlock(ctx), actionhero.CodeConflict)
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		if _, err := api.Cache.LockWait(short, "report", time.Minute); actionhero.AsError(err).Code != actionhero.CodeDeadlineExceeded {
			t.Errorf("LockWait with a context that ends: %v", err)
		}
		if err := second.Unlock(ctx); err != nil {
			t.Error(err)
		}
		if _, err := api.Cache.LockWait(ctx, "report", time.Minute); err != nil {
			t.Error(err)
		}
	})
}

// TestLockWaitIsFair checks that the embedded backend lets those who wait have the lock in the order in which they came.
func TestLockWaitIsFair(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api, ctx := newAPI(t, actionhero.Config{}), t.Context()
		held, err := api.Cache.Lock(ctx, "k", time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		var order []int // protected by the lock, which the race detector checks
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				l, err := api.Cache.LockWait(ctx, "k", time.Hour)
				if err != nil {
					t.Error(err)
					return
				}
				order = append(order, i)
				if err := l.Unlock(ctx); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait() // until it waits
		}
		begun := time.Now()
		if err := held.Unlock(ctx); err != nil {
			t.Error(err)
		}
		wg.Wait()
		if len(order) != 50 || !slices.IsSorted(order) || time.Since(begun) != 0 {
			t.Errorf("they had the lock in the order %v, in %v", order, time.Since(begun))
		}
	})
}

func TestCacheIsClosed(t *testing.T) {
	t.Parallel()
	api, err := actionhero.New(actionhero.Config{Backend: local.New(local.Config{})})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	_, err = api.Cache.Increment(ctx, "k", 1, 0)
	wantCode(t, "Increment", err, actionhero.CodeUnavailable)
	_, err = api.Cache.Lock(ctx, "k", 1)
	wantCode(t, "Lock", err, actionhero.CodeUnavailable)
	_, err = api.Cache.Clear(ctx, "")
	wantCode(t, "Clear", err, actionhero.CodeUnavailable)
	_, err = api.Cache.RemoveExpired(ctx)
	wantCode(t, "RemoveExpired", err, actionhero.CodeUnavailable)
	_, err = actionhero.CacheOf[int]{}.GetOrLoad(ctx, api, "k", 0, func(context.Context) (int, error) { return 1, nil })
	wantCode(t, "Fetch", err, actionhero.CodeUnavailable)
}
