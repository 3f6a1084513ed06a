//go:build unix

package redis

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/testkit/basics"
	"github.com/actionhero-go/actionhero/internal/testkit/faultproxy"
	"github.com/actionhero-go/actionhero/internal/testkit/redistest"
)

// isCommand returns a function that recognizes a command by its name, unless a pulse of the queue sends it.
func isCommand(names ...string) func(words []string) bool {
	return func(words []string) bool {
		return len(words) > 0 && slices.Contains(names, strings.ToUpper(words[0])) && !isPulse(words)
	}
}

// isPulse recognizes the scripts that no caller waits for.
func isPulse(words []string) bool {
	return len(words) > 1 && (words[1] == pulseScript.sha || words[1] == checkScript.sha)
}

// throughProxy returns a proxy in front of the shared server, and a backend that connects through it. The backend has no
// subscriptions, because the proxy cannot find the answers of a connection that has some; so its queue stays closed.
func throughProxy(t *testing.T, f redistest.Flavor, config Config) (*faultproxy.Proxy, *Backend) {
	t.Helper()
	p := faultproxy.Start(t, f.Shared(t).Addr)
	config.URL = "redis://" + p.Addr()
	b := newBackend(config)
	if err := b.core.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.store.start()
	t.Cleanup(func() {
		b.store.stop()
		b.core.close()
	})
	return p, b
}

func TestALostAnswerOfAWriteIsUnknownAndNotRepeated(t *testing.T) {
	onEachFlavor(t, func(t *testing.T, f redistest.Flavor) {
		prefix := redistest.Prefix()
		p, b := throughProxy(t, f, Config{Prefix: prefix})
		s, direct := b.Store(), open(t, Config{Port: f.Shared(t).Port, Prefix: prefix}).Store()
		for i, fault := range []faultproxy.Fault{faultproxy.Pass, faultproxy.LoseAnswer, faultproxy.LoseRequest, faultproxy.Silence} {
			key := fmt.Sprint("counter ", i)
			if _, err := direct.Increment(t.Context(), key, 1, 0); err != nil {
				t.Fatal(err)
			}
			basics.Eventually(t, "the connections of the last fault are replaced", func() bool {
				for range 20 {
					if s.Set(t.Context(), "other", nil, 0) != nil {
						return false
					}
				}
				return true
			})
			p.Fault(faultproxy.Nth(1, fault, isCommand("EVALSHA")))
			n, err := s.Increment(t.Context(), key, 1, 0)
			p.Fault(nil)
			p.CloseAll()
			want := "2"
			if fault == faultproxy.LoseRequest {
				want = "1"
			}
			if (err == nil) != (fault == faultproxy.Pass) || err != nil && (!errors.Is(err, errUnknown) || errors.Is(err, errRefused)) {
				t.Errorf("fault %d: Increment = %d, %v, want an unknown outcome", fault, n, err)
			}
			if e, err := s.Get(t.Context(), key); err != nil || string(e.Value) != want {
				t.Errorf("fault %d: the counter is %q, %v, want %s", fault, e.Value, err, want)
			}
		}
	})
}

func TestReadsSurviveLostConnections(t *testing.T) {
	onEachFlavor(t, func(t *testing.T, f redistest.Flavor) {
		p, b := throughProxy(t, f, Config{})
		s := b.Store()
		if err := s.Set(t.Context(), "a", []byte("1"), 0); err != nil {
			t.Fatal(err)
		}
		p.Fault(faultproxy.Nth(1, faultproxy.LoseAnswer, isCommand("GET")))
		if e, err := s.Get(t.Context(), "a"); err != nil || string(e.Value) != "1" {
			t.Errorf("Get = %q, %v after a lost answer", e.Value, err)
		}
		p.CloseAll()
		if n, err := s.Len(t.Context()); err != nil || n != 1 {
			t.Errorf("Len = %d, %v after lost connections", n, err)
		}
	})
}

