package actionhero

import (
	"context"
	"fmt"
)

// Initializer adds parts, middleware, accepted params or components to an API when the Initializer is registered. An
// Initializer can also open and close a resource, such as a database pool, when the API starts and stops.
type Initializer struct {
	Name  string                                    // for logs and errors; required
	Setup func(api *API) error                      // runs once, in [New] or when it is registered; an error undoes the registration; must not wait for another goroutine that calls Register; default: nothing
	Start func(ctx context.Context, api *API) error // runs at each start, before anything listens; default: nothing
	Stop  func(ctx context.Context, api *API) error // runs at each stop, after the transports have stopped; default: nothing
}

func (in Initializer) register(r *registry) error {
	if in.Name == "" {
		return fmt.Errorf("an initializer has no name: set Name, so that logs and errors can say which it is")
	}
	for _, other := range r.initializers {
		if other.Name == in.Name {
			return fmt.Errorf("two initializers are named %q: rename one, or register it once", in.Name)
		}
	}
	r.initializers = append(r.initializers, in)
	return nil
}

// setUp calls the Setup of each registered initializer whose Setup has not run yet. If a Setup registers more
// initializers, setUp calls theirs, too.
func (api *API) setUp() error {
	for {
		initializers := api.registry.Load().initializers
		if api.setupDone == len(initializers) {
			return nil
		}
		in := initializers[api.setupDone]
		api.setupDone++
		if in.Setup == nil {
			continue
		}
		if err := contained(func() error { return runSetup(in, api) }); err != nil {
			return fmt.Errorf("initializer %q: %w", in.Name, err)
		}
	}
}

// runSetup calls a Setup. enterRegistration looks for its name.
func runSetup(in Initializer, api *API) error { return in.Setup(api) }

// enterRegistration waits until no other goroutine registers parts: the Setups of one registration must not see half of
// another one, whose failure undoes what has been added since it began. The caller must call leave at the end. A Setup
// that registers more parts belongs to the registration that has called it, and does not wait.
func (api *API) enterRegistration() (leave func()) {
	select {
	case api.registrations <- struct{}{}:
	default:
		if calledBy("actionhero.runSetup") {
			return func() {}
		}
		api.registrations <- struct{}{}
	}
	return func() { <-api.registrations }
}

// initializerComponent wraps an Initializer as a [Component], so that the API starts and stops the Initializer like a
// component. The errors of the Initializer include its name.
type initializerComponent struct {
	in  Initializer
	api *API
}

func (c initializerComponent) Start(ctx context.Context) error {
	if c.in.Start == nil {
		return nil
	}
	if err := contained(func() error { return c.in.Start(ctx, c.api) }); err != nil {
		return fmt.Errorf("initializer %q does not start: %w", c.in.Name, err)
	}
	return nil
}

func (c initializerComponent) Stop(ctx context.Context) error {
	if c.in.Stop == nil {
		return nil
	}
	if err := contained(func() error { return c.in.Stop(ctx, c.api) }); err != nil {
		return fmt.Errorf("initializer %q does not stop: %w", c.in.Name, err)
	}
	return nil
}
