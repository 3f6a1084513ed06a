package local

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// model is a store and the expected state of it: plain maps.
type model struct {
	*testing.T
	s       *store
	max     int64
	entries map[string]modelEntry
	locks   map[string]backend.Lock
	fence   uint64
}

type modelEntry struct {
	value            string
	created, expires time.Time
}

func isExpired(expires time.Time) bool { return !expires.IsZero() && !time.Now().Before(expires) }

func (m *model) dropExpired() {
	for key, e := range m.entries {
		if isExpired(e.expires) {
			delete(m.entries, key)
		}
	}
	for key, l := range m.locks {
		if isExpired(l.Expires) {
			delete(m.locks, key)
		}
	}
}

// fits reports whether the store has room for n more bytes.
func (m *model) fits(n int) bool {
	used := int64(n)
	for key, e := range m.entries {
		used += int64(itemOverhead + len(key) + len(e.value))
	}
	for key, l := range m.locks {
		used += int64(itemOverhead + len(key) + fenceBytes + len(l.Token))
	}
	return used <= m.max
}

var fuzzTTLs = []time.Duration{-1, 0, 0, 1, time.Millisecond, 1500 * time.Microsecond, 99 * time.Millisecond, 100 * time.Millisecond, time.Second, time.Hour}

func expires(ttl time.Duration) time.Time {
	if ttl == 0 {
		return time.Time{}
	}
	return time.Now().Add(ttl + time.Millisecond - 1).Truncate(time.Millisecond)
}

// FuzzStore runs a sequence of operations, three bytes each, on a small store and on the model.
func FuzzStore(f *testing.F) {
	for seed := range uint64(16) {
		f.Add(randomBytes(seed, 900))
	}
	f.Fuzz(func(t *testing.T, ops []byte) {
		ops = ops[:min(len(ops), 6000)] // longer sequences find no more faults
		synctest.Test(t, func(t *testing.T) { runStoreOps(t, ops) })
	})
}

func runStoreOps(t *testing.T, ops []byte) {
	const maxBytes = 40 * itemOverhead
	m := &model{T: t, s: open(t, Config{MaxBytes: maxBytes}).store, max: maxBytes,
		entries: make(map[string]modelEntry), locks: make(map[string]backend.Lock)}
	for ; len(ops) >= 3; ops = ops[3:] {
		m.dropExpired()
		key, ttl := fmt.Sprint(ops[1]%64), fuzzTTLs[int(ops[2])%len(fuzzTTLs)]
		switch value := fmt.Sprintf("%*d", ops[1], ops[2]); ops[0] % 16 {
		case 0, 1, 2:
			m.set(key, value, ttl)
		case 3:
			m.add(key, value, ttl)
		case 4, 5:
			m.increment(key, int64(ops[2])-100, ttl)
		case 6, 7:
			m.get(key)
		case 8:
			m.delete(key)
		case 9:
			m.count()
		case 10, 11:
			m.lock(fmt.Sprint(ops[1]%8), ttl)
		case 12:
			m.refresh(fmt.Sprint(ops[1]%8), ttl)
		case 13:
			m.unlock(fmt.Sprint(ops[1]%8), ops[2]%8 == 0)
		case 14:
			m.list(fmt.Sprint(ops[1]%8), int(ops[2]), ops[1] > 200)
		case 15:
			time.Sleep(time.Duration(ops[1]) * time.Duration(ops[2]) * 10 * time.Microsecond)
		}
	}
	synctest.Wait()
	checkStore(t, m.s)
}

// wantRoom checks that err is ErrFull if and only if the store has no room to set key to a value of n bytes. It returns
// whether err is nil.
func (m *model) wantRoom(what, key string, n int, err error) bool {
	m.Helper()
	need := itemOverhead + len(key) + n
	if old, ok := m.entries[key]; ok {
		need = n - len(old.value)
	}
	// A value that is not longer than the old one always fits.
	if full := need > 0 && !m.fits(need); full != errors.Is(err, backend.ErrFull) || !full && err != nil {
		m.Fatalf("%s that needs %d more bytes: %v; it should fit: %t", what, need, err, !full)
	}
	return err == nil
}

func (m *model) set(key, value string, ttl time.Duration) {
	err := m.s.Set(m.Context(), key, []byte(value), ttl)
	if ttl < 0 {
		if err != nil {
			m.Fatalf("Set with a negative ttl: %v", err)
		}
		delete(m.entries, key)
	} else if m.wantRoom("Set", key, len(value), err) {
		m.entries[key] = modelEntry{value, time.Now().Truncate(time.Millisecond), expires(ttl)}
	}
}

func (m *model) add(key, value string, ttl time.Duration) {
	added, err := m.s.Add(m.Context(), key, []byte(value), ttl)
	_, exists := m.entries[key]
	switch {
	case exists || ttl < 0:
		if added == exists || err != nil {
			m.Fatalf("Add = %t, %v, want %t", added, err, !exists)
		}
	case m.wantRoom("Add", key, len(value), err):
		if !added {
			m.Fatal("Add found an entry, but there is none")
		}
		m.entries[key] = modelEntry{value, time.Now().Truncate(time.Millisecond), expires(ttl)}
	}
}