func TestCallsEndWithinTheTimeLimitWhileTheServerIsAway(t *testing.T) {
	onEachFlavor(t, func(t *testing.T, f redistest.Flavor) {
		const limit = 500 * time.Millisecond
		p, b := throughProxy(t, f, Config{Timeout: limit})
		s := b.Store()
		if err := s.Set(t.Context(), "a", []byte("1"), 0); err != nil {
			t.Fatal(err)
		}
		for name, fault := range map[string]func(){"cut": p.Cut, "frozen": p.Freeze} {
			fault()
			var wg sync.WaitGroup
			for i := range 20 {
				wg.Go(func() {
					begin := time.Now()
					err := s.Set(t.Context(), fmt.Sprint(i), nil, 0)
					if i%2 == 0 {
						_, err = s.Get(t.Context(), "a")
					}
					if took := time.Since(begin); !errors.Is(err, errUnavailable) || took > 20*limit {
						t.Errorf("%s: a call ended with %v after %v, want an unavailable server after %v", name, err, took, limit)
					}
				})
			}
			wg.Wait()
			p.Heal()
			basics.Eventually(t, "the backend works again", func() bool { _, err := s.Get(t.Context(), "a"); return err == nil })
		}
	})
}

func TestARestartedServerGetsTheScriptsAgain(t *testing.T) {
	onEachFlavor(t, func(t *testing.T, f redistest.Flavor) {
		server := f.Start(t, redistest.Options{AppendOnly: "always"})
		s := open(t, at(server)).Store()
		if n, err := s.Increment(t.Context(), "a", 1, 0); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		server.Do(t, "SCRIPT", "FLUSH")
		if n, err := s.Increment(t.Context(), "a", 1, 0); n != 2 || err != nil {
			t.Errorf("Increment = %d, %v after SCRIPT FLUSH", n, err)
		}
		server.Kill(t)
		server.Restart(t)
		basics.Eventually(t, "all connections are replaced", func() bool {
			for range 20 {
				if s.Set(t.Context(), "b", nil, 0) != nil {
					return false
				}
			}
			return true
		})
		if n, err := s.Increment(t.Context(), "a", 1, 0); n != 3 || err != nil {
			t.Errorf("Increment = %d, %v after a restart of the server", n, err)
		}
	})
}

// wantRefusal checks that call fails with errRefused and the code. On a busy machine the last attempt of a call may be
// without an answer when its time ends, so call may need a few tries.
func wantRefusal(t *testing.T, code string, call func() error) {
	t.Helper()
	for range 10 {
		err := call()
		if errors.Is(err, errRefused) && strings.Contains(err.Error(), code) {
			return
		}
		if !errors.Is(err, errUnknown) {
			t.Errorf("%s: the error is %v, want a refusal", code, err)
			return
		}
	}
	t.Errorf("%s: all calls ended without an answer, want a refusal", code)
}

