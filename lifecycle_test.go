package actionhero_test

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/transport"
)

// parts is a component made of functions.
type parts struct {
	start, stop func(ctx context.Context) error
	grace       time.Duration
}

func (p parts) Start(ctx context.Context) error { return call(ctx, p.start) }
func (p parts) Stop(ctx context.Context) error  { return call(ctx, p.stop) }
func (p parts) Stopping() time.Duration         { return p.grace }

func call(ctx context.Context, fn func(ctx context.Context) error) error {
	if fn == nil {
		return nil
	}
	return fn(ctx)
}

func act(name string, run func(ctx context.Context) error) actionhero.Part {
	return actionhero.Action[actionhero.None, actionhero.None]{
		Name: name, Timeout: -1,
		Run: func(ctx context.Context, n actionhero.None) (actionhero.None, error) { return n, run(ctx) },
	}
}

// stoppedAPI returns an API that has not started.
func stoppedAPI(t testing.TB, cfg actionhero.Config, parts ...actionhero.Part) *actionhero.API {
	t.Helper()
	if cfg.Backend == nil {
		cfg.Backend = local.New(local.Config{})
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	api, err := actionhero.New(cfg, parts...)
	if err != nil {
		t.Fatal(err)
	}
	return api
}

func wantError(t testing.TB, what string, err error, text string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), text) {
		t.Errorf("%s: got %v, want an error with %q", what, err, text)
	}
}

// A call that ignores its end belongs to the start that began it: the next start counts anew, and its stop does not wait
// for that call.
func TestACallThatOutlivesItsStopIsNoPartOfTheNextStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		api := stoppedAPI(t, actionhero.Config{StopGrace: time.Second}, act("deaf", func(context.Context) error { <-release; return nil }),
			act("quick", func(context.Context) error { return nil }))
		steps(t, api.Start(t.Context()))
		var calls sync.WaitGroup
		for range 3 {
			calls.Go(func() { _, _ = dispatch(t, api, "deaf") })
			synctest.Wait()
			steps(t, api.Restart(t.Context()))
			for range 100 {
				calls.Go(func() {
					if _, err := dispatch(t, api, "quick"); err != nil {
						t.Error(err)
					}
				})
			}
		}
		synctest.Wait()
		began := time.Now()
		steps(t, api.Stop(t.Context()))
		if took := time.Since(began); took != 0 {
			t.Errorf("the last stop took %v", took)
		}
		close(release)
		calls.Wait()
	})
}

// A stop that cancels a request invites its client to try again, whatever the action makes of the end of its context.
func TestARequestThatAStopCancelsIsUnavailable(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		outcomes := map[string]func(ctx context.Context) error{
			"context":  func(ctx context.Context) error { return ctx.Err() },
			"wrapped":  func(ctx context.Context) error { return errors.Join(errors.New("db"), ctx.Err()) },
			"internal": func(context.Context) error { return errors.New("the driver says: interrupted") },
		}
		var all actionhero.Parts
		for name, outcome := range outcomes {
			all = append(all, act(name, func(ctx context.Context) error { <-ctx.Done(); return outcome(ctx) }))
		}
		all = append(all, act("own", func(ctx context.Context) error {
			<-ctx.Done()
			return actionhero.Errorf(actionhero.CodeConflict, "half done")
		}))
		api := stoppedAPI(t, actionhero.Config{StopGrace: time.Second}, all)
		steps(t, api.Start(t.Context()))
		var calls sync.WaitGroup
		for name := range outcomes {
			calls.Go(func() {
				_, err := dispatch(t, api, name)
				failed(t, name, err, actionhero.CodeUnavailable, "The server is stopping")
				if err != nil && err.RetryAfter <= 0 {
					t.Errorf("%s: no time for the next try", name)
				}
			})
		}
		calls.Go(func() {
			_, err := dispatch(t, api, "own")
			failed(t, "an error of the action's own", err, actionhero.CodeConflict, "half done")
		})
		synctest.Wait()
		steps(t, api.Stop(t.Context()))
		calls.Wait()
		_, err := dispatch(t, api, "own")
		failed(t, "a late request", err, actionhero.CodeUnavailable, "The server is stopping")
		if err.RetryAfter <= 0 {
			t.Error("a late request is not asked to come again")
		}
	})
}

