package actionhero

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// Stop stops the components in reverse order, then the initializers in reverse order, then the backend. A transport
// accepts no more connections, finishes its requests in flight and closes its clients. Requests that still run after
// Config.StopGrace, or when ctx ends, are cancelled; their clients read [CodeUnavailable].
//
// After Stop has returned nil, no port is open, and no goroutine of the API runs. If a [API.Start] or a [API.Restart] is
// running, Stop cancels its start, and then stops everything that has started. If the API is stopped already, Stop returns
// nil; if another Stop is running, it returns nil after that one.
//
// Every step of a stop ends with ctx. If a step ignores that, Stop continues after half a second with the next step, and names the step in its error. If an action, a task
// or a part that starts or stops calls Stop, it returns an error, because it would wait for its caller: it has to call
// Stop in a goroutine of its own.
func (api *API) Stop(ctx context.Context) error {
	leave, err := api.enterLifecycle(ctx, "Stop")
	if err != nil {
		return err
	}
	defer leave()
	if api.startedAt.Load() == nil {
		return nil
	}
	defer api.end(nil)
	return api.stop(ctx)
}

// end ends the waits for the end of the API. failure is the error of the Restart that ends it, or nil for a Stop. Only
// the first of several ends since a start counts.
func (api *API) end(failure error) {
	if end := api.ended.Load(); !isClosed(end.done) {
		end.failure = failure
		close(end.done)
	}
}

// Restart stops the API and starts it again with the same parts and the same configuration. Restart starts a stopped API,
// also one whose last start has failed. If the stop returns an
// error, Restart starts the API nevertheless, and returns that error together with the error of the start. If the start
// fails, everything that it has started is stopped, the API stays stopped, and [API.Run] and [API.Wait] return the error
// of the start. If a [API.Stop], a signal or the end of their context stops the API meanwhile, the start is cancelled and fails,
// which is no error of Run and Wait.
func (api *API) Restart(ctx context.Context) error {
	leave, err := api.enterLifecycle(ctx, "Restart")
	if err != nil {
		return err
	}
	defer leave()
	if api.startedAt.Load() != nil {
		err = api.stop(ctx)
	}
	failure := api.startAgain(ctx)
	switch {
	case errors.Is(failure, errStopCalled):
		api.end(nil)
	case failure != nil:
		api.end(fmt.Errorf("the restart has failed: %w", failure))
	}
	return errors.Join(err, failure)
}

// startAgain is the start of a Restart. A stop by Run or Wait cancels it.
func (api *API) startAgain(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if leaving := api.leaving.Load(); leaving != nil {
		if err := (*leaving).Err(); err != nil {
			return err
		}
		defer context.AfterFunc(*leaving, cancel)()
	}
	return api.startOrUndo(ctx)
}

// Stopping returns a channel that is closed when a stop of the API begins, before any component stops. Code that serves
// one client for a long time, such as a stream of server-sent events, ends when the channel is closed. After a stop, the
// next start has a new channel.
func (api *API) Stopping() <-chan struct{} { return *api.stopSignal.Load() }

// Ready reports whether the API has started completely and no stop has begun. A health check for a load balancer answers
// with Ready: during a stop, the server still serves while its tasks end.
func (api *API) Ready() bool { return api.ready.Load() }

// StopReporter is an optional interface of a [Component]. After the Stop of the component, the API calls StopReport once
// and adds the attributes to the log record with which a stop ends, for example the number of requeued jobs.
type StopReporter interface {
	StopReport() []slog.Attr
}

// stopRun is one stop of an API. Each of its steps has a limited time.
type stopRun struct {
	api    *API
	ctx    context.Context // of API.Stop
	begun  time.Time
	calls  *calls
	errs   []error
	report []slog.Attr

	// grace ends the time of the requests. It begins when the first component stops that has no grace period of its own:
	// a transport serves on while the tasks of a worker end.
	grace   context.Context // nil until then
	cancel  context.CancelFunc
	release func() bool
}

func (api *API) stop(ctx context.Context) error {
	s := &stopRun{api: api, ctx: ctx, begun: time.Now(), calls: api.calls.current()}
	wasReady := api.ready.Swap(false)
	close(*api.stopSignal.Load())
	s.calls.beginStop()
	api.streams.endAll()
	api.expiry.stop()
	clients := api.Rooms.clients()
	s.components()
	grace := s.requestGrace()
	api.calls.close()
	requests := s.calls.wait(ctx, grace, api.log)
	s.closeAll(&api.startedInitializers)
	s.release()
	s.calls.cancel()
	s.cancel()
	s.closeAll(&api.startedBase)
	if wasReady {
		s.logReport(requests, clients)
	}
	s.closeAll(&api.startedOutermost)
	api.startedAt.Store(nil)
	return errors.Join(s.errs...)
}