func TestRefusedCommandsWaitUntilTheServerTakesThem(t *testing.T) {
	onEachFlavor(t, func(t *testing.T, f redistest.Flavor) {
		server := f.Start(t, redistest.Options{Lines: []string{"busy-reply-threshold 20"}})
		short := at(server)
		short.Timeout, short.Prefix = 300*time.Millisecond, redistest.Prefix()
		impatient, patient := open(t, short).Store(), open(t, Config{Port: server.Port, Prefix: short.Prefix, Timeout: time.Minute}).Store()
		for name, test := range map[string]struct{ begin, end []any }{
			"READONLY":   {[]any{"REPLICAOF", "127.0.0.1", 1}, []any{"REPLICAOF", "NO", "ONE"}},
			"NOREPLICAS": {[]any{"CONFIG", "SET", "min-replicas-to-write", 1}, []any{"CONFIG", "SET", "min-replicas-to-write", 0}},
		} {
			if _, err := patient.Delete(t.Context(), "n"); err != nil {
				t.Fatal(err)
			}
			server.Do(t, test.begin...)
			wantRefusal(t, name, func() error { _, err := impatient.Increment(t.Context(), "n", 1, 0); return err })
			wantRefusal(t, name, func() error { return impatient.Set(t.Context(), "x", nil, 0) })
			done := make(chan int64, 1)
			go func() { n, _ := patient.Increment(t.Context(), "n", 1, 0); done <- n }()
			server.Do(t, test.end...)
			if n := <-done; n != 1 {
				t.Errorf("%s: a waiting Increment returns %d, want 1", name, n)
			}
		}
		busy := make(chan error, 1)
		go func() { _, err := server.TryDo("EVAL", "while true do end", 0); busy <- err }()
		basics.Eventually(t, "the server is busy", func() bool {
			_, err := server.TryDo("PING")
			return err != nil && strings.HasPrefix(err.Error(), "BUSY")
		})
		wantRefusal(t, "BUSY", func() error { return impatient.Set(t.Context(), "x", nil, 0) })
		done := make(chan error, 1)
		go func() { _, err := patient.Increment(t.Context(), "n", 1, 0); done <- err }()
		server.Do(t, "SCRIPT", "KILL")
		if err := <-done; err != nil {
			t.Errorf("a waiting Increment = %v", err)
		}
		<-busy
	})
}