// A start that fails closes what it has opened, and leaves alone what another API has opened.
func TestAFailedStartStopsOnlyWhatItHasOpened(t *testing.T) {
	t.Parallel()
	shared := local.New(local.Config{})
	first := newAPI(t, actionhero.Config{Backend: shared})
	second := stoppedAPI(t, actionhero.Config{Backend: shared})
	wantError(t, "the second start", second.Start(t.Context()), "open already")
	if err := first.Cache.Set(t.Context(), "k", 1, 0); err != nil {
		t.Errorf("the first API has lost its backend: %v", err)
	}
	if second.Uptime() != 0 || second.Ready() {
		t.Error("the second API counts as started")
	}
	steps(t, second.Stop(t.Context()))
	if err := first.Cache.Set(t.Context(), "k", 2, 0); err != nil {
		t.Errorf("after the Stop of the second: %v", err)
	}
}

// What an initializer adds during a start starts with the rest, once in each start.
func TestAnInitializerMayAddComponents(t *testing.T) {
	t.Parallel()
	var log []string
	api := stoppedAPI(t, actionhero.Config{}, actionhero.Initializer{Name: "adder", Start: func(_ context.Context, api *actionhero.API) error {
		api.Add(component{"late", &log, nil})
		return nil
	}})
	api.Add(component{"early", &log, nil})
	for range 2 {
		log = nil
		steps(t, api.Start(t.Context()), api.Stop(t.Context()))
		if want := []string{"start early", "start late", "stop late", "stop early"}; !slices.Equal(log, want) {
			t.Errorf("%q, want %q", log, want)
		}
	}
}

// A part, an action or a task that starts or stops its own API would wait for itself: it gets an error.
func TestAStopFromWithinIsAnErrorAndNoHang(t *testing.T) {
	t.Parallel()
	const waits = "would wait for its own caller"
	var api *actionhero.API
	during := map[string]error{}
	try := func(what string, ctx context.Context) {
		for name, do := range map[string]func(context.Context) error{"Start": api.Start, "Stop": api.Stop, "Restart": api.Restart} {
			during[what+" "+name] = do(ctx)
			during[what+" "+name+" without the context"] = do(context.Background())
		}
	}
	api = stoppedAPI(t, actionhero.Config{}, actionhero.Initializer{
		Name:  "in",
		Start: func(ctx context.Context, _ *actionhero.API) error { try("initializer start", ctx); return nil },
		Stop:  func(ctx context.Context, _ *actionhero.API) error { try("initializer stop", ctx); return nil },
	}, act("stop", func(ctx context.Context) error { return api.Stop(ctx) }), act("stopOther", func(context.Context) error { return api.Stop(context.Background()) }),
		act("restart", func(ctx context.Context) error { return api.Restart(ctx) }),
		actionhero.Task[actionhero.None]{Name: "stopTask", Run: func(ctx context.Context, _ actionhero.None) error { return api.Stop(ctx) }})
	api.Add(parts{start: func(ctx context.Context) error { try("component start", ctx); return nil }, stop: func(ctx context.Context) error { try("component stop", ctx); return nil }})
	steps(t, api.Start(t.Context()))
	for _, name := range []string{"stop", "stopOther", "restart"} {
		_, err := dispatch(t, api, name)
		if err == nil || err.Err == nil {
			t.Fatalf("the action %s: %v", name, err)
		}
		wantError(t, "the action "+name, err.Err, waits)
	}
	if !api.Ready() {
		t.Error("an action has stopped the API")
	}
	steps(t, api.Stop(t.Context()))
	if len(during) != 24 {
		t.Errorf("%d tries", len(during))
	}
	for what, err := range during {
		wantError(t, what, err, waits)
	}
}

