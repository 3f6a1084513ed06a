// Package server builds a complete server from a configuration: one API with its log, its backend and every transport.
//
// Begin with [Load] and [New]. Package cli does both, and adds a command line.
package server

import (
	"context"
	"errors"
	"slices"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/builtin"
	"github.com/actionhero-go/actionhero/internal/contract"
	"github.com/actionhero-go/actionhero/internal/logging"
	"github.com/actionhero-go/actionhero/socketio"
	"github.com/actionhero-go/actionhero/tcp"
	"github.com/actionhero-go/actionhero/transport"
	"github.com/actionhero-go/actionhero/web"
	"github.com/actionhero-go/actionhero/websocket"
	"github.com/actionhero-go/actionhero/worker"
)

// Server is an API with all its transports and the worker that runs its tasks.
type Server struct {
	*actionhero.API
	Web    *web.Server
	TCP    *tcp.Server
	Worker *worker.Worker

	WebSocket *websocket.Handler // nil: off
	SocketIO  *socketio.Handler  // nil: off

	sockets   []socketTransport
	listeners []contract.Listener
}

// New returns a Server with the configuration cfg and the parts of an app. The Server listens after Start. If a setting
// or a part is wrong, the error names that setting or part, and the file and line, or the variable, of the setting.
func New(cfg Config, parts ...actionhero.Part) (*Server, error) {
	file, err := cfg.complete()
	if err != nil {
		return nil, cfg.locate(err)
	}
	s := &Server{}
	if err := s.build(cfg, parts); err != nil {
		return nil, cfg.locate(err)
	}
	if file != nil {
		transport.Of(s.API).AddOutermost(logFile{file})
	}
	return s, nil
}

// NewAPI returns an API with the configuration cfg and the parts of an app, but without transports, worker and control
// socket: after Start it listens on no port and runs no enqueued job. It is for a program that runs actions or tasks
// itself, such as a script. In a cluster it is a node of its own, so cfg.General.ID must differ from the ids of the
// servers. The errors are those of [New].
func NewAPI(cfg Config, parts ...actionhero.Part) (*actionhero.API, error) {
	file, err := cfg.complete()
	if err != nil {
		return nil, cfg.locate(err)
	}
	api, err := actionhero.New(cfg.General, cfg.withExamples(parts)...)
	if err != nil {
		return nil, cfg.locate(err)
	}
	if file != nil {
		transport.Of(api).AddOutermost(logFile{file})
	}
	addSections(api)
	return api, nil
}

// logFile opens the log file at each start, before the backend, and closes it at each stop, after the backend.
type logFile struct{ file logging.File }

// Start implements actionhero.Component. It opens the log file.
func (l logFile) Start(context.Context) error {
	l.file.Open()
	return nil
}

// Reopen implements actionhero.Reopener.
func (l logFile) Reopen() error { return l.file.Reopen() }

// Stop implements actionhero.Component. It closes the log file.
func (l logFile) Stop(context.Context) error { return l.file.Close() }

func (s *Server) build(cfg Config, parts []actionhero.Part) (err error) {
	if s.API, err = actionhero.New(cfg.General, cfg.withExamples(parts)...); err != nil {
		return err
	}
	if s.Web, err = web.New(s.API, web.Config{Common: cfg.CommonWeb, HTTP: cfg.HTTPServer, HTTPS: cfg.HTTPSServer}); err != nil {
		return err
	}
	s.API.Files.Embed(startPage())
	s.TCP = tcp.New(s.API, cfg.TCPServer)
	s.Worker = worker.New(s.API, cfg.Tasks.Config)
	if socket := cfg.Tasks.ControlSocket(); socket != "" {
		s.API.Add(&controller{api: s.API, endpoints: s.Endpoints, path: socket})
	}
	s.API.Add(s.Web, s.TCP)
	// The sockets are added after Web, so that they stop before Web. The reason is that Web waits for the long polls of
	// the sockets.
	if err := errors.Join(s.buildSockets(cfg.WebSockets), s.mountClient(), s.addAsyncAPI(&cfg), s.mountDocs(&cfg)); err != nil {
		return err
	}
	s.API.Add(exposure{s})
	s.API.Add(s.Worker) // the last one stops first: the transports serve while running tasks end
	addSections(s.API)
	return nil
}

// addSections adds the sections "cache" and "queue" to the output of the action `status`.
func addSections(api *actionhero.API) {
	api.Stats.Section("cache", func(ctx context.Context) (any, error) {
		n, err := api.Cache.Size(ctx)
		return struct {
			Objects int `json:"numberOfObjects"`
		}{n}, err
	})
	api.Stats.Section("queue", func(ctx context.Context) (any, error) {
		stats, err := api.Tasks.Stats(ctx)
		queue := struct {
			Length   int      `json:"queueLength"`
			Sleeping []string `json:"sleepingTasks"`
		}{Length: stats.Total.Available}
		for name, counts := range stats.Tasks {
			if counts.Scheduled+counts.Retryable > 0 {
				queue.Sleeping = append(queue.Sleeping, name)
			}
		}
		slices.Sort(queue.Sleeping)
		return queue, err
	})
}

// withExamples returns parts, and the example tasks if tasks.examples is on.
func (c *Config) withExamples(parts []actionhero.Part) []actionhero.Part {
	if !c.Tasks.Examples {
		return parts
	}
	examples := actionhero.Parts{builtin.CleanLogFiles(c.Log.LogFolder, c.Log.LogFile, c.Log.MaxFileSize), builtin.CleanOldCacheObjects, builtin.PingSocketClients}
	return append(parts[:len(parts):len(parts)], examples)
}