// logReport logs what has become of the requests that ran during the stop, and of the work of the components. clients is
// the number of persistent clients that were connected when the stop began.
func (s *stopRun) logReport(requests callCounts, clients int) {
	attrs := []slog.Attr{slog.String("took", time.Since(s.begun).Round(time.Millisecond).String()), slog.Int("requestsFinished", requests.finished), slog.Int("requestsCut", requests.cut)}
	if requests.left > 0 {
		attrs = append(attrs, slog.Int("requestsLeft", requests.left))
	}
	if clients > 0 {
		attrs = append(attrs, slog.Int("clientsClosed", clients))
	}
	s.api.log.LogAttrs(context.Background(), slog.LevelInfo, "stopped", append(attrs, s.report...)...)
}

// requestGrace returns the context that ends the time of the running requests, and begins that time if it has not begun:
// the rest of Config.StopGrace, but at least cancelGrace if Config.StopGrace is as long.
func (s *stopRun) requestGrace() context.Context {
	if s.grace == nil {
		whole := s.api.cfg.StopGrace
		s.grace, s.cancel = context.WithTimeout(s.ctx, max(whole-time.Since(s.begun), min(whole, cancelGrace)))
		s.release = s.calls.cutBy(s.grace)
	}
	return s.grace
}

// components stops the components in reverse order. The context for the stop of a component ends with the grace period
// of the requests. If the component's StopHook returned a grace period of its own, the context lasts for at least that
// period and for Config.StopGrace.
func (s *stopRun) components() {
	list := s.api.started
	s.api.started = nil
	own := make([]time.Duration, len(list))
	for i, c := range list {
		if hook, ok := c.(StopHook); ok {
			if err := contained(func() error { own[i] = hook.Stopping(); return nil }); err != nil {
				s.errs = append(s.errs, err)
			}
		}
	}
	for i, c := range slices.Backward(list) {
		err := s.component(c, own[i])
		// A component that used its whole grace period has stopped as asked, so that error is not a failure.
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			s.errs = append(s.errs, err)
		}
	}
}

func (s *stopRun) component(c Component, own time.Duration) error {
	if own <= 0 {
		return s.step(c, s.requestGrace(), cancelGrace+lastChance)
	}
	ctx, cancel := context.WithDeadline(s.ctx, s.begun.Add(max(own, s.api.cfg.StopGrace)))
	defer cancel()
	return s.step(c, ctx, cancelGrace+lastChance)
}

// closeAll stops the initializers, or the parts of the API itself, in reverse order. Together they have Config.StopGrace,
// at least cancelGrace, but not more than the context of the stop. If that has ended, each of them has lastChance.
func (s *stopRun) closeAll(list *startedComponents) {
	whole, cancel := context.WithTimeout(s.ctx, max(s.api.cfg.StopGrace, cancelGrace))
	defer cancel()
	for _, c := range slices.Backward(*list) {
		ctx, cancel := whole, func() {}
		if whole.Err() != nil {
			ctx, cancel = context.WithTimeout(context.WithoutCancel(s.ctx), lastChance)
		}
		if err := s.step(c, ctx, lastChance); err != nil {
			s.errs = append(s.errs, err)
		}
		cancel()
	}
	*list = nil
}

// step stops c. If the Stop of c has not returned when ctx has ended and the time patient has passed, step
// returns an error and waits no longer. The next start waits for it.
func (s *stopRun) step(c Component, ctx context.Context, patient time.Duration) error {
	done := make(chan struct{})
	var err error // belongs to the goroutine until done is closed
	go func() {
		defer close(done)
		err = contained(func() error { return c.Stop(withinLifecycle(ctx, s.api)) })
	}()
	select {
	case <-done:
		return s.stopped(c, err)
	case <-ctx.Done():
	}
	if patience(s.ctx, patient, done) == nil {
		return s.stopped(c, err)
	}
	name := nameOf(c)
	s.api.abandoned = append(s.api.abandoned, abandonedStop{name, done})
	return fmt.Errorf("%s does not stop in its time: the stop goes on without it", name)
}

// stopped adds the report of c, whose Stop has returned err, to the report of the stop.
func (s *stopRun) stopped(c Component, err error) error {
	reporter, ok := c.(StopReporter)
	if !ok {
		return err
	}
	return errors.Join(err, contained(func() error {
		s.report = append(s.report, reporter.StopReport()...)
		return nil
	}))
}