// An action of one API may stop another one.
func TestAnActionMayStopAnotherAPI(t *testing.T) {
	t.Parallel()
	other := stoppedAPI(t, actionhero.Config{})
	steps(t, other.Start(t.Context()))
	api := newAPI(t, actionhero.Config{}, act("stop", func(ctx context.Context) error { return other.Stop(ctx) }))
	if _, err := dispatch(t, api, "stop"); err != nil || other.Uptime() != 0 {
		t.Errorf("got %v, uptime %v", err, other.Uptime())
	}
}

// Each step of a stop ends with the context of the stop, even a step that ignores it. The steps after it are done, and
// the next start waits for what still stops.
func TestEachStepOfAStopIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var closed atomic.Int32
		slow := func(ctx context.Context) error {
			if closed.Load() == 0 {
				time.Sleep(20 * time.Second)
			}
			return nil
		}
		backend := local.New(local.Config{})
		api := stoppedAPI(t, actionhero.Config{Backend: backend}, actionhero.Initializer{Name: "first", Stop: func(context.Context, *actionhero.API) error { closed.Add(1); return nil }},
			actionhero.Initializer{Name: "slow", Stop: func(ctx context.Context, _ *actionhero.API) error { return slow(ctx) }})
		api.Add(parts{stop: slow})
		steps(t, api.Start(t.Context()))
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		began := time.Now()
		err := api.Stop(ctx)
		wantError(t, "Stop", err, `initializer "slow" does not stop in its time`)
		wantError(t, "Stop", err, "actionhero_test.parts does not stop in its time")
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("a stop with 300 ms took %v", took)
		}
		if closed.Load() != 1 {
			t.Error("the initializer after the slow one was not stopped")
		}
		wantError(t, "a start too soon", api.Start(t.Context()), "has not ended its last stop yet")
		time.Sleep(20 * time.Second)
		steps(t, api.Start(t.Context()), api.Stop(t.Context()))
	})
}

// Code that serves one client for long learns that a stop begins before anything stops, at each start anew.
func TestStoppingIsClosedWhenAStopBegins(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := stoppedAPI(t, actionhero.Config{StopGrace: time.Minute}, act("stream", func(ctx context.Context) error {
			<-actionhero.RequestFrom(ctx).API.Stopping()
			return nil
		}))
		first := api.Stopping()
		for range 2 {
			steps(t, api.Start(t.Context()))
			ended := make(chan *actionhero.Error, 1)
			go func() { _, err := dispatch(t, api, "stream"); ended <- err }()
			synctest.Wait()
			began := time.Now()
			steps(t, api.Stop(t.Context()))
			if err := <-ended; err != nil || time.Since(began) != 0 {
				t.Errorf("the stream ended with %v, the stop took %v", err, time.Since(began))
			}
		}
		select {
		case <-first:
		default:
			t.Error("the channel from before the first start is not the one of that start")
		}
	})
}

// A restart ends with a started API, also if something complains when it stops.
func TestARestartStartsAfterAFailedStop(t *testing.T) {
	t.Parallel()
	complains := errors.New("the pool is dirty")
	refuses := error(nil)
	api := stoppedAPI(t, actionhero.Config{})
	api.Add(parts{start: func(context.Context) error { return refuses }, stop: func(context.Context) error { return complains }})
	steps(t, api.Start(t.Context()))
	if err := api.Restart(t.Context()); !errors.Is(err, complains) || !api.Ready() {
		t.Errorf("got %v, ready: %v", err, api.Ready())
	}
	refuses = errors.New("the port is in use")
	if err := api.Restart(t.Context()); !errors.Is(err, complains) || !errors.Is(err, refuses) || api.Ready() {
		t.Errorf("got %v, ready: %v", err, api.Ready())
	}
}

