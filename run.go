package actionhero

import (
	"context"
	"errors"
	"fmt"
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
// context of Component.Stop does not end before that grace period, unless the context of [API.Stop] ends.
type StopHook interface {
	Stopping() (grace time.Duration)
}

// Add adds components to the API. [API.Start] starts the components in the order in which they were added; [API.Stop]
// stops them in reverse order.
func (api *API) Add(components ...Component) {
	api.lifecycle.Lock()
	defer api.lifecycle.Unlock()
	api.components = append(api.components, components...)
}

// Start opens the backend, then starts the initializers, then the components, each in the order of their registration.
// If one of them fails, Start stops those that have started and returns the error. If the API is started already, Start
// returns an error.
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
	api.calls.open()
	for _, in := range api.registry.Load().initializers {
		if err := startInto(ctx, &api.startedFirst, initializerComponent{in, api}); err != nil {
			return err
		}
	}
	for _, c := range api.components {
		if err := startInto(ctx, &api.started, c); err != nil {
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

// startInto starts c. If c starts without an error, startInto appends c to started, the list of components that a stop
// must stop.
func startInto(ctx context.Context, started *[]Component, c Component) error {
	if err := c.Start(ctx); err != nil {
		return err
	}
	*started = append(*started, c)
	return nil
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
	for i := len(api.startedFirst) - 1; i >= 0; i-- {
		errs = append(errs, api.startedFirst[i].Stop(uncancelled))
	}
	api.startedFirst = nil
	detach()
	api.calls.cancel()
	errs = append(errs, api.cfg.Backend.Close(uncancelled), api.Files.close())
	api.startedAt.Store(0)
	for _, fn := range api.afterStop {
		errs = append(errs, fn())
	}
	return errors.Join(errs...)
}

// stopComponents stops the components in reverse order and returns their errors. The context of each component's Stop
// ends with grace, or later if the component's StopHook asks for more time.
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

// Restart stops the API and starts it again with the same parts and the same configuration. If the stop fails, Restart
// returns the error and does not start the API.
func (api *API) Restart(ctx context.Context) error {
	if err := api.Stop(ctx); err != nil {
		return err
	}
	return api.Start(ctx)
}
