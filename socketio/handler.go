// Package socketio serves actions and rooms to the stock Socket.IO clients of versions 3 and 4, over HTTP long-polling
// and WebSocket: Socket.IO protocol 5, on Engine.IO protocol 4, which is in internal/engine.
//
// A [Handler] is mounted at /socket.io/ of a web server. A client is connected once it has connected to the default
// namespace; there are no others. What it emits is answered by an event named response, or, if it asks for an
// acknowledgement, by that alone:
//
//	socket.emit("action", {action: "randomNumber"}, (answer) => …)   // {"context":"response",…,"error":false}
//	socket.emit("say", {message: "hi"})                               // the others in the room get the event say
//	socket.emit("roomChange", {room: "lobby"}), roomAdd, roomLeave, roomView, detailsView
//	socket.emit("quit"), exit, close                                  // the server disconnects
//
// Each request's params stand alone. Requests of one client run side by side, so answers may overtake each other, while
// what concerns rooms is done in the order in which it was asked for.
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

// Handler is the transport: an [http.Handler] to mount at /socket.io/, and a Component to add to the API.
type Handler struct {
	api transport.Host
	cfg Config

	serving atomic.Pointer[serving] // nil: stopped

	requests atomic.Int64
	clients  atomic.Int64
}

// serving is what there is between a start and a stop.
type serving struct {
	*Handler
	engine  *engine.Engine
	ctx     context.Context // the base of every request's context
	cancel  context.CancelFunc
	leaving sync.WaitGroup // clients that are being disconnected
}

// New makes the transport. It answers 503 until it is started, except for the client's script.
func New(api *actionhero.API, cfg Config) *Handler {
	setting.Fill(&cfg)
	return &Handler{api: transport.Of(api), cfg: cfg}
}

// Start begins to serve. It fails, saying which, if a setting is out of range.
func (h *Handler) Start(ctx context.Context) error {
	origins, err := h.cfg.check()
	if err != nil {
		return err
	}
	if origins.Any() {
		h.api.Log().Warn("webSockets.origins has *: the pages of every site may connect as their visitors, cookies included")
	}
	v := &serving{Handler: h}
	v.ctx, v.cancel = context.WithCancel(context.WithoutCancel(ctx))
	v.engine = engine.New(engine.Config{
		PingInterval: h.cfg.PingInterval, PingTimeout: h.cfg.PingTimeout, UpgradeTimeout: h.cfg.UpgradeTimeout,
		MessageTimeout: h.cfg.MessageTimeout, WriteTimeout: h.cfg.WriteTimeout,
		MaxPayload: h.cfg.MaxHTTPBufferSize, MaxInFlight: h.cfg.MaxInFlight, MaxAbsent: h.cfg.MaxAbsent,
		MaxMessages: h.cfg.MaxQueued, MaxBytes: h.cfg.MaxQueuedLen,
		Log: h.api.Log(), Origins: origins, RemoteIP: h.cfg.RemoteIP, Open: v.open,
	})
	h.serving.Store(v)
	return nil
}

// Stop takes no new clients and requests, lets the requests in flight finish, and ends the connections in such a way
// that the clients come back by themselves. When ctx ends before that, it cuts the connections.
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

// ServeHTTP answers a request of the protocol, or for the client's script.
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

// Requests returns how many requests clients have made since the handler was made.
func (h *Handler) Requests() int64 { return h.requests.Load() }

// Clients returns how many clients are connected.
func (h *Handler) Clients() int { return int(h.clients.Load()) }

// open makes the client of a new session.
func (v *serving) open(s *engine.Session) engine.Client { return newClient(v, s) }

func (v *serving) log() *slog.Logger { return v.api.Log() }
