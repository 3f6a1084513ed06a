package actionhero

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/actionhero-go/actionhero/internal/command"
	"github.com/actionhero-go/actionhero/internal/schema"
)

// registry holds the registered parts, middleware and accepted params of an API. A registry that an API uses is
// immutable, so requests read it without a lock. A registration changes a copy, which then replaces the registry of the
// API.
type registry struct {
	actions      map[string]*action
	families     map[string][]*action  // the versions of the actions that have some, by their plain names: the newest first
	versions     map[string]*action    // the same actions by the names of their versions
	own          map[string]*action    // those of the framework, which no list has; an action of the app comes first
	routes       map[string]takenRoute // by their keys
	tasks        map[string]*task
	nodeCalls    map[string]*nodeCall
	events       map[string]*event
	taskNames    []string // the keys of tasks, sorted
	accepted     acceptSet
	free         acceptSet // the accepted keys that no action need declare
	strict       bool      // the API or an action refuses unknown params
	secrets      map[string]schema.Secrets
	initializers []ownedInitializer
	owner        string // the initializer whose Setup runs
	provisions   []provision
	uses         []use
	checks       []*healthCheck
	fault        error // of a Setup that runs; see provide
	middleware   []Middleware
	handler      Handler // the API's middleware around runAction
	rooms        roomHooks
	roomRules    []roomAccess // of which each has a function in rooms.join
	conns        []ConnMiddleware
	streams      []StreamMiddleware

	authenticators []Authenticator
	schemes        []SecurityScheme
	defaultAccess  *Access        // nil: the app has not said it
	extensions     []any          // the values of parts made by transport.Part
	sections       map[string]any // pointers to the settings of each registered Section, by name

	loadedSections map[string]any // Config.Sections; never changed
}

// takenRoute is a route of a registered action.
type takenRoute struct{ text, action string }

// specialParams are the keys of the params that every request may carry, even if no action declares them.
var specialParams = []string{"callback", "action", "limit", "offset", "outputType"}

func newRegistry(loadedSections map[string]any) *registry {
	r := &registry{
		actions: map[string]*action{}, families: map[string][]*action{}, versions: map[string]*action{}, own: map[string]*action{}, routes: map[string]takenRoute{}, tasks: map[string]*task{}, nodeCalls: map[string]*nodeCall{}, events: map[string]*event{}, accepted: acceptSet{}, free: acceptSet{}, secrets: map[string]schema.Secrets{}, handler: runAction,
		sections: map[string]any{}, loadedSections: loadedSections,
	}
	for _, key := range specialParams {
		r.accepted[key], r.free[key] = key, key
	}
	return r
}

func (r *registry) clone() *registry {
	return &registry{
		actions: maps.Clone(r.actions), families: maps.Clone(r.families), versions: maps.Clone(r.versions), own: maps.Clone(r.own), routes: maps.Clone(r.routes), tasks: maps.Clone(r.tasks), nodeCalls: maps.Clone(r.nodeCalls), events: maps.Clone(r.events), taskNames: r.taskNames, accepted: maps.Clone(r.accepted), free: maps.Clone(r.free), strict: r.strict, secrets: maps.Clone(r.secrets),
		initializers: slices.Clone(r.initializers), owner: r.owner, provisions: slices.Clone(r.provisions), uses: slices.Clone(r.uses), checks: slices.Clone(r.checks), fault: r.fault,
		middleware: slices.Clone(r.middleware), handler: r.handler,
		rooms: r.rooms.clone(), roomRules: slices.Clone(r.roomRules), conns: slices.Clone(r.conns), streams: slices.Clone(r.streams), authenticators: slices.Clone(r.authenticators), schemes: r.schemes, defaultAccess: r.defaultAccess, extensions: slices.Clone(r.extensions),
		sections: maps.Clone(r.sections), loadedSections: r.loadedSections,
	}
}

func (r *registry) addAction(act *action) error {
	name := act.info.Name
	if command.Reserved(name) {
		return fmt.Errorf("action name %q is reserved: it is a command of the persistent transports; choose another", name)
	}
	if other, taken := r.actions[name]; taken && (!act.versioned || !other.versioned) {
		return fmt.Errorf("two actions are named %q: rename one, register it once, or give each a Version of its own", name)
	}
	if err := r.checkAgents(&act.info); err != nil {
		return err
	}
	for _, pattern := range act.routes {
		key := pattern.Key()
		if other, taken := r.routes[key]; taken && other.action != name {
			return fmt.Errorf("actions %q and %q have the same route: %q and %q match the same requests; change one", other.action, name, other.text, pattern)
		}
		r.routes[key] = takenRoute{pattern.String(), name}
	}
	if act.versioned {
		if err := r.addVersion(act); err != nil {
			return err
		}
	} else {
		r.actions[name] = act
	}
	r.strict = r.strict || act.strict
	for _, in := range act.input.Fields() {
		if r.accepted[in.Name] == "" {
			key := strings.Clone(in.Name)
			r.accepted[key] = key
		}
	}
	r.hide(act.input)
	act.input.Release()
	return nil
}