// A registration that fails leaves nothing behind, and its parts can be registered again.
func TestAFailedRegistrationIsUndone(t *testing.T) {
	t.Parallel()
	var log []string
	api := stoppedAPI(t, actionhero.Config{})
	fails := map[string]func() error{
		"error": func() error { return errors.New("no database") }, "panic": func() error { panic("no database") },
		"goexit": func() error { runtime.Goexit(); return nil }, "fine": func() error { return nil },
	}
	for _, how := range []string{"error", "panic", "goexit", "fine"} {
		err := api.Register(act("visible", func(context.Context) error { return nil }), actionhero.Initializer{Name: "in", Setup: func(api *actionhero.API) error {
			api.Add(component{"added", &log, nil})
			transport.Of(api).AddOutermost(component{"outermost", &log, nil})
			api.Accept("key")
			if err := api.Register(act("inner", func(context.Context) error { return nil })); err != nil {
				return err
			}
			return fails[how]()
		}})
		if how == "fine" {
			steps(t, err)
			continue
		}
		wantError(t, how, err, `initializer "in": `)
		if n := len(api.Actions()); n != 0 || transport.Of(api).Accepts("key") {
			t.Errorf("%s: %d actions are left", how, n)
		}
	}
	steps(t, api.Start(t.Context()), api.Stop(t.Context()))
	if want := []string{"start outermost", "start added", "stop added", "stop outermost"}; !slices.Equal(log, want) || len(api.Actions()) != 2 {
		t.Errorf("%q, want %q; %d actions", log, want, len(api.Actions()))
	}
}

// started is a component with a StartHook.
type started struct{ run func() }

func (started) Start(context.Context) error { return nil }
func (started) Stop(context.Context) error  { return nil }
func (s started) Started()                  { s.run() }

// A component that hears of the start may say that the API is ready: the health check is green then.
func TestTheAPIIsReadyWhenTheStartIsReported(t *testing.T) {
	t.Parallel()
	api, err := actionhero.New(actionhero.Config{Backend: local.New(local.Config{})})
	if err != nil {
		t.Fatal(err)
	}
	ready := false
	api.Add(started{func() { ready = api.Ready() }})
	steps(t, api.Start(t.Context()), api.Stop(t.Context()))
	if !ready {
		t.Error("Started is called before the API is ready")
	}
}

// However the start of a part fails, the API is stopped afterwards, and can start again.
func TestAnyFailureOfAStartLeavesAStoppedAPI(t *testing.T) {
	t.Parallel()
	for how, fail := range map[string]func(){"panic": func() { panic("no") }, "goexit": runtime.Goexit} {
		for _, where := range []string{"initializer", "component", "Started"} {
			broken := true
			run := func(here string) error {
				if broken && here == where {
					fail()
				}
				return nil
			}
			api := stoppedAPI(t, actionhero.Config{}, actionhero.Initializer{Name: "in", Start: func(context.Context, *actionhero.API) error { return run("initializer") }})
			api.Add(parts{start: func(context.Context) error { return run("component") }}, started{func() { _ = run("Started") }})
			if err := api.Start(t.Context()); err == nil || api.Uptime() != 0 || api.Ready() {
				t.Errorf("%s in %s: got %v, ready %v", how, where, err, api.Ready())
			}
			broken = false
			steps(t, api.Start(t.Context()), api.Stop(t.Context()))
		}
	}
}

