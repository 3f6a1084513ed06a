package actionhero_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/local"
)

// plainBackend is the embedded backend with a store that has the methods of backend.Store only, as those of clusters.
type plainBackend struct{ backend.Backend }

func (b plainBackend) Store() backend.Store { return struct{ backend.Store }{b.Backend.Store()} }

// TestATypedValueIsTheSameOnEveryStore runs the same calls on the embedded store and on one that has only the methods of
// backend.Store, and compares every result and error.
func TestATypedValueIsTheSameOnEveryStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const maxBytes = 20_000
		embedded := newAPI(t, actionhero.Config{Backend: local.New(local.Config{MaxBytes: maxBytes})})
		plain := newAPI(t, actionhero.Config{Backend: plainBackend{local.New(local.Config{MaxBytes: maxBytes})}})
		for _, prefix := range []string{"", "p:", strings.Repeat("p", 127), strings.Repeat("p", backend.MaxKeyBytes)} {
			for _, key := range []string{"", "k", "kk", strings.Repeat("k", 100), strings.Repeat("k", backend.MaxKeyBytes-2), strings.Repeat("k", backend.MaxKeyBytes)} {
				for _, api := range []*actionhero.API{embedded, plain} {
					_, _ = api.Cache.Clear(t.Context(), "")
				}
				texts, points := typedCalls[string](t, prefix, key), typedCalls[point](t, prefix, key)
				for _, text := range []string{"", "plain", "ü \u2028 \"\\\n", "half \xff", strings.Repeat("x", 15_000), strings.Repeat("\x01", 15_000)} {
					if got, want := texts(embedded, text), texts(plain, text); got != want {
						t.Errorf("%.10q and %.10q, text %.10q:\ngot  %.600s\nwant %.600s", prefix, key, text, got, want)
					}
					p := point{len(text), -1, text}
					if got, want := points(embedded, p), points(plain, p); got != want {
						t.Errorf("%.10q and %.10q, struct of %.10q:\ngot  %.600s\nwant %.600s", prefix, key, text, got, want)
					}
				}
			}
		}
	})
}

// typedCalls returns a function that calls the methods of a CacheOf for one key, and returns a text of their results.
func typedCalls[T comparable](t *testing.T, prefix, key string) func(*actionhero.API, T) string {
	return func(api *actionhero.API, value T) string {
		var b strings.Builder
		c, ctx := actionhero.CacheOf[T]{Prefix: prefix}, t.Context()
		report := func(results ...any) { fmt.Fprintln(&b, results...) }
		read := func() {
			v, err := c.Get(ctx, api, key)
			report("get", v, err)
			e, err := api.Cache.Get(ctx, prefix+key)
			report("json", string(e.Value), time.Until(e.ExpiresAt), err)
		}
		load := func(err error) {
			v, err := c.GetOrLoad(ctx, api, key, time.Second, func(ctx context.Context) (T, error) { return value, err })
			report("load", v, err)
		}
		report("set", c.Set(ctx, api, key, value, time.Second))
		read()
		load(errors.New("is not called"))
		report("set again", c.Set(ctx, api, key, value, 0))
		read()
		report("remove", c.Set(ctx, api, key, value, -1))
		read()
		load(errors.New("no value"))
		load(nil)
		read()
		time.Sleep(time.Second)
		read()
		added, err := c.Add(ctx, api, key, value, time.Minute)
		report("add", added, err)
		read()
		report(api.Cache.Set(ctx, prefix+key, "text", 0), api.Cache.Set(ctx, prefix+key, 7, 0))
		read() // an integer, which may be no T
		was, err := c.Delete(ctx, api, key)
		size, sizeErr := api.Cache.Size(ctx)
		report("delete", was, err, size, sizeErr)
		return b.String()
	}
}

// TestAReadOfATextAllocatesNothing counts the allocations of the typed cache in memory.
func TestAReadOfATextAllocatesNothing(t *testing.T) {
	api, ctx := newAPI(t, actionhero.Config{}), t.Context()
	texts := actionhero.CacheOf[string]{Prefix: "session:"}
	key, text := "0123456789", strings.Repeat("x", 200)
	check := func(what string, want float64, call func() error) {
		t.Helper()
		n := testing.AllocsPerRun(100, func() {
			if err := call(); err != nil {
				t.Error(what, err)
			}
		})
		if n > want {
			t.Errorf("%s allocates %v times, want %v", what, n, want)
		}
	}
	check("Set", 1, func() error { return texts.Set(ctx, api, key, text, time.Hour) }) // the stored copy
	check("Get", 0, func() error { _, err := texts.Get(ctx, api, key); return err })
	load := func(ctx context.Context) (string, error) { return "", errors.New("is not called") }
	check("GetOrLoad", 0, func() error { _, err := texts.GetOrLoad(ctx, api, key, 0, load); return err })
}
