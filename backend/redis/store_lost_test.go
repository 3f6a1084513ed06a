//go:build unix

package redis

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/testkit/basics"
	"github.com/actionhero-go/actionhero/internal/testkit/faultproxy"
	"github.com/actionhero-go/actionhero/internal/testkit/redistest"
)

// TestALostAnswerToALockIsAskedForAgain: the token makes the second execution give the same lock.
func TestALostAnswerToALockIsAskedForAgain(t *testing.T) {
	onEachFlavor(t, func(t *testing.T, f redistest.Flavor) {
		p, b := throughProxy(t, f, Config{})
		s := b.Store()
		p.Fault(faultproxy.Nth(1, faultproxy.LoseAnswer, isScript(lockScript)))
		lock, err := s.Lock(t.Context(), "lock", time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Lock(t.Context(), "lock", time.Minute); !errors.Is(err, backend.ErrLocked) {
			t.Errorf("a second Lock = %v, want ErrLocked", err)
		}
		if err := s.Unlock(t.Context(), "lock", lock.Token); err != nil {
			t.Error(err)
		}
		p.Fault(faultproxy.Nth(1, faultproxy.LoseAnswer, isScript(reserveScript)))
		_, load, mine, err := s.Reserve(t.Context(), "key", time.Minute)
		if err != nil || !mine {
			t.Fatalf("Reserve after a lost answer: mine %t, %v", mine, err)
		}
		if stored, err := s.Fill(t.Context(), "key", load, []byte("1"), 0); !stored || err != nil {
			t.Errorf("Fill = %t, %v", stored, err)
		}
	})
}

// TestALockWithoutACallerIsFree ends the context of a call whose answer does not come. The lock would have no owner until
// its ttl, and the load no loader.
func TestALockWithoutACallerIsFree(t *testing.T) {
	onEachFlavor(t, func(t *testing.T, f redistest.Flavor) {
		prefix := redistest.Prefix()
		p, b := throughProxy(t, f, Config{Prefix: prefix})
		other := open(t, Config{Port: f.Shared(t).Port, Prefix: prefix}).Store()
		short := func() context.Context {
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			t.Cleanup(cancel)
			return ctx
		}
		p.Delay(300 * time.Millisecond)
		_, errLock := b.Store().Lock(short(), "lock", time.Hour)
		_, _, _, errReserve := b.Store().Reserve(short(), "key", time.Hour)
		if errLock == nil || errReserve == nil {
			t.Fatal("the calls succeed within their contexts", errLock, errReserve)
		}
		p.Heal()
		basics.Eventually(t, "the lock is free", func() bool { _, err := other.Lock(t.Context(), "lock", time.Hour); return err == nil })
		basics.Eventually(t, "another caller loads", func() bool {
			_, _, mine, err := other.Reserve(t.Context(), "key", time.Hour)
			return mine && err == nil
		})
	})
}