// While a component with a grace period of its own stops, such as a worker, the components before it serve on, and their
// requests are not cut short.
func TestTransportsServeWhileTasksEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := stoppedAPI(t, actionhero.Config{StopGrace: 10 * time.Second}, act("quick", func(ctx context.Context) error { return ctx.Err() }))
		var left time.Duration
		api.Add(parts{stop: func(ctx context.Context) error {
			deadline, _ := ctx.Deadline()
			left = time.Until(deadline)
			return nil
		}}, parts{grace: 20 * time.Second, stop: func(context.Context) error {
			for range 19 {
				time.Sleep(time.Second)
				if _, err := dispatch(t, api, "quick"); err != nil {
					t.Errorf("a request during the stop: %v", err)
				}
			}
			return nil
		}})
		steps(t, api.Start(t.Context()))
		if !api.Ready() {
			t.Error("a started API is not ready")
		}
		go func() { <-api.Stopping(); time.Sleep(time.Second); _ = api.Ready() }()
		stopped := make(chan error, 1)
		go func() { stopped <- api.Stop(t.Context()) }()
		time.Sleep(time.Second / 2)
		if api.Ready() {
			t.Error("an API that stops is ready")
		}
		steps(t, <-stopped)
		if left != 5*time.Second {
			t.Errorf("after the tasks the transport has %v, want 5s", left)
		}
	})
}

type reporting struct{ parts }

func (reporting) StopReport() []slog.Attr { return []slog.Attr{slog.Int("jobsRequeued", 3)} }

// A stop says what has become of the work under way.
func TestAStopReportsWhatBecameOfTheWork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := &records{}
		api := stoppedAPI(t, actionhero.Config{StopGrace: 2 * time.Second, Log: slog.New(log)},
			act("quick", func(context.Context) error { time.Sleep(time.Second); return nil }),
			act("slow", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }))
		api.Add(reporting{})
		steps(t, api.Start(t.Context()))
		for range 2 {
			c, _ := connect(t, api, "a")
			defer transport.Of(api).Disconnect(c)
		}
		var calls sync.WaitGroup
		for _, name := range []string{"quick", "quick", "slow"} {
			calls.Go(func() { _, _ = dispatch(t, api, name) })
		}
		synctest.Wait()
		steps(t, api.Stop(t.Context()))
		calls.Wait()
		if lines, want := log.take(), []string{"stopped took=2s requestsFinished=2 requestsCut=1 clientsClosed=2 jobsRequeued=3"}; !slices.Equal(lines, want) {
			t.Errorf("logged %q, want %q", lines, want)
		}
	})
}

// A request that a stop cancels is cut, however soon it ends: a transport that closes its connections at the end of the
// grace period cancels its requests at the same moment as the API. Here the request polls for that moment.
func TestARequestThatAStopCancelsIsCutHoweverSoonItEnds(t *testing.T) {
	t.Parallel()
	for range 50 {
		log := &records{}
		var grace context.Context
		api := stoppedAPI(t, actionhero.Config{StopGrace: 2 * time.Millisecond, Log: slog.New(log)},
			act("quick", func(context.Context) error { return nil }),
			act("polls", func(context.Context) error {
				for grace.Err() == nil {
					runtime.Gosched()
				}
				return grace.Err()
			}))
		api.Add(parts{stop: func(ctx context.Context) error { // a transport serves its last requests while it stops
			grace = ctx
			_, err := dispatch(t, api, "polls")
			failed(t, "cancelled", err, actionhero.CodeUnavailable, "The server is stopping")
			return ctx.Err()
		}}, parts{grace: time.Hour, stop: func(context.Context) error { // the time of the requests has not begun
			if _, err := dispatch(t, api, "quick"); err != nil {
				t.Error(err)
			}
			return nil
		}})
		steps(t, api.Start(t.Context()), api.Stop(t.Context()))
		if lines := log.take(); len(lines) != 1 || !strings.HasSuffix(lines[0], " requestsFinished=1 requestsCut=1") {
			t.Fatalf("logged %q", lines)
		}
	}
}

