package local

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// modelEntry is an entry as the plainest store there could be would have it.
type modelEntry struct {
	value   string
	created time.Time
	expires time.Time
}

type model map[string]modelEntry

func (m model) dropExpired() {
	for key, e := range m {
		if !e.expires.IsZero() && !time.Now().Before(e.expires) {
			delete(m, key)
		}
	}
}

var fuzzTTLs = []time.Duration{-1, 0, 0, 1, time.Millisecond, 1500 * time.Microsecond, 99 * time.Millisecond, 100 * time.Millisecond, time.Second, time.Hour}

// FuzzStore runs a sequence of operations, three bytes each, on a small store and on the model.
func FuzzStore(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(randomBytes(seed, 600))
	}
	f.Fuzz(func(t *testing.T, ops []byte) {
		ops = ops[:min(len(ops), 6000)] // longer ones find nothing more
		synctest.Test(t, func(t *testing.T) { runStoreOps(t, ops) })
	})
}

func runStoreOps(t *testing.T, ops []byte) {
	const maxBytes = 40 * entryOverhead
	b := open(t, Config{MaxBytes: maxBytes})
	m := make(model)
	for ; len(ops) >= 3; ops = ops[3:] {
		key := fmt.Sprint(ops[1] % 64)
		m.dropExpired()
		switch ops[0] % 8 {
		case 0, 1, 2:
			m.set(t, b.store, key, fmt.Sprintf("%*d", ops[1], ops[2]), fuzzTTLs[int(ops[2])%len(fuzzTTLs)], maxBytes)
		case 3, 4:
			m.get(t, b.store, key)
		case 5:
			_, want := m[key]
			delete(m, key)
			if got, err := b.store.Delete(t.Context(), key); err != nil || got != want {
				t.Fatalf("Delete(%s) = %t, %v, want %t", key, got, err, want)
			}
		case 6:
			if n, err := b.store.Len(t.Context()); err != nil || n != len(m) {
				t.Fatalf("Len = %d, %v, want %d", n, err, len(m))
			}
		case 7:
			time.Sleep(time.Duration(ops[1]) * time.Duration(ops[2]) * 10 * time.Microsecond)
		}
	}
	synctest.Wait()
	held(t, b.store)
}

func (m model) set(t *testing.T, s *store, key, value string, ttl time.Duration, maxBytes int64) {
	used := int64(entryOverhead + len(key) + len(value))
	for k, e := range m {
		if k != key {
			used += int64(entryOverhead + len(k) + len(e.value))
		}
	}
	err := s.Set(t.Context(), key, []byte(value), ttl)
	switch {
	case ttl < 0:
		if err != nil {
			t.Fatalf("Set with a negative ttl: %v", err)
		}
		delete(m, key)
	case used > maxBytes:
		// It may also be that memory is given back by writing less to a key than is there.
		if old, ok := m[key]; !ok || len(old.value) < len(value) {
			if !errors.Is(err, backend.ErrFull) {
				t.Fatalf("Set with %d of %d bytes in use = %v, want ErrFull", used, maxBytes, err)
			}
			return
		}
		t.Fatalf("the model uses %d of %d bytes", used, maxBytes)
	case err != nil:
		t.Fatalf("Set with %d of %d bytes in use: %v", used, maxBytes, err)
	default:
		e := modelEntry{value: value, created: time.Now().Truncate(time.Millisecond)}
		if ttl > 0 {
			e.expires = time.Now().Add(ttl + time.Millisecond - 1).Truncate(time.Millisecond)
		}
		m[key] = e
	}
}

func (m model) get(t *testing.T, s *store, key string) {
	want, ok := m[key]
	got, err := s.Get(t.Context(), key)
	if !ok {
		if !errors.Is(err, backend.ErrNotFound) {
			t.Fatalf("Get(%s) = %q, %v, want ErrNotFound", key, got.Value, err)
		}
		return
	}
	if err != nil || string(got.Value) != want.value || !got.Created.Equal(want.created) || !got.Expires.Equal(want.expires) {
		t.Fatalf("Get(%s) = %+v, %v, want %+v", key, got, err, want)
	}
}

// FuzzPresence lets members come and go, two bytes each, and compares the room with a plain set.
func FuzzPresence(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(randomBytes(seed, 1000))
	}
	f.Fuzz(func(t *testing.T, ops []byte) {
		p := newPresence("room")
		set := make(map[string]bool)
		for ; len(ops) >= 2; ops = ops[2:] {
			member := fmt.Sprint(ops[1])
			// Mostly coming at first and mostly going later, so that the room grows and shrinks.
			if (int(ops[0]) < 170) == (len(ops) > 600) {
				p.enter(member)
				set[member] = true
			} else {
				delete(set, member)
				if empty := p.leave(member); empty != (len(set) == 0) {
					t.Fatalf("leave says that the room is empty: %t, with %d members", empty, len(set))
				}
			}
			if len(p.members) != len(set) || (p.place != nil && len(p.place) != len(set)) {
				t.Fatalf("%d members at %d places, want %d", len(p.members), len(p.place), len(set))
			}
		}
		for member := range set {
			if i, ok := p.find(member); !ok || p.members[i] != member {
				t.Errorf("%s is not found at its place", member)
			}
		}
		if all := p.first(1000); len(all) != len(set) || len(slices.Compact(slices.Sorted(slices.Values(all)))) != len(set) {
			t.Errorf("first lists %d members, want %d different ones", len(all), len(set))
		}
	})
}

func randomBytes(seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, 1))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}
