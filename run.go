package actionhero

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"
)

// Component is a service that the API starts and stops: a transport that listens, a worker, or a service of the app.
//
// Start returns nil when the component is ready, or an error. Stop returns when all requests of the component have
// finished, or when the context of Stop ends. A stopped component can start again. If the component also implements
// [StartHook] or [StopHook], the API calls those methods.
type Component interface {
	Start(ctx context.Context) error
	Stop(ctx context.Context) error
}

// StartHook is an optional interface of a [Component]. The API calls Started after all components of the API have
// started. Started must not block.
type StartHook interface {
	Started()
}

// StopHook is an optional interface of a [Component]. The API calls Stopping when a stop begins, before any component
// stops. Stopping must not block. Stopping returns the grace period of the component, counted from the call. The
// context of Component.Stop lasts for at least that grace period. Component.Stop has less time only if the context of
// [API.Stop] ends earlier.
type StopHook interface {
	Stopping() (grace time.Duration)
}

// Reopener is an optional interface of a [Component] with files that another program may move, such as a log. [API.Run]
// and [API.Wait] call Reopen when the process receives SIGHUP or SIGUSR1. Reopen opens the files again.
type Reopener interface {
	Reopen() error
}

// Add adds components to the API. [API.Start] starts the components in the order in which they were added; [API.Stop]
// stops them in reverse order.
func (api *API) Add(components ...Component) {
	api.lifecycle.Lock()
	defer api.lifecycle.Unlock()
	api.components = append(api.components, components...)
}

// Start opens the backend, then starts the initializers, then the components, each in the order of their registration.
// If one of these starts fails, Start stops everything that has started and returns the error. If the API is started
// already, Start returns an error.
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
	api.registering.Lock()
	outermost := slices.Clone(api.outermost)
	api.registering.Unlock()
	for _, c := range outermost {
		if err := api.startedOutermost.start(ctx, c); err != nil {
			return err
		}
	}
	if err := api.Files.open(); err != nil {
		return err
	}
	if err := api.cfg.Backend.Open(ctx); err != nil {
		return fmt.Errorf("the backend does not open: %w", err)
	}
	api.calls.open()
	for _, in := range api.registry.Load().initializers {
		if err := api.startedInitializers.start(ctx, initializerComponent{in, api}); err != nil {
			return err
		}
	}
	for _, c := range api.components {
		if err := api.started.start(ctx, c); err != nil {
			return err
		}
	}
	for _, c := range api.started {
		if hook, ok := c.(StartHook); ok {
			hook.Started()
		}
	}
	return nil
}

// startedComponents is a list of the components that have started, in the order of their starts.
type startedComponents []Component

// start starts c. If c starts without an error, start appends c to the list.
func (list *startedComponents) start(ctx context.Context, c Component) error {
	if err := recovered(func() error { return c.Start(ctx) }); err != nil {
		return err
	}
	*list = append(*list, c)
	return nil
}

// stop stops the components of the list in reverse order and empties the list. limit(i) returns the context that stop
// passes to the component with the index i. stop returns the errors of all components.
func (list *startedComponents) stop(limit func(i int) (context.Context, context.CancelFunc)) (errs []error) {
	for i, c := range slices.Backward(*list) {
		ctx, cancel := limit(i)
		if err := recovered(func() error { return c.Stop(ctx) }); err != nil {
			errs = append(errs, err)
		}
		cancel()
	}
	*list = nil
	return errs
}

// recovered runs fn and turns a panic into an error, so that a panic of one component does not prevent the stop of the
// others.
func recovered(fn func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &panicError{value: p, stack: debug.Stack()}
		}
	}()
	return fn()
}

// Stop stops the components in reverse order, then the initializers in reverse order, then the backend. A transport
// accepts no more connections, finishes its requests in flight and closes its clients. Requests that still run after
// Config.StopGrace, or when ctx ends, are cancelled. If the API is stopped already, Stop returns nil.
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
	detach := context.AfterFunc(grace, api.calls.cancel)
	errs := api.stopComponents(ctx, grace)
	api.calls.close()
	api.calls.wait(grace, api.log)
	uncancelled := context.WithoutCancel(ctx)
	unlimited := func(int) (context.Context, context.CancelFunc) { return uncancelled, func() {} }
	errs = append(errs, api.startedInitializers.stop(unlimited)...)
	detach()
	api.calls.cancel()
	errs = append(errs, api.cfg.Backend.Close(uncancelled), api.Files.close())
	errs = append(errs, api.startedOutermost.stop(unlimited)...)
	api.startedAt.Store(0)
	return errors.Join(errs...)
}

// stopComponents stops the components in reverse order and returns their errors. The context for the stop of a
// component ends when grace ends. If the component's StopHook returned a grace period longer than Config.StopGrace, the
// context ends when that period or ctx ends.
func (api *API) stopComponents(ctx, grace context.Context) (errs []error) {
	begun := time.Now()
	own := make([]time.Duration, len(api.started))
	for i, c := range api.started {
		if hook, ok := c.(StopHook); ok {
			errs = append(errs, recovered(func() error { own[i] = hook.Stopping(); return nil }))
		}
	}
	stopErrs := api.started.stop(func(i int) (context.Context, context.CancelFunc) {
		if own[i] > api.cfg.StopGrace {
			return context.WithDeadline(ctx, begun.Add(own[i]))
		}
		return grace, func() {}
	})
	// A component that used its whole grace period has stopped as asked, so that error is not a failure.
	stopErrs = slices.DeleteFunc(stopErrs, func(err error) bool { return errors.Is(err, context.DeadlineExceeded) })
	return append(errs, stopErrs...)
}

// Restart stops the API and starts it again with the same parts and the same configuration. If the stop fails, Restart
// returns the error and does not start the API.
func (api *API) Restart(ctx context.Context) error {
	if err := api.Stop(ctx); err != nil {
		return err
	}
	return api.Start(ctx)
}