// Wait ends when other code has stopped the API, and not at a restart.
func TestWaitEndsWithTheStopOfOtherCode(t *testing.T) {
	t.Parallel()
	api := stoppedAPI(t, actionhero.Config{})
	steps(t, api.Start(t.Context()))
	ended, waited := api.Ended(), make(chan error, 1)
	go func() { waited <- api.Wait(context.Background()) }()
	steps(t, api.Restart(t.Context()))
	select {
	case <-ended:
		t.Fatal("a restart ends Wait")
	default:
	}
	steps(t, api.Stop(t.Context()), <-waited)
	<-ended
}

// After a restart that cannot start, everything is closed, and Run and Wait return the error of the start: the process
// must not stay without a server.
func TestRunAndWaitReturnTheErrorOfAFailedRestart(t *testing.T) {
	t.Parallel()
	for name, wait := range map[string]func(*actionhero.API) error{
		"Run": func(api *actionhero.API) error { return api.Run(context.Background()) },
		"Wait": func(api *actionhero.API) error {
			return errors.Join(api.Start(context.Background()), api.Wait(context.Background()))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var refuses error
			open, started := 0, make(chan struct{}, 2)
			api := stoppedAPI(t, actionhero.Config{})
			api.Add(parts{
				start: func(context.Context) error { open++; return nil },
				stop:  func(context.Context) error { open--; return nil },
			}, parts{start: func(context.Context) error { err := refuses; started <- struct{}{}; return err }})
			waited := make(chan error, 1)
			go func() { waited <- wait(api) }()
			<-started
			refuses = errors.New("the port is in use")
			if err := api.Restart(t.Context()); !errors.Is(err, refuses) {
				t.Errorf("Restart = %v", err)
			}
			if err := <-waited; !errors.Is(err, refuses) || !strings.Contains(err.Error(), "the restart has failed") {
				t.Errorf("%s = %v, want the error of the start", name, err)
			}
			if open != 0 || api.Uptime() != 0 {
				t.Errorf("%d components are open after %v", open, api.Uptime())
			}
			refuses = nil
			steps(t, api.Stop(t.Context()), api.Start(t.Context()), api.Stop(t.Context()))
		})
	}
}

// A stop by Run or Wait during a restart cancels the start of the restart, which may take long. It is no failure of Run.
func TestAStopDuringARestartCancelsItsStart(t *testing.T) {
	t.Parallel()
	api := stoppedAPI(t, actionhero.Config{})
	starts, again := 0, make(chan struct{})
	api.Add(parts{start: func(ctx context.Context) error {
		if starts++; starts == 1 {
			return nil
		}
		close(again)
		<-ctx.Done()
		return ctx.Err()
	}})
	steps(t, api.Start(t.Context()))
	ctx, stop := context.WithCancel(t.Context())
	waited, restarted := make(chan error, 1), make(chan error, 1)
	go func() { waited <- api.Wait(ctx) }()
	testkit.Eventually(t, "Wait waits", func() bool { return api.Leavable() })
	go func() { restarted <- api.Restart(context.WithoutCancel(t.Context())) }()
	<-again
	stop()
	if err := <-restarted; !errors.Is(err, context.Canceled) {
		t.Errorf("Restart = %v, want a cancelled start", err)
	}
	steps(t, <-waited)
	if api.Uptime() != 0 {
		t.Error("the API is started")
	}
	starts = 0 // nothing of the stop is left for the next start and restart
	steps(t, api.Start(t.Context()), api.Stop(t.Context()))
}

// After a restart that has failed, a Stop returns nil, and the error is gone with the next start.
func TestAStartForgetsTheFailedRestart(t *testing.T) {
	t.Parallel()
	var refuses error
	api := stoppedAPI(t, actionhero.Config{})
	api.Add(parts{start: func(context.Context) error { return refuses }})
	steps(t, api.Start(t.Context()))
	refuses = errors.New("the port is in use")
	if err := api.Restart(t.Context()); !errors.Is(err, refuses) {
		t.Errorf("got %v", err)
	}
	refuses = nil
	steps(t, api.Stop(t.Context()), api.Start(t.Context()))
	waited := make(chan error, 1)
	go func() { waited <- api.Wait(context.Background()) }()
	steps(t, api.Stop(t.Context()), <-waited)
}

