//go:build unix

package redis

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/testkit/basics"
	"github.com/actionhero-go/actionhero/internal/testkit/faultproxy"
	"github.com/actionhero-go/actionhero/internal/testkit/redistest"
)

func TestIncrementAddsLikeInt64(t *testing.T) {
	onEachFlavor(t, func(t *testing.T, f redistest.Flavor) {
		s := open(t, at(f.Shared(t))).Store()
		r := randomly(t)
		number := func() int64 {
			n := int64(r.Uint64()) >> r.IntN(64)
			switch r.IntN(4) {
			case 0:
				return n / 1_000_000_000 * 1_000_000_000 // around the place where the script splits a number
			case 1:
				return n/1_000_000_000*1_000_000_000 + int64(r.IntN(3)) - 1
			}
			return n
		}
		for range 3000 {
			a, b := number(), number()
			if err := s.Set(t.Context(), "n", strconv.AppendInt(nil, a, 10), 0); err != nil {
				t.Fatal(err)
			}
			got, err := s.Increment(t.Context(), "n", b, 0)
			want := new(big.Int).Add(big.NewInt(a), big.NewInt(b))
			switch {
			case !want.IsInt64():
				if !errors.Is(err, backend.ErrOverflow) {
					t.Fatalf("%d + %d = %d, %v, want ErrOverflow", a, b, got, err)
				}
			case err != nil || got != want.Int64():
				t.Fatalf("%d + %d = %d, %v, want %v", a, b, got, err, want)
			}
		}
	})
}

// runLock runs the script lock at a simulated time and returns the fence, or 0 if the lock is held by another token.
func runLock(t *testing.T, b *Backend, name, token string, now, ttl int64) (fence uint64, ends int64) {
	t.Helper()
	p := partition(name)
	reply, err := asWords(b.core.run(t.Context(), lockScript, []string{b.core.key(lockKind, p, name), b.core.key(fenceKind, p, "")}, token, fmt.Sprint(ttl), fmt.Sprint(now)))
	if err != nil {
		t.Fatal(err)
	}
	if reply[0] == "held" {
		return 0, 0
	}
	fence, err1 := strconv.ParseUint(reply[1], 10, 64)
	ends, err2 := strconv.ParseInt(reply[2], 10, 64)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	return fence, ends
}

// TestLocksKeepTheirPromisesAtAnyTimeOfTheServer runs the scripts of locks against a model, with a simulated clock that
// also steps back.
func TestLocksKeepTheirPromisesAtAnyTimeOfTheServer(t *testing.T) {
	onEachFlavor(t, func(t *testing.T, f redistest.Flavor) {
		b := open(t, at(f.Shared(t)))
		c := b.core
		r := randomly(t)
		now, exists, ends, last, token := int64(1_800_000_000_000_000), false, int64(0), uint64(0), "none"
		written := time.Now()
		p := partition("lock")
		keys := []string{c.key(lockKind, p, "lock")}
		for step := range 3000 {
			switch now += int64(r.IntN(3_000_000)); r.IntN(20) {
			case 0:
				now -= 3_600_000_000
			case 1:
				now += 3_600_000_000
			case 2:
				if !exists {
					break
				}
				now = ends*1000 - int64(r.IntN(2)) // the last microsecond of the lock, or its end
			}
			if time.Since(written) > 500*time.Millisecond { // the server may have removed the key, whose end came long ago by its own clock
				if _, err := asInt(c.run(t.Context(), unlockScript, keys, token, "PUBLISH", "test", "", fmt.Sprint(now))); err != nil {
					t.Fatal(err)
				}
				exists = false
			}
			held := exists && now < ends*1000
			ttl := int64(1 + r.IntN(5_000_000))
			switch r.IntN(3) {
			case 0, 1:
				if held && r.IntN(3) == 0 { // the answer was lost, and the script runs again
					if fence, until := runLock(t, b, "lock", token, now, ttl); fence != last || until != ends {
						t.Fatalf("step %d at %d: the lock until %d with the fence %d is acquired again: %d, %d", step, now, ends, last, until, fence)
					}
					continue
				}
				another := fmt.Sprint("token ", step)
				fence, until := runLock(t, b, "lock", another, now, ttl)
				if (fence == 0) != held {
					t.Fatalf("step %d at %d: the fence is %d, and the lock until %d ms is held: %t", step, now, fence, ends, held)
				}
				if fence == 0 {
					continue
				}
				if fence <= last || fence < uint64(now) || until*1000 < now+ttl || until*1000 >= now+ttl+1000 {
					t.Fatalf("step %d at %d: the fence %d follows %d, and a lock for %d µs ends at %d ms", step, now, fence, last, ttl, until)
				}
				exists, ends, last, written, token = true, until, fence, time.Now(), another
			default:
				if r.IntN(2) == 0 {
					n, err := asInt(c.run(t.Context(), unlockScript, keys, token, "PUBLISH", "test", "", fmt.Sprint(now)))
					if err != nil || (n == 1) != held {
						t.Fatalf("step %d at %d: unlock = %d, %v, and the lock until %d ms is held: %t", step, now, n, err, ends, held)
					}
					exists = false
					continue
				}
				m, err := c.run(t.Context(), refreshScript, keys, token, fmt.Sprint(ttl), "PUBLISH", "test", "", fmt.Sprint(now))
				if (err == nil) != held {
					t.Fatalf("step %d at %d: refresh = %v, and the lock until %d ms is held: %t", step, now, err, ends, held)
				}
				if held {
					ends, _ = m.AsInt64()
					written = time.Now()
				}
			}
		}
		if last == 0 {
			t.Fatal("no lock was acquired")
		}
	})
}

