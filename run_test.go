package actionhero_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/transport"
)

type component struct {
	name  string
	log   *[]string
	start error
}

func (c component) Start(context.Context) error {
	*c.log = append(*c.log, "start "+c.name)
	return c.start
}

func (c component) Stop(context.Context) error {
	*c.log = append(*c.log, "stop "+c.name)
	return nil
}

func TestStartAndStopInOrder(t *testing.T) {
	t.Parallel()
	var log []string
	initializer := func(name string) actionhero.Initializer {
		return actionhero.Initializer{
			Name:  name,
			Setup: func(*actionhero.API) error { log = append(log, "setup "+name); return nil },
			Start: func(context.Context, *actionhero.API) error { log = append(log, "start "+name); return nil },
			Stop:  func(context.Context, *actionhero.API) error { log = append(log, "stop "+name); return nil },
		}
	}
	api, err := actionhero.New(actionhero.Config{Backend: local.New(local.Config{})}, initializer("db"), initializer("mail"))
	if err != nil {
		t.Fatal(err)
	}
	api.Add(component{"web", &log, nil}, component{"tcp", &log, nil})
	ctx := t.Context()
	for range 2 {
		if err := api.Start(ctx); err != nil {
			t.Fatal(err)
		}
		if err := api.Start(ctx); err == nil {
			t.Error("a started API started again")
		}
		if err := api.Stop(ctx); err != nil {
			t.Fatal(err)
		}
		if err := api.Stop(ctx); err != nil {
			t.Errorf("stopping a stopped API: %v", err)
		}
	}
	once := []string{
		"start db", "start mail", "start web", "start tcp", "stop tcp", "stop web", "stop mail", "stop db",
	}
	if diff := cmp.Diff(append([]string{"setup db", "setup mail"}, append(once, once...)...), log); diff != "" {
		t.Error(diff)
	}
}

// hooked is a component with a StartHook and a StopHook.
type hooked struct {
	component
	grace time.Duration
	left  *time.Duration // how long its Stop may take
}

func (w hooked) Started() { *w.log = append(*w.log, "all started for "+w.name) }

func (w hooked) Stopping() time.Duration {
	*w.log = append(*w.log, "stopping for "+w.name)
	return w.grace
}

func (w hooked) Stop(ctx context.Context) error {
	deadline, _ := ctx.Deadline()
	*w.left = time.Until(deadline)
	return w.component.Stop(ctx)
}

// Started runs after all components have started. Stopping runs before any component stops, and can ask for more time.
func TestHooks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for grace, want := range map[time.Duration]time.Duration{0: 30 * time.Second, time.Second: 30 * time.Second, time.Minute: time.Minute} {
			var log []string
			var left time.Duration
			api, err := actionhero.New(actionhero.Config{Backend: local.New(local.Config{})})
			if err != nil {
				t.Fatal(err)
			}
			api.Add(hooked{component{"w", &log, nil}, grace, &left}, component{"c", &log, nil})
			if err := api.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := api.Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"start w", "start c", "all started for w", "stopping for w", "stop c", "stop w"}, log); diff != "" {
				t.Error(diff)
			}
			if left != want {
				t.Errorf("with a grace of %v it has %v, want %v", grace, left, want)
			}
		}
	})
}

func TestFailedStartStopsWhatHadStarted(t *testing.T) {
	t.Parallel()
	var log []string
	api, err := actionhero.New(actionhero.Config{Backend: local.New(local.Config{})})
	if err != nil {
		t.Fatal(err)
	}
	taken := errors.New("the port is in use")
	api.Add(component{"a", &log, nil}, component{"b", &log, taken}, component{"c", &log, nil})
	if err := api.Start(t.Context()); !errors.Is(err, taken) {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff([]string{"start a", "start b", "stop a"}, log); diff != "" {
		t.Error(diff)
	}
	if api.Uptime() != 0 {
		t.Error("it counts as started")
	}
}

// A stop lets a call finish, cancels one that is late, and goes on without one that does not listen.
func TestStopWaitsForCalls(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		work  time.Duration // how long the action takes unless it is cancelled
		deaf  bool
		after time.Duration // how long the stop takes
		code  actionhero.Code
	}{
		{"short", time.Second, false, time.Second, 0},
		{"late", time.Hour, false, 10 * time.Second, actionhero.CodeUnavailable},
		{"deaf", 12 * time.Second, true, 12 * time.Second, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				slow := actionhero.Action[actionhero.None, actionhero.None]{
					Name: "slow", Timeout: -1,
					Run: func(ctx context.Context, _ actionhero.None) (n actionhero.None, err error) {
						done := ctx.Done()
						if test.deaf {
							done = nil
						}
						select {
						case <-time.After(test.work):
							return n, nil
						case <-done:
							return n, ctx.Err()
						}
					},
				}
				api, err := actionhero.New(actionhero.Config{Backend: local.New(local.Config{}), StopGrace: 10 * time.Second}, slow)
				if err != nil {
					t.Fatal(err)
				}
				if err := api.Start(t.Context()); err != nil {
					t.Fatal(err)
				}
				result := make(chan *actionhero.Error, 1)
				go func() { _, err := dispatch(t, api, "slow"); result <- err }()
				synctest.Wait()
				began := time.Now()
				if err := api.Stop(context.Background()); err != nil {
					t.Error(err)
				}
				if took := time.Since(began); took != test.after {
					t.Errorf("the stop took %v, want %v", took, test.after)
				}
				if _, err := dispatch(t, api, "slow"); err == nil || err.Code != actionhero.CodeUnavailable {
					t.Errorf("a call to a stopped API: %v", err)
				}
				if err := <-result; (err == nil) != (test.code == 0) || err != nil && err.Code != test.code {
					t.Errorf("the call ended with %v", err)
				}
			})
		})
	}
}

