package actionhero_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero"
)

// slowStart is a component whose start lasts until its context ends, or until release is closed.
type slowStart struct {
	starting chan struct{} // receives a value at each start
	release  chan struct{}
	deaf     bool // the start ignores its context
	open     atomic.Int32
}

func newSlowStart(deaf bool) *slowStart {
	return &slowStart{starting: make(chan struct{}, 10), release: make(chan struct{}), deaf: deaf}
}

func (s *slowStart) Start(ctx context.Context) error {
	s.starting <- struct{}{}
	done := ctx.Done()
	if s.deaf {
		done = nil
	}
	select {
	case <-s.release:
		s.open.Add(1)
		return nil
	case <-done:
		return ctx.Err()
	}
}

func (s *slowStart) Stop(context.Context) error { s.open.Add(-1); return nil }

// A Stop cancels a start that is running, closes all that it has opened, and leaves an API that can start again.
func TestAStopCancelsTheRunningStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log []string
		slow := newSlowStart(false)
		api := stoppedAPI(t, actionhero.Config{})
		api.Add(component{"before", &log, nil}, slow, component{"after", &log, nil})
		started := make(chan error, 1)
		go func() { started <- api.Start(context.Background()) }()
		<-slow.starting
		steps(t, api.Stop(t.Context()))
		err := <-started
		wantError(t, "Start", err, "a Stop was called during the start")
		if !errors.Is(err, context.Canceled) || api.Uptime() != 0 || api.Ready() {
			t.Errorf("got %v, uptime %v", err, api.Uptime())
		}
		if want := []string{"start before", "stop before"}; !slices.Equal(log, want) {
			t.Errorf("%q, want %q", log, want)
		}
		close(slow.release)
		steps(t, api.Start(t.Context()), api.Stop(t.Context()))
		if n := slow.open.Load(); n != 0 {
			t.Errorf("%d components are open", n)
		}
	})
}

// A start that ignores its context has its way: the Stop waits for it, and then stops what has started. Nothing more
// starts after the call of Stop.
func TestAStopWaitsForAStartThatIgnoresItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log []string
		slow := newSlowStart(true)
		api := stoppedAPI(t, actionhero.Config{})
		api.Add(slow, component{"after", &log, nil})
		started, stopped := make(chan error, 1), make(chan error, 1)
		go func() { started <- api.Start(context.Background()) }()
		<-slow.starting
		soon, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := api.Stop(soon); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a Stop without patience: %v", err)
		}
		go func() { stopped <- api.Stop(context.Background()) }()
		synctest.Wait()
		close(slow.release)
		wantError(t, "Start", <-started, "a Stop was called during the start")
		steps(t, <-stopped)
		if slow.open.Load() != 0 || len(log) > 0 || api.Uptime() != 0 {
			t.Errorf("%d open, %q", slow.open.Load(), log)
		}
	})
}

// A Stop during a Restart, in its stop or in its start, leaves a stopped API. That is no failure for Run and Wait.
func TestAStopOfOtherCodeDuringARestart(t *testing.T) {
	t.Parallel()
	for _, phase := range []string{"stop", "start"} {
		t.Run(phase, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				restarts, reached := 0, make(chan struct{})
				api := stoppedAPI(t, actionhero.Config{StopGrace: time.Minute})
				api.Add(parts{
					start: func(ctx context.Context) error {
						if restarts++; restarts == 1 {
							return nil
						}
						if phase == "stop" {
							t.Error("the start has begun after the Stop")
						}
						close(reached)
						<-ctx.Done()
						return ctx.Err()
					},
					stop: func(context.Context) error {
						if phase == "stop" {
							close(reached)
							time.Sleep(time.Second)
						}
						return nil
					},
				})
				waited, restarted := make(chan error, 1), make(chan error, 1)
				go func() { waited <- api.Run(context.Background()) }()
				synctest.Wait()
				go func() { restarted <- api.Restart(context.Background()) }()
				<-reached
				steps(t, api.Stop(t.Context()), <-waited)
				if err := <-restarted; !errors.Is(err, context.Canceled) || api.Uptime() != 0 {
					t.Errorf("Restart = %v, uptime %v", err, api.Uptime())
				}
			})
		})
	}
}