func TestAFullServerRefusesNewEntriesAndKeepsLocks(t *testing.T) {
	onEachFlavor(t, func(t *testing.T, f redistest.Flavor) {
		server := f.Start(t, redistest.Options{})
		s := open(t, at(server)).Store()
		for _, key := range []string{"a", "b"} {
			if err := s.Set(t.Context(), key, []byte("1"), 0); err != nil {
				t.Fatal(err)
			}
		}
		lock, err := s.Lock(t.Context(), "lock", time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		_, load, _, err := s.(*store).Reserve(t.Context(), "load", time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		server.Do(t, "CONFIG", "SET", "maxmemory", 1)
		_, errAdd := s.Add(t.Context(), "c", nil, 0)
		_, errIncrement := s.Increment(t.Context(), "a", 1, 0)
		_, errLock := s.Lock(t.Context(), "other", time.Minute)
		_, errFill := s.(*store).Fill(t.Context(), "load", load, []byte("1"), 0)
		for name, err := range map[string]error{"Set": s.Set(t.Context(), "c", nil, 0), "Add": errAdd, "Increment": errIncrement, "Lock": errLock, "Fill": errFill} {
			if !errors.Is(err, backend.ErrFull) {
				t.Errorf("%s = %v on a full server, want ErrFull", name, err)
			}
		}
		if e, err := s.Get(t.Context(), "a"); err != nil || string(e.Value) != "1" {
			t.Errorf("Get = %q, %v on a full server", e.Value, err)
		}
		if until, err := s.Refresh(t.Context(), "lock", lock.Token, time.Hour); err != nil || time.Until(until) < 50*time.Minute {
			t.Errorf("Refresh = %v, %v on a full server", until, err)
		}
		if err := s.Unlock(t.Context(), "lock", lock.Token); err != nil {
			t.Errorf("Unlock = %v on a full server", err)
		}
		if n, err := s.Clear(t.Context(), ""); n != 2 || err != nil {
			t.Errorf("Clear = %d, %v on a full server", n, err)
		}
	})
}

func TestCallsWorkWhileASlotMoves(t *testing.T) {
	onEachFlavor(t, func(t *testing.T, f redistest.Flavor) {
		c := f.StartCluster(t, 2, redistest.Options{})
		b := open(t, Config{Cluster: c.Addrs()})
		s := b.Store()
		p := partition("counter")
		var same []string // keys of the same slot
		for i := 0; len(same) < 4; i++ {
			if key := fmt.Sprint("key ", i); partition(key) == p {
				same = append(same, key)
			}
		}
		for _, key := range same {
			if err := s.Set(t.Context(), key, []byte("1"), 0); err != nil {
				t.Fatal(err)
			}
		}
		slot := redistest.Slot("{" + tags()[p] + "}")
		move := c.BeginMove(t, slot, 1-c.Owner(t, slot))
		check := func(step string, want int64) {
			t.Helper()
			if n, err := s.Increment(t.Context(), "counter", 1, 0); n != want || err != nil {
				t.Errorf("%s: Increment = %d, %v, want %d", step, n, err, want)
			}
			for _, key := range same {
				if e, err := s.Get(t.Context(), key); err != nil || string(e.Value) != "1" {
					t.Errorf("%s: Get(%q) = %q, %v", step, key, e.Value, err)
				}
			}
		}
		n := int64(1)
		for check("before", n); move.Step(t, 1) > 0; {
			n++
			check("a step", n)
		}
		move.End(t)
		check("after", n+1)
	})
}

// TestLocksOfAMovingSlotWait: the keys of a lock and of its fence are in one script, so the Cluster answers TRYAGAIN while
// only one of them has moved.
func TestLocksOfAMovingSlotWait(t *testing.T) {
	onEachFlavor(t, func(t *testing.T, f redistest.Flavor) {
		c := f.StartCluster(t, 2, redistest.Options{})
		s := open(t, Config{Cluster: c.Addrs(), Timeout: time.Minute}).Store()
		first, err := s.Lock(t.Context(), "lock", time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		slot := redistest.Slot("{" + tags()[partition("lock")] + "}")
		move := c.BeginMove(t, slot, 1-c.Owner(t, slot))
		if n := move.Step(t, 1); n != 1 {
			t.Fatalf("%d keys moved, want 1 of the lock and its fence", n)
		}
		got := make(chan error, 1)
		go func() { _, err := s.Lock(t.Context(), "lock", time.Hour); got <- err }()
		select {
		case err := <-got:
			t.Fatalf("Lock = %v in the middle of a move, want it to wait", err)
		case <-time.After(100 * time.Millisecond):
		}
		move.End(t)
		if err := <-got; !errors.Is(err, backend.ErrLocked) {
			t.Errorf("Lock = %v after the move, want ErrLocked", err)
		}
		if err := s.Unlock(t.Context(), "lock", first.Token); err != nil {
			t.Error(err)
		}
		if second, err := s.Lock(t.Context(), "lock", time.Hour); err != nil || second.Fence <= first.Fence {
			t.Errorf("Lock = %+v, %v after the fence %d", second, err, first.Fence)
		}
	})
}

func TestFencesRiseThroughAFailover(t *testing.T) {
	onEachFlavor(t, func(t *testing.T, f redistest.Flavor) {
		set := f.StartSentinels(t, redistest.Options{})
		s := open(t, Config{Sentinels: set.Addrs(), MasterName: redistest.MasterName, Timeout: 20 * time.Second}).Store()
		lock := func(when string) {
			t.Helper()
			try := 0
			if !basics.Within(30*time.Second, func() bool {
				try++
				_, err := s.Lock(t.Context(), fmt.Sprint("lock ", when, try), time.Hour)
				if err != nil && !errors.Is(err, errUnavailable) {
					t.Errorf("%s: Lock = %v", when, err)
				}
				return err == nil
			}) {
				t.Fatalf("%s: no lock can be acquired", when)
			}
		}
		lock("before")
		first, err := s.Lock(t.Context(), "same", time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		set.Failover(t)
		lock("after a planned failover")
		if err := s.Unlock(t.Context(), "same", first.Token); err != nil {
			t.Errorf("Unlock = %v after a planned failover, which lost nothing", err)
		}
		set.Servers[set.Master()].Kill(t)
		lock("after the death of the master")
		// The Unlock may be lost with the master, so another lock of the same partition shows that fences rise.
		other := "other"
		for i := 0; partition(other) != partition("same"); i++ {
			other = fmt.Sprint("other ", i)
		}
		second, err := s.Lock(t.Context(), other, time.Hour)
		if err != nil || second.Fence <= first.Fence {
			t.Errorf("Lock = %+v, %v after the fence %d", second, err, first.Fence)
		}
	})
}
