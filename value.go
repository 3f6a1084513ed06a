package actionhero

import (
	"context"
	"fmt"
	"path"
	"reflect"
	"runtime"
	"slices"
	"sync/atomic"
)

// Value reads a value that an [Initializer] provides, such as a database pool. [Use] and [Provide] return it, one for each
// API; [ValueOf] returns one for a test. Copies read the same value.
type Value[T any] struct{ slot *slot[T] }

// slot holds the value of one type of one API. All Values of this type and API share it.
type slot[T any] struct{ value atomic.Pointer[T] }

// Get returns the value. It costs two reads of memory, and takes no lock. After a stop of the API, Get returns the value
// that was stopped, until the next start replaces it. Get panics before the first start of the value, and for the zero
// Value.
func (v Value[T]) Get() T {
	if v.slot != nil {
		if p := v.slot.value.Load(); p != nil {
			return *p
		}
	}
	panic(tooEarly[T]())
}

func tooEarly[T any]() string {
	return fmt.Sprintf("the value %v has not started yet: read it in an action, a task or a hook, or in the Start of an initializer whose Setup calls actionhero.Use[%[1]v]", reflect.TypeFor[T]())
}

// ValueOf returns a Value that always reads value. A test passes it to a constructor of parts that takes a Value.
func ValueOf[T any](value T) Value[T] {
	s := &slot[T]{}
	s.value.Store(&value)
	return Value[T]{s}
}

// Provide declares that the initializer whose Setup calls it provides a value of type T, for all parts of this API that
// call [Use] with the same T. An API has one value of each type. If a second initializer provides a T, the registration
// fails; to have two values of one type, give one of them a type of its own.
//
// At each start of the API, start makes the value, before Initializer.Start and after all that the initializer needs. At
// each stop, stop closes it, after Initializer.Stop; nil closes nothing. A value whose start has failed is not stopped.
//
// Provide panics outside an [Initializer.Setup].
func Provide[T any](api *API, start func(ctx context.Context) (T, error), stop func(ctx context.Context, value T) error) Value[T] {
	if api.registry.Load().owner == "" || !calledBy("actionhero.runSetup") {
		panic(fmt.Sprintf("actionhero.Provide[%v] was called outside a Setup: call it in Initializer.Setup, which gives the value an owner", reflect.TypeFor[T]()))
	}
	s := slotOf[T](api)
	_ = api.change(func(r *registry) error {
		r.provide(provision{initializer: r.owner, typ: reflect.TypeFor[T](), start: s.starter(start), stop: s.stopper(stop)})
		return nil
	})
	return Value[T]{s}
}

// Use returns the value of type T that an initializer of the API provides with [Provide]. In an [Initializer.Setup], Use
// also declares that this initializer, and the initializers that it registers, need the value: they start after the
// initializer that provides it and stop before it. If no initializer provides a T, [API.Start] returns an error that names T and the caller of Use.
//
// The value itself is there during and after [API.Start]; see [Value.Get].
func Use[T any](api *API) Value[T] {
	v := Value[T]{slotOf[T](api)}
	inSetup := api.registry.Load().owner != "" && calledBy("actionhero.runSetup")
	if !inSetup && api.startedAt.Load() != nil {
		return v // no start will check it
	}
	u := use{typ: reflect.TypeFor[T]()}
	if !inSetup {
		_, file, line, _ := runtime.Caller(1)
		u.place = fmt.Sprintf("%s:%d", path.Base(file), line)
	}
	_ = api.change(func(r *registry) error {
		if inSetup {
			u.initializer = r.owner
		}
		if !slices.Contains(r.uses, u) {
			r.uses = append(r.uses, u)
		}
		return nil
	})
	return v
}

// use is a call of [Use]: in the Setup of an initializer, or at another place.
type use struct {
	typ                reflect.Type
	initializer, place string
}

func (u use) String() string {
	if u.initializer != "" {
		return fmt.Sprintf("initializer %q", u.initializer)
	}
	return u.place
}

// provision is a call of [Provide]. It is a [Component] that starts and stops the value.
type provision struct {
	initializer string
	typ         reflect.Type
	start, stop func(ctx context.Context) error
}

// Start implements Component.
func (p provision) Start(ctx context.Context) error {
	if err := contained(func() error { return p.start(ctx) }); err != nil {
		return fmt.Errorf("initializer %q does not start its %v: %w", p.initializer, p.typ, err)
	}
	return nil
}

// Stop implements Component.
func (p provision) Stop(ctx context.Context) error {
	if err := contained(func() error { return p.stop(ctx) }); err != nil {
		return fmt.Errorf("initializer %q does not stop its %v: %w", p.initializer, p.typ, err)
	}
	return nil
}

func slotOf[T any](api *API) *slot[T] {
	s, _ := api.slots.LoadOrStore(reflect.TypeFor[T](), &slot[T]{})
	return s.(*slot[T])
}

func (s *slot[T]) starter(start func(ctx context.Context) (T, error)) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		value, err := start(ctx)
		if err == nil {
			s.value.Store(&value)
		}
		return err
	}
}

func (s *slot[T]) stopper(stop func(ctx context.Context, value T) error) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		if stop == nil {
			return nil
		}
		return stop(ctx, *s.value.Load())
	}
}

// provide adds p. Of two providers of one type, the error of the second one is kept for setUp, because Provide returns
// no error.
func (r *registry) provide(p provision) {
	if other, ok := r.providerOf(p.typ); ok {
		if r.fault == nil {
			r.fault = fmt.Errorf("initializers %q and %q both provide a %v: remove one of them, or give one of the values a type of its own", other.initializer, p.initializer, p.typ)
		}
		return
	}
	r.provisions = append(r.provisions, p)
}

func (r *registry) providerOf(typ reflect.Type) (provision, bool) {
	if i := slices.IndexFunc(r.provisions, func(p provision) bool { return p.typ == typ }); i >= 0 {
		return r.provisions[i], true
	}
	return provision{}, false
}
