package backendtest

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

func (t *tester) set(s backend.Store, key, value string, ttl time.Duration) {
	t.Helper()
	if err := s.Set(t.ctx, key, []byte(value), ttl); err != nil {
		t.Fatalf("Set(%.40q): %v", key, err)
	}
}

func (t *tester) wantValue(s backend.Store, key, want string) backend.Entry {
	t.Helper()
	e, err := s.Get(t.ctx, key)
	if err != nil {
		t.Fatalf("Get(%.40q): %v", key, err)
	}
	if string(e.Value) != want {
		t.Fatalf("Get(%.40q) = %.40q, want %.40q", key, e.Value, want)
	}
	return e
}

func (t *tester) wantNothing(s backend.Store, key string) {
	t.Helper()
	e, err := s.Get(t.ctx, key)
	t.wantError(fmt.Sprintf("Get(%.40q), which gave %.40q", key, e.Value), err, backend.ErrNotFound)
}

func (t *tester) wantLen(s backend.Store, want int) {
	t.Helper()
	if n, err := s.Len(t.ctx); err != nil || n != want {
		t.Errorf("Len = %d, %v, want %d", n, err, want)
	}
}

func (t *tester) wantDelete(s backend.Store, key string, want bool) {
	t.Helper()
	if was, err := s.Delete(t.ctx, key); err != nil || was != want {
		t.Errorf("Delete(%.40q) = %t, %v, want %t", key, was, err, want)
	}
}

func setAndGet(t *tester) {
	s := t.open().Store()
	t.wantNothing(s, "a")
	t.set(s, "a", "1", 0)
	t.set(s, "b", "", time.Hour)
	t.must(s.Set(t.ctx, "c", nil, 0))
	t.wantValue(s, "a", "1")
	t.wantValue(s, "b", "")
	t.wantValue(s, "c", "")
	t.wantNothing(s, "A")
}

func overwrite(t *tester) {
	s := t.open().Store()
	t.set(s, "a", "first", time.Hour)
	before := t.wantValue(s, "a", "first")
	time.Sleep(5 * time.Millisecond)
	t.set(s, "a", "the second value", 0)
	after := t.wantValue(s, "a", "the second value")
	if d := after.Created.Sub(before.Created); d < 5*time.Millisecond-t.h.Slack {
		t.Errorf("an entry written again after 5 ms was created %v after the first one", d)
	}
	if !after.Expires.IsZero() {
		t.Errorf("an entry written again with a ttl of 0 expires at %v", after.Expires)
	}
	if string(before.Value) != "first" {
		t.Errorf("the value read before changed to %q", before.Value)
	}
	t.wantLen(s, 1)
}

func valuesAreCopies(t *tester) {
	s := t.open().Store()
	mine := []byte("mine")
	t.must(s.Set(t.ctx, "a", mine, 0))
	copy(mine, "XXXX")
	e := t.wantValue(s, "a", "mine")
	// An append to a value must not be visible to the next reader either.
	_ = append(e.Value, "more"...)
	again := t.wantValue(s, "a", "mine")
	if rest := again.Value[:cap(again.Value)][len(again.Value):]; bytes.Contains(rest, []byte("more")) {
		t.Error("readers share the spare capacity of a value")
	}
}

// oddNames are unusual keys and names, all of them different. Some of them are equal after text normalization, or have
// a special meaning in patterns and paths.
var oddNames = []string{
	"", " ", "\x00", "a\x00", "a\x00b", "a", "A", "a ", "\r\n", "*", "?", "[a]", "{a}", "{a}:b", "a:b", "../a", "%00", "\"", "'", "\\",
	"é", "e\u0301", "日本", "👩‍🚀", "\u200b", "\xff", "\xff\xfe", "\xc3\x28", strings.Repeat("k", backend.MaxKeyBytes),
	strings.Repeat("\x00", backend.MaxKeyBytes),
}

