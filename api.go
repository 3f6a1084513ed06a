package actionhero

import (
	"context"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/actionhero-go/actionhero/internal/appbody"
	"github.com/actionhero-go/actionhero/internal/bytebudget"
	"github.com/actionhero-go/actionhero/internal/sendqueue"
)

// API is one node: it holds the registered parts, the rooms, the cache, the tasks and the transports of one server.
// [New] returns an API without transports. server.New builds a server from a configuration; the API of that server has
// all transports.
type API struct {
	Rooms   *Rooms   // chat rooms of all persistent transports
	Conns   *Conns   // persistent connections by their ids, in the whole cluster
	Cluster *Cluster // the other nodes
	Cache   *Cache   // values by key, with expiry
	Tasks   *Tasks   // background work
	Files   *Files   // static files
	Stats   *Stats   // the report of the action status

	cfg                   Config
	tag                   uint32 // of this process; a part of the ids of its connections
	log                   *slog.Logger
	limiter               *limiter
	queues                *sendqueue.Budget
	incoming              *bytebudget.Budget
	abandonedBodies       *bytebudget.Budget // see appbody.Options
	farewells             farewells
	limitJSON, offsetJSON []byte

	registering sync.Mutex
	registry    atomic.Pointer[registry]
	slots       sync.Map // of the values: the *slot by the reflect.Type

	components, outermost []Component // see API.Add and transport.Host.AddOutermost; guarded by registering
	adding                bool        // Add adds to addedByStart; guarded by registering
	addedByStart          []Component // guarded by registering

	checkRuns atomic.Pointer[checkRuns] // nil while stopped

	lifecycle chan struct{} // holds a value during a start or a stop, which uses the fields below
	stops     waitingStops  // those that wait for lifecycle
	step      atomic.Pointer[lifecycleStep]
	abandoned []abandonedStop

	registrations chan struct{} // holds a value during a Register, which uses the field below
	setupDone     int           // how many initializers have run their Setup

	startedOutermost, startedBase, startedInitializers, started startedComponents

	startedAt  atomic.Pointer[time.Time] // nil while stopped; a time of the monotonic clock
	ready      atomic.Bool
	stopSignal atomic.Pointer[chan struct{}] // closed when a stop begins
	ended      atomic.Pointer[apiEnd]
	leaving    atomic.Pointer[context.Context] // ends when a Run or a Wait begins its stop; nil: there is none

	deprecated deprecatedCalls

	calls  callGate
	expiry expiry

	streams streamSet
	hooks   atomic.Int64 // running calls of API.hook
}

// New returns a stopped API with the given configuration and parts. The API has no transports: add some with [API.Add],
// then call [API.Start]. If a setting or a part is wrong, the error is a full sentence that names the wrong setting or
// part.
func New(cfg Config, parts ...Part) (*API, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	api := &API{
		cfg: cfg, tag: newTag(), log: cfg.Log,
		limitJSON: strconv.AppendInt(nil, int64(cfg.DefaultLimit), 10), offsetJSON: strconv.AppendInt(nil, int64(cfg.DefaultOffset), 10),
	}
	api.calls.open()
	api.lifecycle, api.registrations = make(chan struct{}, 1), make(chan struct{}, 1)
	api.renewSignals()
	api.queues, api.incoming = sendqueue.NewBudget(cfg.MaxQueuedBytes), bytebudget.New(cfg.MaxIncomingBytes)
	api.abandonedBodies = bytebudget.New(appbody.MaxAbandoned)
	reg := newRegistry(cfg.Sections)
	if err := reg.addInternalCalls(); err != nil {
		return nil, err
	}
	api.registry.Store(reg)
	api.Cluster, api.Conns = newCluster(api, cfg.Backend.Cluster()), &Conns{api}
	api.Cache = newCache(cfg.Backend.Store())
	api.Rooms = newRooms(api, cfg.Backend.Broker())
	api.Tasks = &Tasks{api: api, queue: cfg.Backend.Queue()}
	api.Files = newFiles(&cfg)
	api.Stats = newStats(api)
	if cfg.RequestLimit > 0 {
		api.limiter = newLimiter(cfg.RequestLimit, cfg.RequestLimitWindow)
		api.Use(api.limiter.middleware)
	}
	if err := api.Register(parts...); err != nil {
		return nil, err
	}
	return api, nil
}

// Config returns a copy of the API's configuration. Unset settings have their default values in that copy.
func (api *API) Config() Config { return api.cfg }

// Log returns the logger of this API: Config.Log, or slog.Default() if Config.Log is nil.
func (api *API) Log() *slog.Logger { return api.log }

// Uptime returns the time since the last start of the API, or 0 while the API is stopped. A change of the wall clock does
// not change it.
func (api *API) Uptime() time.Duration {
	at := api.startedAt.Load()
	if at == nil {
		return 0
	}
	return time.Since(*at)
}