// A hook, a middleware, a section of the status or a load of the cache that starts, stops or restarts its own API gets
// an error, with and without its context, in a started API and during its stop.
func TestStartStopAndRestartWithinAHookAreErrors(t *testing.T) {
	t.Parallel()
	for _, during := range []string{"service", "stop"} {
		for _, where := range []string{"Join", "Say", "Deliver", "section", "middleware", "load", "task"} {
			t.Run(where+" during "+during, func(t *testing.T) {
				t.Parallel()
				hookCalls(t, where, during == "stop")
			})
		}
	}
}

func hookCalls(t *testing.T, where string, duringStop bool) {
	var api *actionhero.API
	reached := make(chan struct{})
	tries := 0
	try := func(ctx context.Context, here string) {
		if here != where || tries > 0 {
			return
		}
		close(reached)
		if duringStop { // the stop waits for this hook
			<-api.Stopping()
		}
		for name, do := range map[string]func(context.Context) error{"Start": api.Start, "Stop": api.Stop, "Restart": api.Restart} {
			for how, ctx := range map[string]context.Context{"with": ctx, "without": context.Background()} {
				tries++
				if err := do(ctx); err == nil {
					t.Errorf("%s %s its context succeeds", name, how)
				}
			}
		}
	}
	values := actionhero.CacheOf[int]{}
	api = stoppedAPI(t, actionhero.Config{StopGrace: time.Minute}, actionhero.RoomMiddleware{
		Join: func(ctx context.Context, _ *actionhero.Conn, _ string) error { try(ctx, "Join"); return nil },
		Say: func(ctx context.Context, _ *actionhero.Conn, _, text string) (string, error) {
			try(ctx, "Say")
			return text, nil
		},
		Deliver: func(*actionhero.Conn, *actionhero.RoomMessage) bool {
			try(context.Background(), "Deliver")
			return true
		},
	}, act("do", func(ctx context.Context) error {
		_, err := values.GetOrLoad(ctx, api, "k", time.Minute, func(ctx context.Context) (int, error) { try(ctx, "load"); return 1, nil })
		if err == nil {
			err = api.Rooms.Say(ctx, nil, "a", "hi")
		}
		if err == nil {
			_, err = api.Stats.Report(ctx)
		}
		return err
	}), actionhero.Task[actionhero.None]{Name: "task", Run: func(ctx context.Context, _ actionhero.None) error { try(ctx, "task"); return nil }})
	api.Use(func(next actionhero.Handler) actionhero.Handler {
		return func(ctx context.Context, req *actionhero.Request) (any, error) {
			try(ctx, "middleware")
			return next(ctx, req)
		}
	})
	api.Stats.Section("s", func(ctx context.Context) (any, error) { try(ctx, "section"); return 1, nil })
	steps(t, api.Start(t.Context()))
	c := transport.Of(api).Connect("test", netip.AddrPort{}, &collector{})
	defer transport.Of(api).Disconnect(c)
	var work, stop sync.WaitGroup
	work.Go(func() {
		_, failure := dispatch(t, api, "do")
		err := errors.Join(api.Rooms.Move(t.Context(), c, "a"), api.Rooms.Broadcast(t.Context(), "a", 1), api.Tasks.Run(t.Context(), "task", nil))
		if !duringStop && (failure != nil || err != nil) { // a stop refuses what comes after it
			t.Error(failure, err)
		}
	})
	if duringStop {
		<-reached
		stop.Go(func() {
			if err := api.Stop(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	work.Wait()
	stop.Wait()
	if tries != 6 || api.Ready() == duringStop {
		t.Errorf("%d tries, ready %v", tries, api.Ready())
	}
	steps(t, api.Stop(t.Context()))
}
