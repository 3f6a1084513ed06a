package redis

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/testkit/faultproxy"
	"github.com/actionhero-go/actionhero/internal/testkit/redistest"
)

// wantDoubt fails the test unless err says that the change may have happened.
func wantDoubt(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, errUnknown) || errors.Is(err, backend.ErrClosed) || errors.Is(err, errRefused) || errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want one that says only that the change may have happened", err)
	}
}

// silencing returns a function for [faultproxy.Proxy.Fault], and a channel that is closed when the command has come.
func silencing(is func([]string) bool) (choose func([]string) faultproxy.Fault, came <-chan struct{}) {
	c := make(chan struct{})
	first := faultproxy.Nth(1, faultproxy.Silence, is)
	return func(words []string) faultproxy.Fault {
		fault := first(words)
		if fault == faultproxy.Silence {
			close(c)
		}
		return fault
	}, c
}

// TestACallInFlightAtCloseMayHaveHappened closes a backend while the server has executed a command and no answer has come.
func TestACallInFlightAtCloseMayHaveHappened(t *testing.T) {
	t.Parallel()
	p := faultproxy.Start(t, redistest.Redis.Shared(t).Addr)
	b := open(t, Config{URL: "redis://" + p.Addr(), Prefix: redistest.Prefix(), Timeout: time.Minute})
	choose, came := silencing(isScript(plainScript))
	p.Fault(choose)
	outcome := make(chan error, 1)
	go func() {
		_, err := b.Queue().Enqueue(t.Context(), backend.NewJob{Task: "x", Queue: "a"})
		outcome <- err
	}()
	<-came
	b.kill()
	wantDoubt(t, <-outcome)
	if _, err := b.Queue().Enqueue(t.Context(), backend.NewJob{Task: "x", Queue: "a"}); !errors.Is(err, backend.ErrClosed) {
		t.Errorf("a later Enqueue = %v, want ErrClosed", err)
	}
}

// TestACommandInFlightAtCloseMayHaveHappened is the same for a command of the store that is sent once.
func TestACommandInFlightAtCloseMayHaveHappened(t *testing.T) {
	t.Parallel()
	p, b := throughProxy(t, redistest.Redis, Config{Prefix: redistest.Prefix(), Timeout: 2 * time.Second})
	choose, came := silencing(isScript(incrementScript))
	p.Fault(choose)
	outcome := make(chan error, 1)
	go func() { outcome <- second(b.Store().Increment(t.Context(), "a", 1, 0)) }()
	<-came
	b.core.close()
	wantDoubt(t, <-outcome)
	if err := second(b.Store().Increment(t.Context(), "a", 1, 0)); !errors.Is(err, backend.ErrClosed) {
		t.Errorf("a later Increment = %v, want ErrClosed", err)
	}
}

// TestARefusalDoesNotHideAnEarlierAttempt loses the answer to a command, and refuses its repetitions.
func TestARefusalDoesNotHideAnEarlierAttempt(t *testing.T) {
	t.Parallel()
	server := redistest.Redis.Start(t, redistest.Options{})
	p := faultproxy.Start(t, server.Addr)
	b := open(t, Config{URL: "redis://" + p.Addr(), Timeout: 2 * time.Second})
	lost := make(chan struct{}, 1)
	lose := loses(plainScript)
	p.Fault(func(words []string) faultproxy.Fault {
		fault := lose(words)
		if fault != faultproxy.Pass {
			select {
			case lost <- struct{}{}:
			default:
			}
		}
		return fault
	})
	outcome := make(chan error, 1)
	go func() {
		_, err := b.Queue().Enqueue(t.Context(), backend.NewJob{Task: "x", Queue: "a"})
		outcome <- err
	}()
	<-lost
	server.Do(t, "REPLICAOF", "127.0.0.1", "1")
	p.Fault(nil)
	err := <-outcome
	server.Do(t, "REPLICAOF", "NO", "ONE")
	wantDoubt(t, err)
	if err != nil && !strings.Contains(err.Error(), "may have happened") {
		t.Errorf("the error %v does not say that the change may have happened", err)
	}
}

// TestANodeThatStartsAtAFullServerLearnsTheRemedy also starts it once there is memory.
func TestANodeThatStartsAtAFullServerLearnsTheRemedy(t *testing.T) {
	onEachFlavor(t, func(t *testing.T, f redistest.Flavor) {
		server := f.Start(t, redistest.Options{})
		server.Do(t, "CONFIG", "SET", "maxmemory", "1")
		b := newBackend(at(server))
		err := b.Open(t.Context(), newNode())
		if !errors.Is(err, backend.ErrFull) || !strings.Contains(err.Error(), "maxmemory") || !strings.Contains(err.Error(), "raise its limit") {
			t.Errorf("Open at a full server = %v, want ErrFull with the setting and the remedy", err)
		}
		server.Do(t, "CONFIG", "SET", "maxmemory", "0")
		if err := b.Open(t.Context(), newNode()); err != nil {
			t.Errorf("Open once there is memory = %v", err)
		}
		if err := b.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
