package redis

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"

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

// TestACommandInFlightAtCloseMayHaveHappened closes a backend while the server has executed a command and no answer has
// come.
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
	b := open(t, Config{Port: redistest.Redis.Shared(t).Port, Timeout: time.Second})
	call := func(first error) error {
		attempts := 0
		_, err := b.core.attempt(t.Context(), repeatable, func(context.Context, *session) rueidis.RedisResult {
			if attempts++; attempts == 1 {
				return rueidis.NewErrorResult(first)
			}
			return rueidis.NewErrorResult(errRefused)
		})
		if attempts < 2 {
			t.Errorf("%d attempts, want a repetition", attempts)
		}
		return err
	}
	wantDoubt(t, call(io.EOF))
	if err := call(errRefused); !errors.Is(err, errRefused) || errors.Is(err, errUnknown) {
		t.Errorf("error %v after refusals only, want one that says that nothing has changed", err)
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