// action returns the action with this name, such as "NAME" or "v2/NAME", or nil.
func (r *registry) action(name string) *action {
	if act := r.actions[name]; act != nil {
		return act
	}
	if act := r.own[name]; act != nil {
		return act
	}
	return r.versions[name]
}

// ownPart registers the actions of a part as those of the framework.
type ownPart struct{ Part }

func (o ownPart) register(r *registry) error {
	alone := newRegistry(nil)
	if err := o.Part.register(alone); err != nil {
		return err
	}
	maps.Copy(r.own, alone.actions)
	return nil
}

// hide adds the secret parts of the inputs of an action or a task to those of the inputs with the same names.
func (r *registry) hide(input *schema.Input) {
	for _, in := range input.Fields() {
		switch {
		case in.Secrets.Whole():
			r.secrets[in.Name] = schema.AllSecret
		case len(in.Secrets) > 0 && !r.secrets[in.Name].Whole():
			r.secrets[in.Name] = append(slices.Clip(r.secrets[in.Name]), in.Secrets...)
		}
	}
}

func (r *registry) addTask(t *task) error {
	name := t.info.Name
	if _, taken := r.tasks[name]; taken {
		return fmt.Errorf("two tasks are named %q: rename one, or register it once", name)
	}
	r.tasks[name] = t
	at, _ := slices.BinarySearch(r.taskNames, name)
	r.taskNames = slices.Insert(slices.Clone(r.taskNames), at, name)
	r.hide(t.act.input)
	t.act.input.Release()
	return nil
}

// change calls fn with a copy of the registry, and makes that copy the registry of the API. If fn fails, change returns
// the error and the registry stays as it was.
func (api *API) change(fn func(*registry) error) error {
	api.registering.Lock()
	defer api.registering.Unlock()
	next := api.registry.Load().clone()
	if err := fn(next); err != nil {
		return err
	}
	api.registry.Store(next)
	return nil
}

// Register adds parts to the API: actions, tasks, events, node calls, initializers, room middlewares and lists of them. Then it calls the
// Setup of each new initializer. If a part is wrong or a Setup fails, Register returns an error that names the part in a
// full sentence. It then undoes all that it and these Setups have added to the API. Several goroutines may call Register:
// the calls wait for each other.
func (api *API) Register(parts ...Part) error {
	leave := api.enterRegistration()
	defer leave()
	undo := api.registered()
	err := api.change(Parts(parts).register)
	if err == nil {
		err = api.setUp()
	}
	if err != nil {
		undo()
	}
	return err
}

// registered returns a function that removes all that is added to the API after the call of registered.
func (api *API) registered() (undo func()) {
	api.registering.Lock()
	defer api.registering.Unlock()
	before, done, outermost, components := api.registry.Load(), api.setupDone, len(api.outermost), len(api.components)
	return func() {
		api.registering.Lock()
		defer api.registering.Unlock()
		api.registry.Store(before)
		api.setupDone = done
		api.outermost, api.components = slices.Delete(api.outermost, outermost, len(api.outermost)), slices.Delete(api.components, components, len(api.components))
	}
}

// Use adds middleware that wraps every action, on every transport, and every task. The middleware that was added first
// is the outermost.
func (api *API) Use(middleware ...Middleware) {
	_ = api.change(func(r *registry) error {
		r.middleware = append(r.middleware, middleware...)
		r.handler = chain(r.middleware, runAction)
		return nil
	})
}

// Accept adds keys to the set of params that every request may carry. Use Accept for params that no action declares as
// an input, for example a session token that a middleware reads. For secret values see [API.AcceptSecret].
func (api *API) Accept(keys ...string) { api.accept(false, keys) }

// AcceptSecret adds keys in the same way as [API.Accept]. Logs and answers show the values of these keys as
// "[FILTERED]".
func (api *API) AcceptSecret(keys ...string) { api.accept(true, keys) }

func (api *API) accept(secret bool, keys []string) {
	_ = api.change(func(r *registry) error {
		for _, key := range keys {
			r.accepted[key], r.free[key] = key, key
			if secret {
				r.secrets[key] = schema.AllSecret
			}
		}
		return nil
	})
}

// Actions returns descriptions of all registered actions, sorted by name. The versions of an action follow each other, the
// newest first.
func (api *API) Actions() []ActionInfo { return api.registry.Load().describeActions(&api.cfg) }
