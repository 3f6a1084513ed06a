package actionhero

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
)

// lifecycleKey is the key under which the context of a part that starts or stops holds its *lifecycleStep.
type lifecycleKey struct{}

// lifecycleStep is one start, stop or restart of an API.
type lifecycleStep struct {
	api   *API
	ended atomic.Bool
}

// enterLifecycle begins a start, a stop or a restart, and waits until no other runs. The caller must call leave at the
// end. If enterLifecycle would wait for its own caller, it returns an error: a part must not start or stop the API during
// a start or a stop, and a request must not stop its own API. method is the called method of API.
func (api *API) enterLifecycle(ctx context.Context, method string) (leave func(), err error) {
	if step, _ := ctx.Value(lifecycleKey{}).(*lifecycleStep); step != nil && step.api == api && !step.ended.Load() {
		return nil, errWaitsForItself(method, "a part that starts or stops")
	}
	if method != "Start" && api.isRequest(ctx) {
		return nil, errWaitsForItself(method, "an action, a task or a hook")
	}
	select {
	case api.lifecycle <- struct{}{}:
	default:
		if calledBy("actionhero.runContained") {
			return nil, errWaitsForItself(method, "a part that starts or stops")
		}
		if api.isRequest(ctx) { // the running stop waits for it
			return nil, errWaitsForItself(method, "an action, a task or a hook")
		}
		if method == "Stop" {
			api.stops.begin()
			defer api.stops.end()
		}
		select {
		case api.lifecycle <- struct{}{}:
		case <-ctx.Done():
			return nil, fmt.Errorf("%s of the API waits for another start or stop: %w", method, ctx.Err())
		}
	}
	step := &lifecycleStep{api: api}
	api.step.Store(step)
	return func() {
		step.ended.Store(true)
		<-api.lifecycle
	}, nil
}

// errStopCalled is in the error of a start that a Stop has cancelled.
var errStopCalled = fmt.Errorf("a Stop was called during the start: %w", context.Canceled)

// waitingStops cancels each start while a Stop waits for its turn: without that, a Stop would wait for a start that
// never ends. The calls for the lifecycle get their turns in order, so no start after the Stop is cancelled.
type waitingStops struct {
	mu      sync.Mutex
	waiting int
	cancel  context.CancelCauseFunc // of the running start; nil: there is none
}

func (w *waitingStops) begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting++
	if w.cancel != nil {
		w.cancel(errStopCalled)
	}
}

func (w *waitingStops) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting--
}

// during returns a context for a start. The caller calls release at the end of the start.
func (w *waitingStops) during(ctx context.Context) (starting context.Context, release func()) {
	starting, cancel := context.WithCancelCause(ctx)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cancel = cancel; w.waiting > 0 {
		cancel(errStopCalled)
	}
	return starting, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.cancel = nil
		cancel(nil)
	}
}

func errWaitsForItself(method, who string) error {
	return fmt.Errorf("%s of the API was called by %s, and would wait for its own caller: call it in a goroutine of its own, with context.Background()", method, who)
}

// isRequest reports whether a request or a job of this API calls, so that a stop would wait for its caller. A caller
// that does not pass its context is known by its stack.
func (api *API) isRequest(ctx context.Context) bool {
	if req := RequestFrom(ctx); req != nil {
		return req.API == api
	}
	if api.hooks.Load() > 0 && calledBy("actionhero.runHook") {
		return true
	}
	return calledBy("actionhero.(*API).call") && (api.calls.current().count() > 0 || calledBy("actionhero.(*workerHost).RunJob"))
}

// withinLifecycle returns a context that marks the calls of parts during the current start or stop of api.
func withinLifecycle(ctx context.Context, api *API) context.Context {
	return context.WithValue(ctx, lifecycleKey{}, api.step.Load())
}

// calledBy reports whether the function whose full name ends with name has called, directly or not.
func calledBy(name string) bool {
	pcs := make([]uintptr, 1024)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	for {
		frame, more := frames.Next()
		if strings.HasSuffix(frame.Function, name) {
			return true
		}
		if !more {
			return false
		}
	}
}

// contained runs fn, code of an app, in a goroutine of its own and returns the error of fn. A panic of fn and an end of
// its goroutine are errors, so that one part cannot keep the others from their start or stop.
func contained(fn func() error) error {
	result := make(chan error, 1)
	go runContained(fn, result)
	return <-result
}

var errPartExited = errors.New("it ended its goroutine with runtime.Goexit; in a test, a t.Fatal does that")

// recovered runs fn and turns a panic into an error.
func recovered(fn func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &panicError{value: p, stack: debug.Stack()}
		}
	}()
	return fn()
}

func runContained(fn func() error, result chan<- error) {
	err := errPartExited
	defer func() { result <- err }()
	err = recovered(fn)
}

// abandonedStop is the stop of a component that did not end in its time.
type abandonedStop struct {
	name string
	done <-chan struct{}
}

// awaitAbandoned waits until the stops that an earlier stop has abandoned have ended. It returns an error if one of them
// does not end within cancelGrace, because a component must not start during its stop.
func (api *API) awaitAbandoned(ctx context.Context) error {
	for len(api.abandoned) > 0 {
		first := api.abandoned[0]
		if patience(ctx, cancelGrace, first.done) != nil {
			return fmt.Errorf("the API does not start, because %s has not ended its last stop yet: try again later", first.name)
		}
		api.abandoned = api.abandoned[1:]
	}
	return nil
}

// nameOf names a component in an error.
func nameOf(c Component) string {
	switch c := c.(type) {
	case initializerComponent:
		return fmt.Sprintf("initializer %q", c.in.Name)
	case provision:
		return fmt.Sprintf("the %v of initializer %q", c.typ, c.initializer)
	case *checkRuns:
		return "a health check"
	case filesComponent:
		return "the folder of files"
	case backendComponent:
		return fmt.Sprintf("the backend %T", c.Backend)
	}
	return fmt.Sprintf("the component %T", c)
}