func TestOutcomesOfDispatch(t *testing.T) {
	t.Parallel()
	secret := errors.New("password of the database")
	outcomes := map[string]struct {
		run  func(ctx context.Context) error
		code actionhero.Code
		text string
	}{
		"error of its own": {func(context.Context) error { return actionhero.Errorf(actionhero.CodeConflict, "busy") }, actionhero.CodeConflict, "busy"},
		"other error":      {func(context.Context) error { return secret }, actionhero.CodeInternal, "The server experienced an internal error"},
		"panic":            {func(context.Context) error { panic(secret) }, actionhero.CodeInternal, "The server experienced an internal error"},
		"timeout":          {func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, actionhero.CodeDeadlineExceeded, "The request took too long"},
		"polled timeout": {func(ctx context.Context) error {
			for ctx.Err() == nil {
				time.Sleep(time.Second)
			}
			return ctx.Err()
		}, actionhero.CodeDeadlineExceeded, "The request took too long"},
		"canceled": {func(context.Context) error { return context.Canceled }, actionhero.CodeCanceled, "The request was canceled"},
	}
	for name, o := range outcomes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				api := newAPI(t, actionhero.Config{}, actionhero.Action[actionhero.None, actionhero.None]{
					Name: "act", Timeout: time.Minute,
					Run: func(ctx context.Context, n actionhero.None) (actionhero.None, error) {
						deadline, ok := ctx.Deadline()
						if !ok || time.Until(deadline) != time.Minute {
							t.Errorf("the context's deadline is %v", deadline)
						}
						return n, o.run(ctx)
					},
				})
				_, err := dispatch(t, api, "act")
				if err == nil || err.Code != o.code || err.Message != o.text {
					t.Errorf("got %v %v, want %v %q", err.Code, err, o.code, o.text)
				}
			})
		})
	}
}

// What a call started and left behind must learn that the call is over.
func TestContextEndsWithTheCall(t *testing.T) {
	t.Parallel()
	var kept atomic.Pointer[context.Context]
	var waiting = make(chan struct{})
	api := newAPI(t, actionhero.Config{}, actionhero.Action[actionhero.None, actionhero.None]{
		Name: "act",
		Run: func(ctx context.Context, n actionhero.None) (actionhero.None, error) {
			kept.Store(&ctx)
			go func() { <-ctx.Done(); close(waiting) }()
			return n, nil
		},
	})
	if _, err := dispatch(t, api, "act"); err != nil {
		t.Fatal(err)
	}
	<-waiting
	if err := (*kept.Load()).Err(); !errors.Is(err, context.Canceled) {
		t.Errorf("after the call its context says %v", err)
	}
}

// panics is a component whose Stop and Stopping panic.
type panics struct{ component }

func (panics) Stop(context.Context) error { panic("in Stop") }
func (panics) Stopping() time.Duration    { panic("in Stopping") }

// A component that panics does not keep the others from their stop. Outermost components stop last, in reverse order.
func TestStopSurvivesAPanic(t *testing.T) {
	t.Parallel()
	var log []string
	api, err := actionhero.New(actionhero.Config{Backend: local.New(local.Config{}), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"first", "second"} {
		transport.Of(api).AddOutermost(component{name: name, log: &log})
	}
	api.Add(component{name: "inner", log: &log}, panics{component{name: "panics", log: &log}})
	if err := api.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	err = api.Stop(t.Context())
	if err == nil || !strings.Contains(err.Error(), "in Stop\n") || !strings.Contains(err.Error(), "in Stopping") {
		t.Errorf("Stop: %v", err)
	}
	if want := []string{"start first", "start second", "start inner", "start panics", "stop inner", "stop second", "stop first"}; !slices.Equal(log, want) {
		t.Errorf("%q, want %q", log, want)
	}
	if err := api.Stop(t.Context()); err != nil {
		t.Errorf("a second Stop: %v", err)
	}
}

// Uptime counts on the monotonic clock, so that a change of the wall clock does not change it. A time without a monotonic
// reading shows as one without m=.
func TestUptimeIgnoresTheWallClock(t *testing.T) {
	t.Parallel()
	api := newAPI(t, actionhero.Config{})
	if at := api.StartedAt(); !strings.Contains(at.String(), " m=") {
		t.Errorf("the API has started at %v, a time of the wall clock", at)
	}
	steps(t, api.Restart(t.Context()))
	if at := api.StartedAt(); !strings.Contains(at.String(), " m=") {
		t.Errorf("the API has restarted at %v, a time of the wall clock", at)
	}
}