// The Stop of other code during the start of Run, and the end of the context of Run, are no failures.
func TestRunReturnsNilIfItsStartIsCancelled(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(api *actionhero.API, cancel func()){
		"Stop":    func(api *actionhero.API, _ func()) { _ = api.Stop(context.Background()) },
		"context": func(_ *actionhero.API, cancel func()) { cancel() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			slow := newSlowStart(false)
			api := stoppedAPI(t, actionhero.Config{})
			api.Add(slow)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			ran := make(chan error, 1)
			go func() { ran <- api.Run(ctx) }()
			<-slow.starting
			end(api, cancel)
			steps(t, <-ran)
			if api.Uptime() != 0 {
				t.Error("the API is started")
			}
		})
	}
}

// Of calls that wait, a Stop cancels those before it, and not those after it.
func TestCallsTakeEffectInTheirOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow := newSlowStart(false)
		api := stoppedAPI(t, actionhero.Config{})
		api.Add(slow)
		results := make([]chan error, 5)
		for i, do := range []func(context.Context) error{api.Start, api.Restart, api.Stop, api.Stop, api.Start} {
			results[i] = make(chan error, 1)
			go func() { results[i] <- do(context.Background()) }()
			synctest.Wait()
		}
		for i, want := range []bool{false, false, true, true} {
			if err := <-results[i]; (err == nil) != want || err != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("call %d: %v", i, err)
			}
		}
		close(slow.release)
		steps(t, <-results[4])
		if !api.Ready() {
			t.Error("the last Start was cancelled")
		}
		steps(t, api.Stop(t.Context()))
	})
}

// A context that has ended starts nothing.
func TestAnEndedContextStartsNothing(t *testing.T) {
	t.Parallel()
	var log []string
	api := stoppedAPI(t, actionhero.Config{})
	api.Add(component{"c", &log, nil})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := api.Start(ctx); !errors.Is(err, context.Canceled) || len(log) > 0 {
		t.Errorf("got %v, %q", err, log)
	}
	steps(t, api.Start(t.Context()))
	if err := api.Restart(ctx); !errors.Is(err, context.Canceled) || api.Ready() {
		t.Errorf("Restart = %v, ready: %v", err, api.Ready())
	}
}

// A Restart starts an API that was never started, was stopped, or has failed to start.
func TestARestartStartsAStoppedAPI(t *testing.T) {
	t.Parallel()
	refuses := error(nil)
	api := stoppedAPI(t, actionhero.Config{})
	api.Add(parts{start: func(context.Context) error { return refuses }})
	steps(t, api.Restart(t.Context()))
	steps(t, api.Stop(t.Context()), api.Restart(t.Context()))
	refuses = errors.New("the port is in use")
	if err := api.Restart(t.Context()); !errors.Is(err, refuses) || api.Uptime() != 0 {
		t.Errorf("got %v", err)
	}
	if err := api.Start(t.Context()); !errors.Is(err, refuses) || api.Uptime() != 0 {
		t.Errorf("got %v", err)
	}
	refuses = nil
	steps(t, api.Restart(t.Context()))
	if !api.Ready() {
		t.Error("the API is not ready")
	}
	steps(t, api.Stop(t.Context()))
}

// Goroutines stop and restart at the same time. Each Stop returns nil, and after the last call nothing is open.
func TestConcurrentStopsAndRestarts(t *testing.T) {
	t.Parallel()
	var open, most atomic.Int32
	api := stoppedAPI(t, actionhero.Config{})
	api.Add(parts{
		start: func(context.Context) error {
			if n := open.Add(1); n > most.Load() {
				most.Store(n)
			}
			return nil
		},
		stop: func(context.Context) error { open.Add(-1); return nil },
	})
	var callers sync.WaitGroup
	for i := range 8 {
		callers.Go(func() {
			for range 20 {
				if i%2 == 0 {
					if err := api.Stop(t.Context()); err != nil {
						t.Errorf("Stop = %v", err)
					}
				} else if err := api.Restart(t.Context()); err != nil && !errors.Is(err, context.Canceled) {
					t.Errorf("Restart = %v", err)
				}
			}
		})
	}
	callers.Wait()
	steps(t, api.Restart(t.Context()), api.Stop(t.Context()))
	if open.Load() != 0 || most.Load() != 1 {
		t.Errorf("%d are open, at most %d were", open.Load(), most.Load())
	}
}
