package actionhero

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// Component is a service that the API starts and stops: a transport that listens, a worker, or a service of the app.
//
// Start returns nil when the component is ready, or an error. Stop returns when all requests of the component have
// finished, or when the context of Stop ends. The API does not wait for a Stop that ignores its context, and reports it
// as an error. A stopped component can start again. If the component also implements [StartHook], [StopHook] or
// [StopReporter], the API calls those methods. A panic in a method is an error of that method.
type Component interface {
	Start(ctx context.Context) error
	Stop(ctx context.Context) error
}

// StartHook is an optional interface of a [Component]. The API calls Started after all components of the API have
// started, when the API is ready. Started must not block.
type StartHook interface {
	Started()
}

// StopHook is an optional interface of a [Component]. The API calls Stopping when a stop begins, before any component
// stops. Stopping must not block. Stopping returns the grace period of the component, counted from the call. The
// context of Component.Stop lasts for at least that grace period. Component.Stop has less time only if the context of
// [API.Stop] ends earlier. The grace period of the other components begins when the first of them stops.
type StopHook interface {
	Stopping() (grace time.Duration)
}

// Reopener is an optional interface of a [Component] with files that another program may move, such as a log. [API.Run]
// and [API.Wait] call Reopen when the process receives SIGHUP or SIGUSR1. Reopen opens the files again.
type Reopener interface {
	Reopen() error
}

// Add adds components to the API. [API.Start] starts the components in the order in which they were added; [API.Stop]
// stops them in reverse order. A component that keeps working while others stop, such as one that listens, is added
// before these others.
//
// A component that an [Initializer.Start] adds starts with the others and belongs to that start alone: the next start
// runs the Initializer again. A component that is added to a started API starts with the next start.
func (api *API) Add(components ...Component) {
	api.registering.Lock()
	defer api.registering.Unlock()
	if api.adding {
		api.addedByStart = append(api.addedByStart, components...)
		return
	}
	api.components = append(api.components, components...)
}

// Start opens the backend, then starts the initializers, then the components, each in the order of their registration, but
// an initializer after those that it needs; see [Initializer]. When Start returns nil, all transports listen. The end of
// ctx cancels the start, and does not concern the started API.
//
// If one of these starts fails, Start stops everything that it has started, and nothing else, and returns the error. The
// API is stopped then, and can be started again. If another process has the folder of the jobs open, Start waits up to ten seconds for its end. If the API is started already, or if a part of the API calls Start during a start or a stop, Start returns an error.
//
// A program may start, stop and restart an API as often as it likes, and have several APIs. Goroutines may call Start,
// [API.Stop] and [API.Restart] at the same time: the calls take effect one after another, in their order. A Stop does
// not wait for the starts before it: it cancels a running start, whose Start or Restart returns an error that is
// [context.Canceled].
func (api *API) Start(ctx context.Context) error {
	leave, err := api.enterLifecycle(ctx, "Start")
	if err != nil {
		return err
	}
	defer leave()
	if api.startedAt.Load() != nil {
		return errors.New("the API is started already: stop it first, or use Restart")
	}
	return api.startOrUndo(ctx)
}

func (api *API) startOrUndo(ctx context.Context) error {
	if err := api.awaitAbandoned(ctx); err != nil {
		return err
	}
	reg := api.registry.Load()
	if err := reg.checkAccess(); err != nil {
		return err
	}
	initializers, err := reg.startOrder()
	if err != nil {
		return err
	}
	ctx, release := api.stops.during(ctx)
	defer release()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if err := api.start(withinLifecycle(ctx, api), initializers); err != nil {
		err = errors.Join(err, api.stop(context.WithoutCancel(ctx)))
		if errors.Is(context.Cause(ctx), errStopCalled) {
			err = errors.Join(errStopCalled, err)
		}
		return err
	}
	return nil
}

func (api *API) start(ctx context.Context, initializers []Initializer) error {
	api.markStarted()
	for _, c := range api.outermostComponents() {
		if err := api.startedOutermost.start(ctx, c); err != nil {
			return err
		}
	}
	if err := api.startedBase.start(ctx, filesComponent{api.Files}); err != nil {
		return err
	}
	if err := api.startedBase.start(ctx, backendComponent{api.cfg.Backend, api.node(), api.log}); err != nil {
		return err
	}
	if api.Cluster.Shared() {
		if err := api.startedBase.start(ctx, &countsComponent{globalCounts: api.Stats.global}); err != nil {
			return err
		}
	}
	if err := api.startInitializers(ctx, initializers); err != nil {
		return err
	}
	for _, c := range api.componentsOfThisStart() {
		if err := api.started.start(ctx, c); err != nil {
			return err
		}
	}
	api.ready.Store(true)
	for _, c := range api.started {
		if hook, ok := c.(StartHook); ok {
			if err := contained(func() error { hook.Started(); return nil }); err != nil {
				return fmt.Errorf("the hook Started of %s: %w", nameOf(c), err)
			}
		}
	}
	return nil
}

