package actionhero

import (
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// API is one node: the registered parts, the rooms, the cache, the tasks and the transports that serve them. Make one with
// [New], or with server.New, which also brings the transports and reads the configuration.
type API struct {
	Rooms *Rooms // chat rooms over all persistent transports
	Cache *Cache // key and value, with expiry
	Tasks *Tasks // work in the background
	Files *Files // the static files
	Stats *Stats // what the action status shows

	cfg                   Config
	log                   *slog.Logger
	limiter               *limiter
	limitJSON, offsetJSON []byte

	registering sync.Mutex
	registry    atomic.Pointer[registry]

	lifecycle    sync.Mutex // one Start or Stop at a time
	components   []Component
	started      []Component
	startedFirst []Component  // the initializers that have started
	setupDone    int          // how many initializers have had their Setup
	startedAt    atomic.Int64 // Unix milliseconds; 0 while stopped

	calls callGate
}

// New makes an API of its configuration and parts. It listens to nothing: add transports with [API.Add], then
// [API.Start] it. The error says in a full sentence what is wrong with the configuration or with a part.
func New(cfg Config, parts ...Part) (*API, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	api := &API{
		cfg: cfg, log: cfg.Log,
		limitJSON: strconv.AppendInt(nil, int64(cfg.DefaultLimit), 10), offsetJSON: strconv.AppendInt(nil, int64(cfg.DefaultOffset), 10),
	}
	api.calls.open()
	api.registry.Store(newRegistry())
	api.Cache = &Cache{store: cfg.Backend.Store()}
	api.Rooms = newRooms(api, cfg.Backend.Broker())
	api.Tasks = &Tasks{api: api, queue: cfg.Backend.Queue()}
	api.Files = newFiles(cfg.FlatFileDirectory)
	api.Stats = &Stats{api: api}
	if cfg.RequestLimit > 0 {
		api.limiter = newLimiter(cfg.RequestLimit, cfg.RequestLimitWindow)
		api.Use(api.limiter.middleware)
	}
	if err := api.Register(parts...); err != nil {
		return nil, err
	}
	return api, nil
}

// Config returns the configuration in force, defaults filled in.
func (api *API) Config() Config { return api.cfg }

// Log returns the logger of this API.
func (api *API) Log() *slog.Logger { return api.log }

// Uptime returns for how long the API has been started; 0 while it is stopped.
func (api *API) Uptime() time.Duration {
	at := api.startedAt.Load()
	if at == 0 {
		return 0
	}
	return time.Since(time.UnixMilli(at))
}
