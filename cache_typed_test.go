package actionhero_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/local"
)

type point struct {
	X, Y int
	Name string
}

func TestCacheOf(t *testing.T) {
	t.Parallel()
	api, ctx := newAPI(t, actionhero.Config{}), t.Context()
	points, texts := actionhero.CacheOf[point]{Prefix: "point:"}, actionhero.CacheOf[string]{}
	if _, err := points.Get(ctx, api, "a"); actionhero.AsError(err).Code != actionhero.CodeNotFound {
		t.Errorf("Get of nothing: %v", err)
	}
	want := point{1, 2, "a\u2028\"b\""}
	if err := points.Set(ctx, api, "a", want, time.Hour); err != nil {
		t.Fatal(err)
	}
	if got, err := points.Get(ctx, api, "a"); err != nil || got != want {
		t.Errorf("Get = %v, %v, want %v", got, err, want)
	}
	if e, err := api.Cache.Get(ctx, "point:a"); err != nil || e.ExpiresAt.IsZero() {
		t.Errorf("the untyped value is %+v, %v", e, err)
	}
	for key, want := range map[string]bool{"a": false, "b": true} {
		if added, err := points.Add(ctx, api, key, point{}, time.Hour); err != nil || added != want {
			t.Errorf("Add(%q) = %t, %v, want %t", key, added, err, want)
		}
	}
	if _, err := texts.Get(ctx, api, "point:a"); err == nil || !strings.Contains(err.Error(), `"point:a" is no string`) {
		t.Errorf("Get of what is no string: %v", err)
	}
	for _, there := range []bool{true, false} {
		if was, err := points.Delete(ctx, api, "a"); err != nil || was != there {
			t.Errorf("Delete = %t, %v, want %t", was, err, there)
		}
	}
}

// TestCacheOfStrings checks that the short way for strings gives what JSON gives.
func TestCacheOfStrings(t *testing.T) {
	t.Parallel()
	api, ctx := newAPI(t, actionhero.Config{}), t.Context()
	type name string
	texts, names := actionhero.CacheOf[string]{}, actionhero.CacheOf[name]{}
	for _, text := range []string{"", "plain", "日本 é", `"quoted" \ back`, "\x00\n\t", "\u2028", "half \xff a byte", "\xed\xa0\x80", strings.Repeat("long ", 100_000)} {
		if err := texts.Set(ctx, api, "k", text, 0); err != nil {
			t.Fatal(err)
		}
		want := strings.ToValidUTF8(text, "\ufffd")
		if text == "\xed\xa0\x80" {
			want = "\ufffd\ufffd\ufffd"
		}
		got, err := texts.Get(ctx, api, "k")
		named, err2 := names.Get(ctx, api, "k")
		var decoded string
		e, err3 := api.Cache.Get(ctx, "k")
		if err := errors.Join(err, err2, err3, e.Decode(&decoded)); err != nil || got != want || string(named) != want || decoded != want {
			t.Errorf("%.20q came back as %.20q, %.20q and %.20q, %v", text, got, named, decoded, err)
		}
	}
	for value, want := range map[any]string{nil: "", 5: "", true: "", [0]int{}: ""} {
		if err := api.Cache.Set(ctx, "k", value, 0); err != nil {
			t.Fatal(err)
		}
		if got, err := texts.Get(ctx, api, "k"); got != want || (err == nil) != (value == nil) {
			t.Errorf("%v was read as %q, %v", value, got, err)
		}
	}
}

// A string that was read must stay as it is when the key is written again.
func TestCacheOfStringStays(t *testing.T) {
	t.Parallel()
	api, ctx := newAPI(t, actionhero.Config{}), t.Context()
	var texts actionhero.CacheOf[string]
	if err := texts.Set(ctx, api, "k", strings.Repeat("a", 500), 0); err != nil {
		t.Fatal(err)
	}
	first, err := texts.Get(ctx, api, "k")
	for range 100 {
		err = errors.Join(err, texts.Set(ctx, api, "k", strings.Repeat("b", 500), 0))
	}
	_, err2 := texts.Delete(ctx, api, "k")
	runtime.GC()
	if err := errors.Join(err, err2); err != nil || first != strings.Repeat("a", 500) {
		t.Errorf("what was read is now %.20q…, %v", first, err)
	}
}

func TestGetOrLoadLoadsOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api, ctx := newAPI(t, actionhero.Config{}), t.Context()
		points := actionhero.CacheOf[point]{Prefix: "p:"}
		var loads atomic.Int32
		load := func(context.Context) (point, error) {
			time.Sleep(time.Second)
			return point{X: int(loads.Add(1))}, nil
		}
		for round := range 3 {
			begun := time.Now()
			var wg sync.WaitGroup
			for range 64 {
				wg.Go(func() {
					for _, key := range []string{"a", "b"} {
						if got, err := points.GetOrLoad(ctx, api, key, time.Minute, load); err != nil || got.X/3 != round {
							t.Errorf("GetOrLoad = %v, %v, want what was loaded in round %d", got, err, round)
						}
					}
				})
			}
			wg.Wait()
			if n, took := loads.Load(), time.Since(begun); n != int32(2+3*round) || took != 2*time.Second {
				t.Errorf("64 callers loaded 2 keys until load %d, in %v", n, took)
			}
			loads.Add(1)
			time.Sleep(time.Minute)
		}
	})
}

// TestGetOrLoadInARace mixes misses, loads and deletes of a few keys without a fixed order.
func TestGetOrLoadInARace(t *testing.T) {
	t.Parallel()
	api, ctx := newAPI(t, actionhero.Config{}), t.Context()
	var numbers actionhero.CacheOf[int]
	var loading [4]atomic.Int32
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			for i := range 300 {
				k := (g + i) % len(loading)
				got, err := numbers.GetOrLoad(ctx, api, fmt.Sprint(k), time.Nanosecond, func(context.Context) (int, error) {
					if n := loading[k].Add(1); n != 1 {
						t.Errorf("%d loads of one key at a time", n)
					}
					runtime.Gosched()
					loading[k].Add(-1)
					return k, nil
				})
				if err != nil || got != k {
					t.Errorf("GetOrLoad = %d, %v, want %d", got, err, k)
				}
			}
		})
	}
	wg.Wait()
}

func TestGetOrLoadFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api, ctx := newAPI(t, actionhero.Config{}), t.Context()
		var texts actionhero.CacheOf[string]
		broken := errors.New("the database is down")
		var loads atomic.Int32
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				got, err := texts.GetOrLoad(ctx, api, "k", 0, func(context.Context) (string, error) {
					loads.Add(1)
					time.Sleep(time.Second)
					return "half", broken
				})
				if got != "" || !errors.Is(err, broken) {
					t.Errorf("GetOrLoad = %q, %v, want the error of the load", got, err)
				}
			})
		}
		wg.Wait()
		if n := loads.Load(); n != 1 {
			t.Errorf("5 callers loaded %d times", n)
		}
		// An error is not kept.
		if got, err := texts.GetOrLoad(ctx, api, "k", 0, func(context.Context) (string, error) { return "up again", nil }); err != nil || got != "up again" {
			t.Errorf("GetOrLoad = %q, %v", got, err)
		}
	})
}