func oddKeys(t *tester) {
	s := t.open().Store()
	for i, key := range oddNames {
		t.set(s, key, fmt.Sprint("value ", i), time.Hour)
	}
	t.wantLen(s, len(oddNames))
	for i, key := range oddNames {
		t.wantValue(s, key, fmt.Sprint("value ", i))
	}
	for i, key := range oddNames {
		t.wantDelete(s, key, true)
		t.wantLen(s, len(oddNames)-1-i)
	}
}

func keyTooLong(t *tester) {
	s := t.open().Store()
	key := strings.Repeat("k", backend.MaxKeyBytes+1)
	t.wantError("Set", s.Set(t.ctx, key, nil, 0), backend.ErrKeyTooLong)
	t.wantError("Set with a negative ttl", s.Set(t.ctx, key, nil, -1), backend.ErrKeyTooLong)
	_, err := s.Get(t.ctx, key)
	t.wantError("Get", err, backend.ErrKeyTooLong)
	_, err = s.Delete(t.ctx, key)
	t.wantError("Delete", err, backend.ErrKeyTooLong)
	t.wantLen(s, 0)
}

func bigValues(t *tester) {
	s := t.open().Store()
	big := make([]byte, 8<<20)
	for i := range big {
		big[i] = byte(i * 31 >> 3) // all byte values; not valid text
	}
	t.must(s.Set(t.ctx, "big", big, time.Hour))
	e, err := s.Get(t.ctx, "big")
	t.must(err)
	if !bytes.Equal(e.Value, big) {
		t.Errorf("a value of %d bytes came back different, with %d bytes", len(big), len(e.Value))
	}
	t.set(s, "big", "small", 0)
	t.wantValue(s, "big", "small")
}

func deleteReports(t *tester) {
	s := t.open().Store()
	t.wantDelete(s, "a", false)
	t.set(s, "a", "1", time.Hour)
	t.set(s, "b", "2", 0)
	t.wantDelete(s, "a", true)
	t.wantDelete(s, "a", false)
	t.wantNothing(s, "a")
	t.wantValue(s, "b", "2")
	t.set(s, "a", "3", 0)
	t.wantValue(s, "a", "3")
	t.wantDelete(s, "a", true)
}

func lenCounts(t *tester) {
	s := t.open().Store()
	t.wantLen(s, 0)
	for i := range 100 {
		t.set(s, fmt.Sprint(i), "x", time.Duration(i%3)*time.Hour)
	}
	t.wantLen(s, 100)
	t.set(s, "5", "again", 0)
	t.wantLen(s, 100)
	t.wantDelete(s, "5", true)
	t.set(s, "6", "", -1)
	t.wantLen(s, 98)
}

// storeConcurrently writes the same few keys from several goroutines. Each value that a goroutine reads must be a value
// that another call wrote as a whole.
func storeConcurrently(t *tester) {
	s := t.open().Store()
	const writers, rounds, keys = 8, 100, 5
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			value := bytes.Repeat([]byte{byte('a' + w)}, 200+w)
			for i := range rounds {
				key := fmt.Sprint("key ", (w+i)%keys)
				if err := s.Set(t.ctx, key, value, time.Duration(i%2)*time.Hour); err != nil {
					t.Errorf("Set: %v", err)
				}
				e, err := s.Get(t.ctx, key)
				if err != nil && !errors.Is(err, backend.ErrNotFound) {
					t.Errorf("Get: %v", err)
				}
				if err == nil && !whole(e.Value) {
					t.Errorf("a value of %d bytes was never written: %.20q…", len(e.Value), e.Value)
				}
				if i%10 == 9 {
					if _, err := s.Delete(t.ctx, key); err != nil {
						t.Errorf("Delete: %v", err)
					}
				}
			}
			if err := s.Set(t.ctx, fmt.Sprint("own ", w), value, 0); err != nil {
				t.Errorf("Set: %v", err)
			}
		})
	}
	wg.Wait()
	for i := range keys {
		_, err := s.Delete(t.ctx, fmt.Sprint("key ", i))
		t.must(err)
	}
	t.wantLen(s, writers)
}

// whole reports whether value is one of the values that storeConcurrently writes.
func whole(value []byte) bool {
	return len(value) >= 200 && len(value) == 200+int(value[0]-'a') && bytes.Count(value, value[:1]) == len(value)
}
