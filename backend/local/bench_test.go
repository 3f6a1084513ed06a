package local

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// baseline is a sharded map with a RWMutex per shard, to compare the store with. It has no expiry, no times and no
// bound.
type baseline struct {
	seed   maphash.Seed
	shards [64]struct {
		mu sync.RWMutex
		m  map[string][]byte
		_  [64]byte
	}
}

func newBaseline() *baseline {
	b := &baseline{seed: maphash.MakeSeed()}
	for i := range b.shards {
		b.shards[i].m = make(map[string][]byte)
	}
	return b
}

func (b *baseline) get(key string) []byte {
	s := &b.shards[maphash.String(b.seed, key)%64]
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.m[key]
}

func (b *baseline) set(key string, value []byte) {
	s := &b.shards[maphash.String(b.seed, key)%64]
	value = bytes.Clone(value)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.m[key] = value
}

// checkValue reads the first and the last byte of a value, as a reader would.
func checkValue(value []byte) {
	if sum := value[0] + value[len(value)-1]; sum != 0 {
		panic("a value is not the one that was set")
	}
}

// eachKey runs op in parallel on n keys, in an order that defeats the CPU's prefetching.
func eachKey(b *testing.B, n int, op func(key string, value []byte)) {
	b.Helper()
	b.ReportAllocs()
	keys, value := make([]string, n), make([]byte, 100)
	for i := range keys {
		keys[i] = fmt.Sprint("session:", i)
		op(keys[i], value)
	}
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for i := rand.IntN(n); pb.Next(); i = (i + 7919) % n {
			op(keys[i], value)
		}
	})
}

func BenchmarkStore(b *testing.B) {
	for _, n := range []int{1000, 100_000} {
		b.Run(fmt.Sprint("get/keys=", n, "/baseline"), func(b *testing.B) {
			m, filled := newBaseline(), make([]byte, 100)
			for i := range n {
				m.set(fmt.Sprint("session:", i), filled)
			}
			eachKey(b, n, func(key string, _ []byte) { checkValue(m.get(key)) })
		})
		for _, ttl := range []time.Duration{0, time.Hour} {
			b.Run(fmt.Sprint("get/keys=", n, "/ttl=", ttl), func(b *testing.B) {
				s, ctx := open(b, Config{}).Store(), b.Context()
				for i := range n {
					if err := s.Set(ctx, fmt.Sprint("session:", i), make([]byte, 100), ttl); err != nil {
						b.Fatal(err)
					}
				}
				eachKey(b, n, func(key string, _ []byte) {
					e, err := s.Get(ctx, key)
					if err != nil {
						b.Error(err)
					}
					checkValue(e.Value)
				})
			})
		}
		b.Run(fmt.Sprint("set/keys=", n, "/baseline"), func(b *testing.B) {
			m := newBaseline()
			eachKey(b, n, m.set)
		})
		for _, ttl := range []time.Duration{0, time.Hour} {
			b.Run(fmt.Sprint("set/keys=", n, "/ttl=", ttl), func(b *testing.B) {
				s, ctx := open(b, Config{}).Store(), b.Context()
				eachKey(b, n, func(key string, value []byte) {
					if err := s.Set(ctx, key, value, ttl); err != nil {
						b.Error(err)
					}
				})
			})
		}
	}
}

// heapBytes returns the size of the live heap in bytes.
func heapBytes() float64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// BenchmarkMemory reports the memory of an entry without its key and value, to compare with itemOverhead. It also reports
// the memory of a member of a room without its id.
func BenchmarkMemory(b *testing.B) {
	const n = 100_000
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("%016d", i)
	}
	for _, ttl := range []time.Duration{0, time.Hour} {
		b.Run(fmt.Sprint("entry/ttl=", ttl), func(b *testing.B) {
			for b.Loop() {
				before := heapBytes()
				bk := open(b, Config{})
				for _, key := range keys {
					if err := bk.store.Set(b.Context(), key, make([]byte, 64), ttl); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric((heapBytes()-before)/n-16-64, "B/entry")
				runtime.KeepAlive(bk)
			}
		})
	}
	b.Run("member", func(b *testing.B) {
		for b.Loop() {
			before := heapBytes()
			bk := open(b, Config{})
			for _, key := range keys {
				if _, err := bk.broker.Move(b.Context(), backend.Change{Room: "room", Member: key}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric((heapBytes()-before)/n, "B/member")
			runtime.KeepAlive(bk)
		}
	})
}

func BenchmarkBroker(b *testing.B) {
	const n = 100_000
	bk := New(Config{})
	delivered := 0
	bk.Broker().Subscribe(backend.Subscriber{Deliver: func(backend.Message) func() { delivered++; return nil }})
	if err := bk.Open(b.Context(), backend.Node{ID: "node"}); err != nil {
		b.Fatal(err)
	}
	r, ctx := bk.Broker(), b.Context()
	for i := range n {
		if _, err := r.Move(ctx, backend.Change{Room: "room", Member: fmt.Sprint(i)}); err != nil {
			b.Fatal(err)
		}
	}
	check := func(b *testing.B, err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	b.Run("leave and enter", func(b *testing.B) {
		b.ReportAllocs()
		ids := make([]string, n)
		for i := range ids {
			ids[i] = fmt.Sprint(i)
		}
		i := 0
		for b.Loop() {
			_, err := r.Move(ctx, backend.Change{Room: "room", Member: ids[i%n], Leave: true})
			check(b, err)
			_, err = r.Move(ctx, backend.Change{Room: "room", Member: ids[i%n]})
			check(b, err)
			i += 7919
		}
	})
	for _, limit := range []int{0, 100, 1000} {
		b.Run(fmt.Sprint("members/limit=", limit), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _, err := r.Members(ctx, "room", limit)
				check(b, err)
			}
		})
	}
	b.Run("publish", func(b *testing.B) {
		b.ReportAllocs()
		m := backend.Message{Room: "room", From: "someone", Body: []byte(`"hello"`)}
		for b.Loop() {
			_, err := r.Publish(ctx, m)
			check(b, err)
		}
	})
	check(b, bk.Close(ctx))
}