// markStarted makes the API count as started and gives this start its own calls and its own channel of Stopping.
func (api *API) markStarted() {
	now := time.Now()
	api.startedAt.Store(&now)
	api.Stats.forgetPorts()
	api.calls.open()
	api.renewSignals()
}

// apiEnd is the end of a started API: a Stop, or a Restart that could not start the API again.
type apiEnd struct {
	done    chan struct{}
	failure error // of the Restart; written before done is closed
}

// renewSignals replaces the channels of a stop that are closed by open ones. A restart keeps the end open, because no
// Stop ends.
func (api *API) renewSignals() {
	if signal := api.stopSignal.Load(); signal == nil || isClosed(*signal) {
		open := make(chan struct{})
		api.stopSignal.Store(&open)
	}
	if end := api.ended.Load(); end == nil || isClosed(end.done) {
		api.ended.Store(&apiEnd{done: make(chan struct{})})
	}
}

func isClosed(signal <-chan struct{}) bool {
	select {
	case <-signal:
		return true
	default:
		return false
	}
}

// startInitializers starts the values of each initializer, then the initializer itself.
func (api *API) startInitializers(ctx context.Context, order []Initializer) error {
	api.setAdding(true)
	defer api.setAdding(false)
	provisions := api.registry.Load().provisions
	for _, in := range order {
		for _, p := range provisions {
			if p.initializer != in.Name {
				continue
			}
			if err := api.startedInitializers.start(ctx, p); err != nil {
				return err
			}
		}
		if err := api.startedInitializers.start(ctx, initializerComponent{in, api}); err != nil {
			return err
		}
	}
	return api.startedInitializers.start(ctx, &checkRuns{api: api})
}

// setAdding makes Add add components for the current start only, or for all starts.
func (api *API) setAdding(forThisStart bool) {
	api.registering.Lock()
	defer api.registering.Unlock()
	if api.adding = forThisStart; forThisStart {
		api.addedByStart = nil
	}
}

func (api *API) outermostComponents() []Component {
	api.registering.Lock()
	defer api.registering.Unlock()
	return slices.Clone(api.outermost)
}

func (api *API) componentsOfThisStart() []Component {
	api.registering.Lock()
	defer api.registering.Unlock()
	added := api.addedByStart
	api.addedByStart = nil
	return slices.Concat(api.components, added)
}

// startedComponents is a list of the components that have started, in the order of their starts.
type startedComponents []Component

// start starts c, unless ctx has ended. If c starts without an error, start appends c to the list.
func (list *startedComponents) start(ctx context.Context, c Component) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if err := contained(func() error { return c.Start(ctx) }); err != nil {
		return err
	}
	*list = append(*list, c)
	return nil
}

// filesComponent and backendComponent are the files and the backend of an API as components, so that a failed start
// closes them only if that start has opened them.
type (
	filesComponent   struct{ files *Files }
	backendComponent struct {
		backend.Backend
		node backend.Node
		log  *slog.Logger
	}
)

func (c filesComponent) Start(context.Context) error { return c.files.open() }
func (c filesComponent) Stop(context.Context) error  { return c.files.close() }

const (
	handoverTime  = 10 * time.Second      // for which a start waits for the process that has the store open
	handoverPause = 50 * time.Millisecond // between two attempts
)

// Start opens the backend. If another process has it open, which may be the predecessor that is still finishing its
// requests, Start tries again until that process has closed it, for at most handoverTime.
func (c backendComponent) Start(ctx context.Context) error {
	err := c.Open(ctx, c.node)
	if errors.Is(err, backend.ErrInUse) {
		c.log.Warn("the start waits for the end of another process", "for", handoverTime.String(), "error", err)
		err = c.await(ctx, err)
	}
	if err != nil {
		return fmt.Errorf("the backend does not open: %w", err)
	}
	return nil
}

// await opens the backend as soon as no other process has it open. inUse is the error of the first attempt.
func (c backendComponent) await(ctx context.Context, inUse error) error {
	pause := time.NewTicker(handoverPause)
	defer pause.Stop()
	for deadline := time.Now().Add(handoverTime); errors.Is(inUse, backend.ErrInUse) && time.Now().Before(deadline); {
		select {
		case <-pause.C:
			inUse = c.Open(ctx, c.node)
		case <-ctx.Done():
			return errors.Join(inUse, ctx.Err())
		}
	}
	return inUse
}

func (c backendComponent) Stop(ctx context.Context) error { return c.Close(ctx) }