// TestGetOrLoadCancelled checks that a cancelled or panicking call does not fail the other callers.
func TestGetOrLoadCancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := newAPI(t, actionhero.Config{})
		var texts actionhero.CacheOf[string]
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		slow := func(ctx context.Context) (string, error) {
			select {
			case <-ctx.Done():
				return "", ctx.Err()
			case <-time.After(3 * time.Second):
				return "loaded", nil
			}
		}
		var wg sync.WaitGroup
		for _, key := range []string{"given up", "panics"} {
			wg.Go(func() {
				defer func() {
					if p := recover(); (p != nil) != (key == "panics") {
						t.Errorf("%s: panic %v", key, p)
					}
				}()
				_, err := texts.GetOrLoad(short, api, key, 0, func(ctx context.Context) (string, error) {
					if key == "panics" {
						time.Sleep(time.Second)
						panic("a bug")
					}
					return slow(ctx)
				})
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%s: %v", key, err)
				}
			})
			synctest.Wait()
			wg.Go(func() { // a waiting call is cancelled, too
				if _, err := texts.GetOrLoad(short, api, key, 0, slow); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%s: the one that waits: %v", key, err)
				}
			})
			for range 3 {
				wg.Go(func() {
					if got, err := texts.GetOrLoad(t.Context(), api, key, 0, slow); err != nil || got != "loaded" {
						t.Errorf("%s: the others got %q, %v", key, got, err)
					}
				})
			}
		}
		begun := time.Now()
		wg.Wait()
		if took := time.Since(begun); took != 4*time.Second {
			t.Errorf("it took %v, want one second until the first was given up and three for the next load", took)
		}
	})
}

func TestGetOrLoadKeepsWhatIsNewer(t *testing.T) {
	t.Parallel()
	api, ctx := newAPI(t, actionhero.Config{}), t.Context()
	var texts actionhero.CacheOf[string]
	got, err := texts.GetOrLoad(ctx, api, "k", 0, func(ctx context.Context) (string, error) {
		return "old", texts.Set(ctx, api, "k", "new", 0)
	})
	if err != nil || got != "new" {
		t.Errorf("GetOrLoad = %q, %v, want what was set while it loaded", got, err)
	}
	if got, err := texts.Get(ctx, api, "k"); err != nil || got != "new" {
		t.Errorf("Get = %q, %v", got, err)
	}
}

// TestGetOrLoadOfWhatCannotBeKept has no room, or no JSON, for what it loads.
func TestGetOrLoadOfWhatCannotBeKept(t *testing.T) {
	t.Parallel()
	api, ctx := newAPI(t, actionhero.Config{Backend: local.New(local.Config{MaxBytes: 1000})}), t.Context()
	long := strings.Repeat("x", 2000)
	got, err := actionhero.CacheOf[string]{}.GetOrLoad(ctx, api, "k", 0, func(context.Context) (string, error) { return long, nil })
	if got != long || actionhero.AsError(err).Code != actionhero.CodeResourceExhausted {
		t.Errorf("GetOrLoad = %d bytes, %v, want the value and that the cache is full", len(got), err)
	}
	_, err = actionhero.CacheOf[float64]{}.GetOrLoad(ctx, api, "k", 0, func(context.Context) (float64, error) { return math.NaN(), nil })
	if e := actionhero.AsError(err); e.Code != actionhero.CodeInvalidInput || !strings.Contains(e.Message, `"k"`) {
		t.Errorf("GetOrLoad of a NaN: %v", err)
	}
	_, err = actionhero.CacheOf[int]{}.GetOrLoad(ctx, api, strings.Repeat("k", 2000), 0, func(context.Context) (int, error) { return 1, nil })
	if actionhero.AsError(err).Code != actionhero.CodeInvalidInput {
		t.Errorf("GetOrLoad of a long key: %v", err)
	}
}

// TestGetOrLoadGivesEachItsOwn checks that those that waited for one load do not share what it points to.
func TestGetOrLoadGivesEachItsOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api, ctx := newAPI(t, actionhero.Config{}), t.Context()
		var lists actionhero.CacheOf[[]int]
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				got, err := lists.GetOrLoad(ctx, api, "k", 0, func(context.Context) ([]int, error) {
					time.Sleep(time.Second)
					return []int{1, 2, 3}, nil
				})
				if err != nil || !cmp.Equal(got, []int{1, 2, 3}) {
					t.Errorf("GetOrLoad = %v, %v", got, err)
				}
				got[0] = i // the race detector sees it if it is shared
			})
		}
		wg.Wait()
	})
}

// interrupted is a backend where something happens right after the store was looked into for the first time.
type interrupted struct {
	backend.Backend
	store interruptedStore
}

func (i *interrupted) Store() backend.Store { return &i.store }

