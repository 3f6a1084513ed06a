// Package socketio serves actions and rooms to the stock Socket.IO clients of versions 3 and 4, over HTTP long-polling
// and WebSocket. It implements Socket.IO protocol 5; package internal/engine implements Engine.IO protocol 4 below it.
// Begin reading at [Handler], then client.Message.
//
// Mount a [Handler] at /socket.io/ of a web server. The default namespace is the only one, and a client must connect to
// it. The answer to an event is the acknowledgement if the client requests one, otherwise the event response:
//
//	socket.emit("action", {action: "randomNumber"}, (answer) => …)   // {"context":"response",…,"error":false}
//	socket.emit("say", {message: "hi"})                               // the others in the room get the event say
//	socket.emit("roomChange", {room: "lobby"}), roomAdd, roomLeave, roomView, detailsView
//	socket.emit("quit"), exit, close                                  // the server disconnects
//
// No params are kept between requests. Actions of one client run concurrently, so answers may overtake each other. All
// other events run one after the other, in the order in which they came.
package socketio

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/setting"
	"github.com/actionhero-go/actionhero/socketio/internal/engine"
	"github.com/actionhero-go/actionhero/transport"
)

// Handler is the transport. It is an [http.Handler] to mount at /socket.io/, and a Component to add to the API. All methods
// except Start and Stop may be called concurrently.
type Handler struct {
	api transport.Host
	cfg Config

	serving atomic.Pointer[serving] // nil while stopped

	requests atomic.Int64
	clients  atomic.Int64
}

// serving is the state of a handler between Start and Stop.
type serving struct {
	*Handler
	engine  *engine.Engine
	ctx     context.Context // the base of every request's context
	cancel  context.CancelFunc
	leaving sync.WaitGroup // goroutines that remove clients from their rooms
}

// New returns the transport of api. Until Start, it answers all requests except for the script with status 503.
func New(api *actionhero.API, cfg Config) *Handler {
	setting.Fill(&cfg)
	return &Handler{api: transport.Of(api), cfg: cfg}
}

// Start begins to serve. If settings are invalid, it returns an error that names them.
func (h *Handler) Start(ctx context.Context) error {
	origins, err := h.cfg.check()
	if err != nil {
		return err
	}
	if origins.Any() {
		h.api.Log().Warn("webSockets.origins has *: pages of any site may connect, with their visitors' cookies")
	}
	v := &serving{Handler: h}
	v.ctx, v.cancel = context.WithCancel(context.WithoutCancel(ctx))
	v.engine = engine.New(engine.Config{
		PingInterval: h.cfg.PingInterval, PingTimeout: h.cfg.PingTimeout, UpgradeTimeout: h.cfg.UpgradeTimeout,
		MessageTimeout: h.cfg.MessageTimeout, WriteTimeout: h.cfg.WriteTimeout,
		MaxPayload: h.cfg.MaxHTTPBufferSize, MaxInFlight: h.cfg.MaxInFlight, MaxDetached: h.cfg.MaxDetached,
		MaxMessages: h.cfg.MaxQueued, MaxBytes: h.cfg.MaxQueuedLen,
		Log: h.api.Log(), Origins: origins, RemoteIP: h.cfg.RemoteIP, Open: v.open,
	})
	h.serving.Store(v)
	return nil
}

// Stop refuses new clients and requests, waits for the requests in flight, and closes the connections in a way after which
// stock clients reconnect automatically. If ctx is done earlier, Stop cancels the requests, closes the connections at once
// and returns the error of ctx. The handler can be started again.
func (h *Handler) Stop(ctx context.Context) error {
	v := h.serving.Swap(nil)
	if v == nil {
		return nil
	}
	err := v.engine.Stop(ctx, v.cancel)
	v.cancel()
	if err == nil {
		v.leaving.Wait()
	}
	return err
}

// ServeHTTP answers a request of the protocol or for the client script.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/"+scriptName) {
		serveScript(w, r)
		return
	}
	v := h.serving.Load()
	if v == nil {
		http.Error(w, "the server is not started", http.StatusServiceUnavailable)
		return
	}
	v.engine.ServeHTTP(w, r)
}

// Requests returns how many events the handler has received since New.
func (h *Handler) Requests() int64 { return h.requests.Load() }

// Clients returns the number of connected clients.
func (h *Handler) Clients() int { return int(h.clients.Load()) }

func (v *serving) open(s *engine.Session) engine.Client { return newClient(v, s) }

func (v *serving) log() *slog.Logger { return v.api.Log() }