// TestUnlockWakesAWaiterOfAnotherNode: without the message a waiter looks again after at least three quarters of lockPoll.
func TestUnlockWakesAWaiterOfAnotherNode(t *testing.T) {
	onEachFlavor(t, func(t *testing.T, f redistest.Flavor) {
		for name, config := range map[string]Config{"one server": at(f.Shared(t)), "Cluster": {Cluster: f.StartCluster(t, 2, redistest.Options{}).Addrs()}} {
			config.Prefix = redistest.Prefix()
			one, other := open(t, config).Store(), open(t, config)
			fastest := time.Hour
			for try := 0; try < 5 && fastest >= lockPoll/2; try++ {
				lock, err := one.Lock(t.Context(), "lock", time.Hour)
				if err != nil {
					t.Fatal(err)
				}
				got := make(chan error, 1)
				go func() {
					l, err := other.Store().LockWait(t.Context(), "lock", time.Hour)
					got <- errors.Join(err, other.Store().Unlock(t.Context(), "lock", l.Token))
				}()
				basics.Eventually(t, "the other node waits", func() bool { return isWaiting(other, lockKind+"lock") })
				begin := time.Now()
				if err := one.Unlock(t.Context(), "lock", lock.Token); err != nil {
					t.Fatal(err)
				}
				if err := <-got; err != nil {
					t.Fatal(err)
				}
				fastest = min(fastest, time.Since(begin))
			}
			if fastest >= lockPoll/2 {
				t.Errorf("%s: a waiting caller got the lock %v after the Unlock", name, fastest)
			}
		}
	})
}

// isWaiting reports whether a goroutine of the node waits for the lock or load, and is subscribed.
func isWaiting(b *Backend, id string) bool {
	w := &b.store.waiters
	w.mu.Lock()
	waiting := len(w.queues[id]) > 0
	w.mu.Unlock()
	s, err := b.core.current()
	if !waiting || err != nil {
		return false
	}
	channel := b.core.channel(s, wakeKind, partition(id[1:]), "")
	m, err := b.core.do(context.Background(), repeatable, func(builder rueidis.Builder) rueidis.Completed {
		if s.cluster {
			return builder.PubsubShardnumsub().Channel(channel).Build()
		}
		return builder.PubsubNumsub().Channel(channel).Build()
	})
	counts, _ := m.AsIntMap()
	return err == nil && counts[channel] > 0
}

