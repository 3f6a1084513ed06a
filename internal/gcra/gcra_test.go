package gcra

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// In any span of time, a key gets at most Burst events and one for each Every, and exactly that if it always asks.
func TestAKeyGetsItsRateAndNotMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		table, rate := NewTable(), backend.Rate{Every: 100 * time.Millisecond, Burst: 5}
		key, start, got := table.KeyOf("a"), time.Now(), 0
		for range 3000 {
			for table.Take(key, rate).Wait == 0 {
				got++
			}
			if most := 5 + int(time.Since(start)/rate.Every); got != most {
				t.Fatalf("%d events in %v, want %d", got, time.Since(start), most)
			}
			time.Sleep(rand.N(rate.Every / 3))
		}
	})
}

func TestAWaitIsExact(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		table, rate := NewTable(), backend.Rate{Every: time.Second, Burst: 3}
		key := table.KeyOf("a")
		for left := 2; left >= 0; left-- {
			if taken := table.Take(key, rate); taken.Wait != 0 || rate.Left(taken.Full) != left {
				t.Fatalf("%+v, want %d left", taken, left)
			}
		}
		for range 2 { // a refused event counts for nothing
			if taken := table.Take(key, rate); taken.Wait != time.Second || taken.Full != 3*time.Second {
				t.Fatalf("%+v, want 1s and 3s", taken)
			}
		}
		if look := table.Look(key, rate); look.Wait != time.Second {
			t.Errorf("Look = %+v", look)
		}
		time.Sleep(time.Second - time.Nanosecond)
		if table.Take(key, rate).Wait != time.Nanosecond {
			t.Error("an event is allowed before its time")
		}
		time.Sleep(time.Nanosecond)
		if table.Look(key, rate).Wait != 0 || table.Take(key, rate).Wait != 0 || table.Take(key, rate).Wait == 0 {
			t.Error("after the wait, one event must be allowed, and only one")
		}
		table.Raise(key, time.Minute)
		table.Raise(key, time.Second)
		if got := table.Look(key, rate).Full; got != time.Minute {
			t.Errorf("after Raise: %v, want the later time", got)
		}
	})
}

// few is the number of keys of a shard in tests.
const few = 64

// A client with any number of keys takes no more memory, and cannot free a limited key.
func TestAFullTableFreesNoLimitedKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // the time stands still
		table, rate := newTable(few), backend.Rate{Every: time.Hour, Burst: 2}
		const limited = 100
		spent := func(i int) Key { return table.KeyOf(fmt.Sprint("limited ", i)) }
		for i := range limited {
			for table.Take(spent(i), rate).Wait == 0 {
			}
		}
		for i := range shards * few * 5 / 4 {
			table.Take(Key{byte(i), byte(i >> 8), byte(i >> 16)}, rate)
		}
		if n := table.Len(); n > shards*few {
			t.Errorf("%d keys are kept, more than %d", n, shards*few)
		}
		for i := range limited {
			if table.Take(spent(i), rate).Wait == 0 {
				t.Fatalf("the key %d was limited, and is free", i)
			}
		}
		time.Sleep(rate.Window())
		if table.Take(table.KeyOf("new"), rate).Wait != 0 || table.Take(spent(0), rate).Wait != 0 {
			t.Error("after the window, a key is still limited")
		}
	})
}

// All keys that are forgotten are limited ones: the shadows keep them.
func TestATableOfLimitedKeysKeepsThemLimited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		table, rate := newTable(few), backend.Rate{Every: time.Hour, Burst: 1}
		const all = shards * few * 9 / 8
		for i := range all {
			table.Take(Key{byte(i), byte(i >> 8), byte(i >> 16)}, rate)
		}
		for i := range all {
			if table.Look(Key{byte(i), byte(i >> 8), byte(i >> 16)}, rate).Wait == 0 {
				t.Fatalf("the key %d was limited, and is free", i)
			}
		}
	})
}

// Forgotten keys with a slow rate do not limit the keys of a quick rate for longer than that rate does.
func TestASlowRateDoesNotLimitKeysOfAQuickOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		table, slow, quick := newTable(few), backend.Rate{Every: 24 * time.Hour, Burst: 1}, backend.Rate{Every: time.Second, Burst: 10}
		for i := range shards * few * 10 {
			table.Take(Key{byte(i), byte(i >> 8), byte(i >> 16)}, slow)
		}
		for i := range 20 {
			key := table.KeyOf(fmt.Sprint("quick ", i))
			for range 3 {
				if wait := table.Take(key, quick).Wait; wait > time.Second {
					t.Fatalf("a key of the quick rate waits %v", wait)
				}
				time.Sleep(time.Second / 3)
			}
			time.Sleep(time.Second / 100)
			if wait := table.Take(key, quick).Wait; wait > 0 {
				t.Fatalf("after a second, a key of the quick rate waits %v", wait)
			}
		}
	})
}

func TestKeysDiffer(t *testing.T) {
	t.Parallel()
	table, seen := NewTable(), map[Key]bool{}
	for i := range 10_000 {
		seen[table.KeyOf(fmt.Sprint(i))] = true
	}
	a := table.KeyOf("a")
	if len(seen) != 10_000 || table.KeyOf("a") != a || NewTable().KeyOf("a") == a {
		t.Error("keys of texts are not unique, not stable or not secret")
	}
}
