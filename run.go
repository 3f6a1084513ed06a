package actionhero

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Component is what an API starts and stops: a transport that listens, a worker, a thing of the user's own.
// Start returns when it is ready (or failed); Stop returns when it has finished what was in flight, or when its
// context ends, which is the end of the grace. A component must be able to start again after a stop.
type Component interface {
	Start(ctx context.Context) error
	Stop(ctx context.Context) error
}

// StartHook is an optional interface of a [Component]. Started is called after all components of the API have started. It
// must not block.
type StartHook interface {
	Started()
}

// StopHook is an optional interface of a [Component]. Stopping is called when a stop begins, before any component stops.
// It must not block. The context of Stop ends no earlier than grace from then on, unless the context of the whole stop
// does.
type StopHook interface {
	Stopping() (grace time.Duration)
}

// Add adds components. They start in the order in which they were added and stop in the reverse order.
func (api *API) Add(components ...Component) {
	api.lifecycle.Lock()
	defer api.lifecycle.Unlock()
	api.components = append(api.components, components...)
}

// Start opens the backend, starts the initializers and then the components, in order. If one fails, those that had
// started are stopped again and its error is returned. Starting a started API is an error.
func (api *API) Start(ctx context.Context) error {
	api.lifecycle.Lock()
	defer api.lifecycle.Unlock()
	if api.startedAt.Load() != 0 {
		return errors.New("the API is started already: stop it first, or use Restart")
	}
	if err := api.start(ctx); err != nil {
		return errors.Join(err, api.stop(context.WithoutCancel(ctx)))
	}
	return nil
}

func (api *API) start(ctx context.Context) error {
	api.startedAt.Store(time.Now().UnixMilli())
	api.Stats.forgetPorts()
	if err := api.Files.open(); err != nil {
		return err
	}
	if err := api.cfg.Backend.Open(ctx); err != nil {
		return fmt.Errorf("the backend does not open: %w", err)
	}
	api.gate.Lock()
	api.closed = false
	api.calls, api.cancelCalls = context.WithCancel(context.Background())
	api.gate.Unlock()
	for _, in := range api.registry.Load().initializers {
		if in.Start != nil {
			if err := in.Start(ctx, api); err != nil {
				return fmt.Errorf("initializer %q does not start: %w", in.Name, err)
			}
		}
		api.begun = append(api.begun, in)
	}
	for _, c := range api.components {
		if err := c.Start(ctx); err != nil {
			return err
		}
		api.started = append(api.started, c)
	}
	for _, c := range api.started {
		if hook, ok := c.(StartHook); ok {
			hook.Started()
		}
	}
	return nil
}

// Stop stops in an orderly way: the components in reverse order (each stops accepting, finishes what is in flight,
// says goodbye to its clients), then the initializers, then the backend. Requests still at work after
// Config.StopGrace, or when ctx ends, are cancelled. Stopping a stopped API does nothing.
func (api *API) Stop(ctx context.Context) error {
	api.lifecycle.Lock()
	defer api.lifecycle.Unlock()
	if api.startedAt.Load() == 0 {
		return nil
	}
	return api.stop(ctx)
}

func (api *API) stop(ctx context.Context) error {
	grace, cancel := context.WithTimeout(ctx, api.cfg.StopGrace)
	defer cancel()
	cancelLate := context.AfterFunc(grace, api.cancelCalls)
	errs := api.stopComponents(ctx, grace)
	api.gate.Lock()
	api.closed = true
	api.gate.Unlock()
	api.waitForCalls(grace)
	for i := len(api.begun) - 1; i >= 0; i-- {
		if in := api.begun[i]; in.Stop != nil {
			if err := in.Stop(context.WithoutCancel(ctx), api); err != nil {
				errs = append(errs, fmt.Errorf("initializer %q does not stop: %w", in.Name, err))
			}
		}
	}
	api.begun = nil
	cancelLate()
	api.cancelCalls()
	errs = append(errs, api.cfg.Backend.Close(context.WithoutCancel(ctx)), api.Files.close())
	api.startedAt.Store(0)
	return errors.Join(errs...)
}

// stopComponents stops what has started, in reverse order, each within grace or, if it needs longer, within its own.
func (api *API) stopComponents(ctx, grace context.Context) (errs []error) {
	begun := time.Now()
	own := make([]time.Duration, len(api.started))
	for i, c := range api.started {
		if hook, ok := c.(StopHook); ok {
			own[i] = hook.Stopping()
		}
	}
	for i := len(api.started) - 1; i >= 0; i-- {
		limit, cancel := grace, context.CancelFunc(func() {})
		if own[i] > api.cfg.StopGrace {
			limit, cancel = context.WithDeadline(ctx, begun.Add(own[i]))
		}
		if err := api.started[i].Stop(limit); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			errs = append(errs, err)
		}
		cancel()
	}
	api.started = nil
	return errs
}

// calledLate is how long a call may take to notice that it was cancelled before the stop goes on without it.
const calledLate = 5 * time.Second

// waitForCalls waits until no call is at work; after the grace it has cancelled them and waits a little longer.
func (api *API) waitForCalls(grace context.Context) {
	done := make(chan struct{})
	go func() {
		api.inFlight.Wait()
		close(done)
	}()
	select {
	case <-done:
		return
	case <-grace.Done():
	}
	select {
	case <-done:
	case <-time.After(calledLate):
		api.log.Warn("some actions ignore that their context was cancelled; the stop goes on without them")
	}
}

// enter counts a call in, unless the API has stopped taking calls.
// The context ends the calls that outlive the grace of a stop.
func (api *API) enter() (calls context.Context, ok bool) {
	api.gate.RLock()
	defer api.gate.RUnlock()
	if api.closed {
		return nil, false
	}
	api.inFlight.Add(1)
	return api.calls, true
}

// Restart stops and starts again, with the same parts and configuration.
func (api *API) Restart(ctx context.Context) error {
	if err := api.Stop(ctx); err != nil {
		return err
	}
	return api.Start(ctx)
}