func TestForeignValuesAreNamedAndReplaced(t *testing.T) {
	onEachFlavor(t, func(t *testing.T, f redistest.Flavor) {
		server := f.Shared(t)
		b := open(t, at(server))
		s := b.store
		key := func(kind string) string { return b.core.key(kind, partition("a"), "a") }
		for name, damage := range map[string][]any{
			"a list":       {"RPUSH", key(entryKind), "x"},
			"a short text": {"SET", key(entryKind), "x"},
			"a newer one":  {"SET", key(entryKind), "\x02" + strings.Repeat("x", 40)},
			"another hash": {"HSET", key(entryKind), "x", "y"},
		} {
			server.Do(t, "DEL", key(entryKind))
			server.Do(t, damage...)
			_, err := s.Get(t.Context(), "a")
			if name == "another hash" {
				_, _, _, err = s.Reserve(t.Context(), "a", time.Second)
			}
			if !errors.Is(err, errForeignValue) || !strings.Contains(err.Error(), `"a"`) {
				t.Errorf("%s: Get = %v, want an error that names the key", name, err)
			}
			if damage[0] == "SET" {
				if _, err := s.Increment(t.Context(), "a", 1, 0); !errors.Is(err, errForeignValue) {
					t.Errorf("%s: Increment = %v", name, err)
				}
			}
			if err := s.Set(t.Context(), "a", []byte("1"), 0); err != nil {
				t.Errorf("%s: Set = %v", name, err)
			}
		}
		server.Do(t, "SET", key(lockKind), "x")
		if _, err := s.Lock(t.Context(), "a", time.Hour); !errors.Is(err, errForeignValue) {
			t.Errorf("Lock = %v over a foreign value", err)
		}
	})
}

func TestALoadEndsWithEachChangeOfItsKey(t *testing.T) {
	onEachFlavor(t, func(t *testing.T, f redistest.Flavor) {
		config := Config{Port: f.Shared(t).Port, Prefix: redistest.Prefix()}
		one, other := open(t, config).store, open(t, config).store
		reserve := func(s *store, key string) (load string, mine bool) {
			t.Helper()
			e, load, mine, err := s.Reserve(t.Context(), key, time.Hour)
			if err != nil || load == "" {
				t.Fatalf("Reserve = %q, %q, %t, %v", e.Value, load, mine, err)
			}
			return load, mine
		}
		for name, change := range map[string]func(key string) error{
			"nothing":   func(string) error { return nil },
			"Set":       func(key string) error { return other.Set(t.Context(), key, []byte("new"), 0) },
			"Add":       func(key string) error { _, err := other.Add(t.Context(), key, []byte("new"), 0); return err },
			"Increment": func(key string) error { _, err := other.Increment(t.Context(), key, 7, 0); return err },
			"Delete":    func(key string) error { _, err := other.Delete(t.Context(), key); return err },
			"Clear":     func(key string) error { _, err := other.Clear(t.Context(), key); return err },
		} {
			first, mine := reserve(one, name)
			second, also := reserve(other, name)
			if !mine || also || first != second {
				t.Errorf("%s: two callers of Reserve get %q, %t and %q, %t", name, first, mine, second, also)
			}
			if n, err := one.Len(t.Context()); err != nil || n != 0 {
				t.Errorf("%s: %d entries during a load, %v", name, n, err)
			}
			if err := change(name); err != nil {
				t.Fatal(err)
			}
			stored, err := one.Fill(t.Context(), name, first, []byte("old"), time.Hour)
			if stored != (name == "nothing") || err != nil {
				t.Errorf("%s: Fill = %t, %v", name, stored, err)
			}
			if e, _ := one.Get(t.Context(), name); name != "nothing" && string(e.Value) == "old" {
				t.Errorf("%s: a load from before the change stored its value", name)
			}
			if _, err := one.Clear(t.Context(), ""); err != nil {
				t.Fatal(err)
			}
		}
		failed, _ := reserve(one, "fails")
		if stored, err := one.Fill(t.Context(), "fails", failed, nil, 0); stored || err != nil {
			t.Errorf("Fill = %t, %v for a load that failed", stored, err)
		}
		if next, mine := reserve(other, "fails"); !mine || next == failed {
			t.Error("a failed load is not replaced")
		}
		for _, ttl := range []time.Duration{0, -1} {
			key := fmt.Sprint("ttl ", ttl)
			load, _ := reserve(one, key)
			stored, err := one.Fill(t.Context(), key, load, []byte{}, ttl)
			if _, get := one.Get(t.Context(), key); !stored || err != nil || (get == nil) != (ttl == 0) {
				t.Errorf("Fill with the ttl %v = %t, %v, and then Get = %v", ttl, stored, err, get)
			}
		}
		short, _, _, err := one.Reserve(t.Context(), "short", 10*time.Millisecond)
		if err != nil || short.Value != nil {
			t.Fatal(short, err)
		}
		basics.Eventually(t, "a load ends after its time limit", func() bool { _, mine := reserve(other, "short"); return mine })
	})
}

