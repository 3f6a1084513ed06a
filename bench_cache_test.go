package actionhero_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
)

// BenchmarkCached is what typed access costs on top of the store: reading a string takes no memory, and writing one takes
// what keeping it takes.
func BenchmarkCached(b *testing.B) {
	api, ctx := newAPI(b, actionhero.Config{}), b.Context()
	text := strings.Repeat("v", 200)
	check := func(b *testing.B, err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	texts, prefixed, points := actionhero.CacheOf[string]{}, actionhero.CacheOf[string]{Prefix: "prefix:"}, actionhero.CacheOf[point]{Prefix: "point:"}
	check(b, texts.Set(ctx, api, "k", text, time.Hour))
	check(b, prefixed.Set(ctx, api, "k", text, time.Hour))
	check(b, points.Set(ctx, api, "k", point{1, 2, "a"}, time.Hour))
	load := func(context.Context) (string, error) { return text, nil }
	for _, c := range []struct {
		name string
		op   func() error
	}{
		{"string/get", func() error { _, err := texts.Get(ctx, api, "k"); return err }},
		{"string/set", func() error { return texts.Set(ctx, api, "k", text, time.Hour) }},
		{"string/fetch", func() error { _, err := texts.GetOrLoad(ctx, api, "k", time.Hour, load); return err }},
		{"string with a prefix/get", func() error { _, err := prefixed.Get(ctx, api, "k"); return err }},
		{"struct/get", func() error { _, err := points.Get(ctx, api, "k"); return err }},
		{"struct/set", func() error { return points.Set(ctx, api, "k", point{1, 2, "a"}, time.Hour) }},
		{"increment", func() error { _, err := api.Cache.Increment(ctx, "n", 1, time.Hour); return err }},
		{"lock and unlock", func() error {
			l, err := api.Cache.Lock(ctx, "k", time.Hour)
			if err != nil {
				return err
			}
			return l.Unlock(ctx)
		}},
		{"wait for a free lock and unlock", func() error {
			l, err := api.Cache.LockWait(ctx, "k", time.Hour)
			if err != nil {
				return err
			}
			return l.Unlock(ctx)
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				check(b, c.op())
			}
		})
	}
}

// BenchmarkCacheKeys lists 100,000 keys of which one in ten has the prefix.
func BenchmarkCacheKeys(b *testing.B) {
	api, ctx := newAPI(b, actionhero.Config{}), b.Context()
	for i := range 100_000 {
		if err := api.Cache.Set(ctx, fmt.Sprintf("%d:%d", i%10, i), i, time.Hour); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for range api.Cache.Keys(ctx, "7:") {
			n++
		}
		if n != 10_000 {
			b.Fatalf("%d keys are listed", n)
		}
	}
}
