package actionhero_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero"
)

// wantHealth fails the test unless the message of API.Health is text; empty: it is nil.
func wantHealth(t *testing.T, api *actionhero.API, text string) {
	t.Helper()
	err := actionhero.AsError(api.Health(t.Context()))
	if text == "" && err == nil || err != nil && err.Message == text && err.Code == actionhero.CodeUnavailable {
		return
	}
	t.Errorf("got %v, want %q", err, text)
}

// A check runs at most once a second, however often the health is asked for, and the log has each change once.
func TestAHealthCheckRunsAtMostOnceASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var runs, fails atomic.Int32
		var log bytes.Buffer
		api := stoppedAPI(t, actionhero.Config{Log: slog.New(slog.NewTextHandler(&log, nil))})
		api.AddHealthCheck("database", func(context.Context) error {
			runs.Add(1)
			if fails.Load() > 0 {
				return errors.New("password wrong")
			}
			return nil
		})
		wantHealth(t, api, "the server is not started")
		steps(t, api.Start(t.Context()))
		ask := func(text string, want int32) {
			t.Helper()
			for range 50 {
				wantHealth(t, api, text)
				time.Sleep(10 * time.Millisecond)
			}
			if n := runs.Swap(0); n != want {
				t.Errorf("%d runs in half a second, want %d", n, want)
			}
		}
		ask("", 1)
		fails.Store(1)
		ask("", 0)
		ask("a health check fails: database", 1)
		fails.Store(0)
		time.Sleep(time.Second)
		ask("", 1)
		steps(t, api.Stop(t.Context()))
		wantHealth(t, api, "the server is not started")
		if text := log.String(); strings.Count(text, `"a health check fails" check=database error="password wrong"`) != 1 || strings.Count(text, `"a health check passes again" check=database`) != 1 {
			t.Errorf("the log is\n%s", text)
		}
	})
}

// A check that hangs, panics or ends its goroutine fails, and does not delay the answer for others.
func TestAHealthCheckThatHangsFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var runs atomic.Int32
		api := stoppedAPI(t, actionhero.Config{})
		api.AddHealthCheck("deaf", func(context.Context) error { runs.Add(1); <-release; return nil })
		api.AddHealthCheck("slow", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		api.AddHealthCheck("panics", func(context.Context) error { panic("no") })
		api.AddHealthCheck("exits", func(context.Context) error { runtime.Goexit(); return nil })
		api.AddHealthCheck("fine", func(context.Context) error { return nil })
		steps(t, api.Start(t.Context()))
		began := time.Now()
		var askers sync.WaitGroup
		for range 10 {
			askers.Go(func() { wantHealth(t, api, "a health check fails: deaf, slow, panics, exits") })
		}
		askers.Wait()
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("the answer took %v", took)
		}
		wantHealth(t, api, "a health check fails: deaf, slow, panics, exits")
		if n := runs.Load(); n != 1 {
			t.Errorf("%d runs of a check that hangs", n)
		}
		close(release)
		steps(t, api.Stop(t.Context()))
	})
}

// A stop waits for the running check before an initializer closes the resource that the check reads.
func TestNoHealthCheckMeetsAClosedResource(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var running, closed atomic.Bool
		api := stoppedAPI(t, actionhero.Config{}, actionhero.Initializer{
			Name: "resource",
			Setup: func(api *actionhero.API) error {
				api.AddHealthCheck("resource", func(ctx context.Context) error {
					running.Store(true)
					<-ctx.Done()
					time.Sleep(100 * time.Millisecond) // the check ends a little later
					if closed.Load() {
						t.Error("the check runs on after the stop of the resource")
					}
					return ctx.Err()
				})
				return nil
			},
			Start: func(context.Context, *actionhero.API) error { closed.Store(false); return nil },
			Stop:  func(context.Context, *actionhero.API) error { closed.Store(true); return nil },
		})
		for range 2 {
			running.Store(false)
			steps(t, api.Start(t.Context()))
			var asker sync.WaitGroup
			asker.Go(func() { wantHealth(t, api, "a health check fails: resource") })
			synctest.Wait()
			if !running.Load() {
				t.Error("the check does not run after a restart")
			}
			steps(t, api.Stop(t.Context()))
			asker.Wait()
		}
	})
}