func TestFillWakesTheCallersThatAwaitTheLoad(t *testing.T) {
	onEachFlavor(t, func(t *testing.T, f redistest.Flavor) {
		config := Config{Port: f.Shared(t).Port, Prefix: redistest.Prefix()}
		one, other := open(t, config).store, open(t, config)
		fastest := time.Hour
		for try := 0; try < 20 && fastest >= loadPoll/2; try++ {
			key := fmt.Sprint("key ", try)
			_, load, _, err := one.Reserve(t.Context(), key, time.Hour)
			if err != nil {
				t.Fatal(err)
			}
			done := make(chan error, 1)
			go func() { done <- other.store.AwaitLoad(t.Context(), key, load) }()
			basics.Within(loadPoll/4, func() bool { return isWaiting(other, entryKind+key) })
			begin := time.Now()
			if _, err := one.Fill(t.Context(), key, load, []byte("1"), 0); err != nil {
				t.Fatal(err)
			}
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			fastest = min(fastest, time.Since(begin))
		}
		if fastest >= loadPoll/2 {
			t.Errorf("AwaitLoad returned %v after the Fill", fastest)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := other.store.AwaitLoad(ctx, "key", "load"); !errors.Is(err, context.Canceled) && err != nil {
			t.Errorf("AwaitLoad = %v with a context that has ended", err)
		}
	})
}

func TestALocalCopyIsDroppedWhenAnotherNodeChangesTheEntry(t *testing.T) {
	onEachFlavor(t, func(t *testing.T, f redistest.Flavor) {
		server := f.Start(t, redistest.Options{})
		p := faultproxy.Start(t, server.Addr)
		prefix := redistest.Prefix()
		copies := open(t, Config{URL: "redis://" + p.Addr(), Prefix: prefix, LocalCache: 10 * time.Second}).Store()
		other := open(t, Config{Port: server.Port, Prefix: prefix}).Store()
		set := func(s backend.Store, value string) {
			t.Helper()
			if err := s.Set(t.Context(), "a", []byte(value), 0); err != nil {
				t.Fatal(err)
			}
		}
		get := func() string {
			t.Helper()
			e, err := copies.Get(t.Context(), "a")
			if err != nil && !errors.Is(err, backend.ErrNotFound) {
				t.Fatal(err)
			}
			return string(e.Value)
		}
		set(other, "1")
		get()
		before := server.Info(t, "total_reads_processed")
		for range 100 {
			if got := get(); got != "1" {
				t.Fatalf("Get = %q, want 1", got)
			}
		}
		first, _ := strconv.Atoi(before)
		now, _ := strconv.Atoi(server.Info(t, "total_reads_processed"))
		if now-first > 50 {
			t.Errorf("the server read %d times during 100 reads of a local copy", now-first)
		}
		set(other, "2")
		basics.Eventually(t, "the change is seen", func() bool { return get() == "2" })
		for i := range 200 {
			set(copies, fmt.Sprint("own ", i))
			if got := get(); got != fmt.Sprint("own ", i) {
				t.Fatalf("Get = %q after the own Set of %d", got, i)
			}
		}
		basics.Eventually(t, "the copy is used again", func() bool { get(); return !copies.(*store).recent.has("a") })
		get()
		p.Cut()
		set(other, "3")
		p.Heal()
		basics.Eventually(t, "a lost connection drops its copies", func() bool {
			e, err := copies.Get(t.Context(), "a")
			return err == nil && string(e.Value) == "3"
		})
	})
}