type interruptedStore struct {
	backend.Store
	then func()
}

func (i *interruptedStore) Get(ctx context.Context, key string) (backend.Entry, error) {
	e, err := i.Store.Get(ctx, key)
	if then := i.then; then != nil {
		i.then = nil
		then()
	}
	return e, err
}

// TestGetOrLoadLooksAgain loads the value elsewhere between the look into the cache and the load.
func TestGetOrLoadLooksAgain(t *testing.T) {
	t.Parallel()
	embedded := local.New(local.Config{})
	b := &interrupted{embedded, interruptedStore{Store: embedded.Store()}}
	api, ctx := newAPI(t, actionhero.Config{Backend: b}), t.Context()
	var numbers actionhero.CacheOf[int]
	loads := 0
	fetch := func() {
		n, err := numbers.GetOrLoad(ctx, api, "k", 0, func(context.Context) (int, error) { loads++; return loads, nil })
		if err != nil || n != 1 {
			t.Errorf("GetOrLoad = %d, %v, want what was loaded first", n, err)
		}
	}
	b.store.then = fetch
	fetch()
	if loads != 1 {
		t.Errorf("the value was loaded %d times", loads)
	}
}

// impatient is a backend whose store fills nothing for a context that has ended, and whose first Fill fails.
type impatient struct {
	backend.Backend
	store impatientStore
}

func (i *impatient) Store() backend.Store { return &i.store }

type impatientStore struct {
	backend.Store
	failures atomic.Int32
}

func (i *impatientStore) Fill(ctx context.Context, key, load string, value []byte, ttl time.Duration) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	if value != nil && i.failures.Add(-1) >= 0 {
		return false, backend.ErrUnavailable
	}
	return i.Store.Fill(ctx, key, load, value, ttl)
}

// A loaded value is stored although the context of its caller has ended, and other callers get it.
func TestALoadedValueOutlivesItsCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		embedded := local.New(local.Config{})
		api := newAPI(t, actionhero.Config{Backend: &impatient{embedded, impatientStore{Store: embedded.Store()}}})
		var texts actionhero.CacheOf[string]
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begun := time.Now()
		load := func(context.Context) (string, error) { time.Sleep(2 * time.Second); return "loaded", nil }
		var wg sync.WaitGroup
		for _, ctx := range []context.Context{short, t.Context(), t.Context()} {
			wg.Go(func() {
				if got, err := texts.GetOrLoad(ctx, api, "k", 0, load); got != "loaded" && ctx != short || err != nil && ctx != short {
					t.Errorf("GetOrLoad = %q, %v", got, err)
				}
			})
			synctest.Wait()
		}
		if wg.Wait(); time.Since(begun) != 2*time.Second {
			t.Errorf("it took %v, want one load", time.Since(begun))
		}
	})
}

// If a loaded value cannot be stored, the next caller does not wait for the end of the load.
func TestALoadThatCannotBeStoredEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		embedded := local.New(local.Config{})
		b := &impatient{embedded, impatientStore{Store: embedded.Store()}}
		b.store.failures.Store(1)
		api := newAPI(t, actionhero.Config{Backend: b})
		var texts actionhero.CacheOf[string]
		begun := time.Now()
		load := func(context.Context) (string, error) { return "loaded", nil }
		if got, err := texts.GetOrLoad(t.Context(), api, "k", 0, load); got != "loaded" || !errors.Is(err, backend.ErrUnavailable) {
			t.Errorf("GetOrLoad = %q, %v, want the value and that it is not stored", got, err)
		}
		if got, err := texts.GetOrLoad(t.Context(), api, "k", 0, load); got != "loaded" || err != nil || time.Since(begun) > 0 {
			t.Errorf("the next GetOrLoad = %q, %v after %v", got, err, time.Since(begun))
		}
	})
}

