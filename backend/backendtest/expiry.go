package backendtest

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// expiryTTLs are the ttls of entries and locks in the tests of expiry. Some of them are not a whole number of
// milliseconds.
var expiryTTLs = []time.Duration{
	time.Nanosecond, time.Millisecond, 1500 * time.Microsecond, 7 * time.Millisecond, 40*time.Millisecond + 1,
	100 * time.Millisecond, 333 * time.Millisecond,
}

// expiringEntry is an entry for whose expiry a test waits.
type expiringEntry struct {
	key         string
	ttl         time.Duration
	before, set time.Time // the time before and the time after the call of Set
}

func (t *tester) setExpiring(s backend.Store, key string, ttl time.Duration) expiringEntry {
	t.Helper()
	w := expiringEntry{key: key, ttl: ttl, before: time.Now()}
	t.set(s, key, key, ttl)
	w.set = time.Now()
	return w
}

// checkExpiry reads the entry w once and returns true if the entry has expired. The test fails if the entry has expired
// too early or still exists too late, by the clock before and after the call of Get.
func (t *tester) checkExpiry(s backend.Store, w expiringEntry) (gone bool) {
	t.Helper()
	before := time.Now()
	e, err := s.Get(t.ctx, w.key)
	after := time.Now()
	switch {
	case err == nil:
		// Expiry is rounded up to a millisecond.
		if late := before.Sub(w.set) - w.ttl; late >= time.Millisecond+t.h.Slack {
			t.Fatalf("an entry with a ttl of %v still existed %v after its expiry", w.ttl, late)
		}
		if !before.Before(e.Expires.Add(t.h.Slack)) {
			t.Fatalf("an entry that expires at %v still existed at %v", e.Expires, before)
		}
		return false
	case errors.Is(err, backend.ErrNotFound):
		if age := after.Sub(w.before); age < w.ttl {
			t.Fatalf("an entry with a ttl of %v expired after at most %v", w.ttl, age)
		}
		return true
	default:
		t.Fatalf("Get: %v", err)
		return true
	}
}

func (t *tester) waitUntilGone(s backend.Store, w expiringEntry) {
	t.Helper()
	for !t.checkExpiry(s, w) {
		time.Sleep(500 * time.Microsecond)
	}
}

func expiry(t *tester) {
	s := t.open().Store()
	t.set(s, "stays", "", 0)
	t.set(s, "stays long", "", time.Hour)
	for _, phase := range []time.Duration{0, 300 * time.Microsecond, 999 * time.Microsecond} {
		time.Sleep(phase) // so that not all ttls begin at a full millisecond
		for i, ttl := range expiryTTLs {
			w := t.setExpiring(s, fmt.Sprint(phase, i), ttl)
			t.waitUntilGone(s, w)
			t.wantDelete(s, w.key, false)
			t.wantLen(s, 2)
		}
	}
}

// expiryOfOverwritten checks that an entry expires after the ttl of its last Set, whether that ttl is longer or shorter
// than the previous one.
func expiryOfOverwritten(t *tester) {
	s := t.open().Store()
	for _, first := range []time.Duration{0, 20 * time.Millisecond, time.Hour} {
		key := fmt.Sprint(first)
		t.set(s, key, "first", first)
		t.waitUntilGone(s, t.setExpiring(s, key, 60*time.Millisecond))
		t.wantLen(s, 0)
		// The expired ttl must not affect a later Set.
		t.set(s, key, "later", 0)
		t.wantValue(s, key, "later")
		t.wantDelete(s, key, true)
	}
}

func noExpiry(t *tester) {
	s := t.open().Store()
	t.set(s, "a", "1", 20*time.Millisecond)
	t.set(s, "a", "2", 0)
	t.set(s, "b", "3", math.MaxInt64)
	end := time.Now().Add(50 * time.Millisecond)
	for time.Now().Before(end) {
		time.Sleep(10 * time.Millisecond)
	}
	if e := t.wantValue(s, "a", "2"); !e.Expires.IsZero() {
		t.Errorf("an entry with a ttl of 0 expires at %v", e.Expires)
	}
	if e := t.wantValue(s, "b", "3"); !e.Expires.IsZero() && e.Expires.Before(end.AddDate(50, 0, 0)) {
		t.Errorf("an entry with the maximum ttl expires at %v", e.Expires)
	}
	t.wantLen(s, 2)
}

func negativeTTL(t *tester) {
	s := t.open().Store()
	for _, ttl := range []time.Duration{-1, -time.Millisecond, math.MinInt64} {
		t.set(s, "a", "never seen", ttl)
		t.wantNothing(s, "a")
		t.set(s, "a", "seen", time.Hour)
		t.set(s, "a", "never seen", ttl)
		t.wantNothing(s, "a")
		t.wantDelete(s, "a", false)
		t.wantLen(s, 0)
	}
}

// entryTimes checks the times Created, Read and Expires of an entry. On a virtual clock, the times must be exact to the
// millisecond.
func entryTimes(t *tester) {
	s := t.open().Store()
	within := func(what string, got, from, to time.Time) {
		t.Helper()
		from = from.Truncate(time.Millisecond).Add(-t.h.Slack)
		if to = to.Add(t.h.Slack); got.Before(from) || got.After(to) {
			t.Errorf("%s = %v, want from %v to %v", what, got, from, to)
		}
		if !got.Equal(got.Truncate(time.Millisecond)) {
			t.Errorf("%s = %v, which is not a full millisecond", what, got)
		}
	}
	const ttl = 90 * time.Second
	w := t.setExpiring(s, "a", ttl)
	for range 3 {
		time.Sleep(1300 * time.Microsecond)
		before := time.Now()
		e := t.wantValue(s, "a", "a")
		within("Read", e.Read, before, time.Now())
		within("Created", e.Created, w.before, w.set)
		within("Expires", e.Expires, w.before.Add(ttl), w.set.Add(ttl+time.Millisecond))
	}
}