func (m *model) increment(key string, by int64, ttl time.Duration) {
	sum, err := m.s.Increment(m.Context(), key, by, ttl)
	old, exists := m.entries[key]
	n, parseErr := int64(0), error(nil)
	if exists {
		if n, parseErr = strconv.ParseInt(old.value, 10, 64); parseErr != nil {
			if !errors.Is(err, backend.ErrNotCounter) {
				m.Fatalf("Increment of %q = %v, want ErrNotCounter", old.value, err)
			}
			return
		}
	}
	want := strconv.FormatInt(n+by, 10)
	if !exists && ttl < 0 {
		if sum != by || err != nil {
			m.Fatalf("Increment = %d, %v, want %s", sum, err, want)
		}
		return
	}
	if !m.wantRoom("Increment", key, len(want), err) {
		return
	}
	if fmt.Sprint(sum) != want {
		m.Fatalf("Increment = %d, want %s", sum, want)
	}
	if !exists {
		old = modelEntry{"", time.Now().Truncate(time.Millisecond), expires(ttl)}
	}
	old.value = want
	m.entries[key] = old
}

func (m *model) get(key string) {
	want, ok := m.entries[key]
	got, err := m.s.Get(m.Context(), key)
	if !ok {
		if !errors.Is(err, backend.ErrNotFound) {
			m.Fatalf("Get(%s) = %q, %v, want ErrNotFound", key, got.Value, err)
		}
		return
	}
	if err != nil || string(got.Value) != want.value || !got.Created.Equal(want.created) || !got.Expires.Equal(want.expires) {
		m.Fatalf("Get(%s) = %+v, %v, want %+v", key, got, err, want)
	}
}

func (m *model) delete(key string) {
	_, want := m.entries[key]
	delete(m.entries, key)
	if got, err := m.s.Delete(m.Context(), key); err != nil || got != want {
		m.Fatalf("Delete(%s) = %t, %v, want %t", key, got, err, want)
	}
}

func (m *model) count() {
	if n, err := m.s.Len(m.Context()); err != nil || n != len(m.entries) {
		m.Fatalf("Len = %d, %v, want %d", n, err, len(m.entries))
	}
	if _, err := m.s.RemoveExpired(m.Context()); err != nil {
		m.Fatal(err)
	}
	if got, want := checkStore(m, m.s), len(m.entries)+len(m.locks); got != want {
		m.Fatalf("after RemoveExpired the store holds %d items, want %d", got, want)
	}
}

func (m *model) lock(key string, ttl time.Duration) {
	l, err := m.s.Lock(m.Context(), key, ttl)
	_, exists := m.locks[key]
	const tokenBytes = 26
	switch fits := m.fits(itemOverhead + len(key) + fenceBytes + tokenBytes); {
	case ttl <= 0:
		if !errors.Is(err, backend.ErrTTL) {
			m.Fatalf("Lock for %v = %v", ttl, err)
		}
	case exists:
		if !errors.Is(err, backend.ErrLocked) {
			m.Fatalf("Lock of a held lock = %v", err)
		}
	case !fits:
		if !errors.Is(err, backend.ErrFull) {
			m.Fatalf("Lock in a full store = %v", err)
		}
	case err != nil || len(l.Token) != tokenBytes || l.Fence <= m.fence || !l.Expires.Equal(expires(ttl)):
		m.Fatalf("Lock = %+v, %v, want it to expire at %v, with a fence above %d", l, err, expires(ttl), m.fence)
	default:
		m.locks[key], m.fence = l, l.Fence
	}
}

func (m *model) refresh(key string, ttl time.Duration) {
	l, exists := m.locks[key]
	until, err := m.s.Refresh(m.Context(), key, l.Token, ttl)
	switch {
	case ttl <= 0:
		if !errors.Is(err, backend.ErrTTL) {
			m.Fatalf("Refresh for %v = %v", ttl, err)
		}
	case !exists:
		if !errors.Is(err, backend.ErrNotOwner) {
			m.Fatalf("Refresh of a free lock = %v", err)
		}
	case err != nil || !until.Equal(expires(ttl)):
		m.Fatalf("Refresh = %v, %v, want %v", until, err, expires(ttl))
	default:
		l.Expires = until
		m.locks[key] = l
	}
}

func (m *model) unlock(key string, wrong bool) {
	l, exists := m.locks[key]
	if wrong {
		l.Token += "x"
	}
	err := m.s.Unlock(m.Context(), key, l.Token)
	if exists && !wrong {
		delete(m.locks, key)
	} else if errors.Is(err, backend.ErrNotOwner) {
		return
	}
	if err != nil || !exists || wrong {
		m.Fatalf("Unlock of a lock that is held: %t, with a wrong token: %t = %v", exists, wrong, err)
	}
}

// list lists keys in pages. If clearAll is true, it also clears them.
func (m *model) list(prefix string, limit int, clearAll bool) {
	var got, want []string
	for cursor := ""; ; {
		keys, next, err := m.s.Keys(m.Context(), prefix, cursor, limit)
		if err != nil {
			m.Fatal(err)
		}
		got = append(got, keys...)
		if cursor = next; cursor == "" {
			break
		}
	}
	for key := range m.entries {
		if strings.HasPrefix(key, prefix) {
			want = append(want, key)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		m.Fatalf("the keys that begin with %s are %q, want %q", prefix, got, want)
	}
	if !clearAll {
		return
	}
	for _, key := range want {
		delete(m.entries, key)
	}
	if n, err := m.s.Clear(m.Context(), prefix); err != nil || n != len(want) {
		m.Fatalf("Clear(%s) = %d, %v, want %d", prefix, n, err, len(want))
	}
}