// A load that begins before a change of its key is not stored after it, and callers after the change do not share it.
func TestAChangeOfTheCacheDetachesLoads(t *testing.T) {
	t.Parallel()
	numbers := actionhero.CacheOf[int]{Prefix: "n:"}
	for name, change := range map[string]struct {
		do   func(ctx context.Context, api *actionhero.API) error
		kept int // the value after the change and after the load has ended; 0: none
	}{
		"Delete": {func(ctx context.Context, api *actionhero.API) error {
			_, err := api.Cache.Delete(ctx, "n:k")
			return err
		}, 0},
		"CacheOf.Delete": {func(ctx context.Context, api *actionhero.API) error {
			_, err := numbers.Delete(ctx, api, "k")
			return err
		}, 0},
		"Clear": {func(ctx context.Context, api *actionhero.API) error { _, err := api.Cache.Clear(ctx, "n"); return err }, 0},
		"CacheOf.Clear": {func(ctx context.Context, api *actionhero.API) error {
			_, err := numbers.Clear(ctx, api, "")
			return err
		}, 0},
		"Set":         {func(ctx context.Context, api *actionhero.API) error { return api.Cache.Set(ctx, "n:k", 7, 0) }, 7},
		"CacheOf.Set": {func(ctx context.Context, api *actionhero.API) error { return numbers.Set(ctx, api, "k", 7, 0) }, 7},
		"Set, then Delete": {func(ctx context.Context, api *actionhero.API) error {
			_, err := api.Cache.Delete(ctx, "n:k")
			return errors.Join(api.Cache.Set(ctx, "n:k", 7, 0), err)
		}, 7},
		"another key": {func(ctx context.Context, api *actionhero.API) error {
			_, err := numbers.Delete(ctx, api, "k2")
			return err
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				api, ctx := newAPI(t, actionhero.Config{}), t.Context()
				release := make(chan struct{})
				load := func(n int) func(context.Context) (int, error) {
					return func(context.Context) (int, error) { <-release; return n, nil }
				}
				old := make(chan int, 2)
				for range 2 {
					go func() {
						got, err := numbers.GetOrLoad(ctx, api, "k", 0, load(1))
						if err != nil {
							t.Error(err)
						}
						old <- got
					}()
				}
				synctest.Wait()
				steps(t, change.do(ctx, api))
				fresh := make(chan int, 1)
				if change.kept == 0 {
					go func() {
						got, _ := numbers.GetOrLoad(ctx, api, "k", 0, func(context.Context) (int, error) { return 2, nil })
						fresh <- got
					}()
					synctest.Wait()
					if len(fresh) != 1 || <-fresh != 2 {
						t.Fatal("a caller after the change joins the load from before it")
					}
					change.kept = 2
				}
				close(release)
				<-old
				<-old
				if got, err := numbers.Get(ctx, api, "k"); err != nil || got != change.kept {
					t.Errorf("the cache has %d, %v, want %d", got, err, change.kept)
				}
			})
		})
	}
}

func TestCacheOfKeysAndClear(t *testing.T) {
	t.Parallel()
	api, ctx := newAPI(t, actionhero.Config{}), t.Context()
	users, others := actionhero.CacheOf[int]{Prefix: "user:"}, actionhero.CacheOf[int]{Prefix: "other:"}
	for _, key := range []string{"a1", "a2", "b1"} {
		steps(t, users.Set(ctx, api, key, 1, 0), others.Set(ctx, api, key, 1, 0))
	}
	var keys []string
	for key, err := range users.Keys(ctx, api, "a") {
		steps(t, err)
		keys = append(keys, key)
	}
	slices.Sort(keys)
	if !slices.Equal(keys, []string{"a1", "a2"}) {
		t.Errorf("the keys are %q", keys)
	}
	for range users.Keys(ctx, api, "") {
		break
	}
	if n, err := users.Clear(ctx, api, "a"); n != 2 || err != nil {
		t.Errorf("Clear a: %d, %v", n, err)
	}
	if n, err := users.Clear(ctx, api, ""); n != 1 || err != nil {
		t.Errorf("Clear: %d, %v", n, err)
	}
	if n, err := api.Cache.Size(ctx); n != 3 || err != nil {
		t.Errorf("%d values are left, %v", n, err)
	}
}
