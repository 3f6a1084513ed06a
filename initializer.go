package actionhero

import (
	"context"
	"fmt"
)

// Initializer adds parts, middleware, accepted params, values or components to an API when the Initializer is registered.
// An Initializer can also open and close a resource, such as a database pool, when the API starts and stops. If other
// parts read that resource, the Setup calls [Provide] for it, and [Use] for each value of another initializer.
//
// Initializers start in the order of their registration, but each one after those that it needs: the providers of the
// values that its Setup uses, and the initializers in After. They stop in reverse order. If one of them does not start,
// those that have started are stopped, in reverse order.
type Initializer struct {
	Name  string                                    // for logs and errors, and for After; required
	After []string                                  // names of initializers that start before this one and stop after it; default: none
	Parts Parts                                     // further parts that are registered with this one; default: none
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
	owner := r.owner
	r.initializers = append(r.initializers, ownedInitializer{in, owner})
	r.owner = in.Name
	err := in.Parts.register(r)
	r.owner = owner
	return err
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
		outer := api.own(in.Name)
		if err := contained(func() error { return runSetup(in.Initializer, api) }); err != nil {
			return fmt.Errorf("initializer %q: %w", in.Name, err)
		}
		if err := api.registry.Load().fault; err != nil {
			return err
		}
		api.own(outer)
	}
}

// own makes the initializer name the owner of the parts, needs and values that are registered next. It returns the previous
// owner. After an error, the undo of the registration restores the owner.
func (api *API) own(name string) (previous string) {
	_ = api.change(func(r *registry) error {
		previous, r.owner = r.owner, name
		return nil
	})
	return previous
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
