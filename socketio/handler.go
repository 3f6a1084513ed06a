// Package socketio serves actions and rooms to the stock Socket.IO clients of versions 3 and 4, over HTTP long-polling
// and WebSocket. It implements Socket.IO protocol 5 on top of Engine.IO protocol 4, which package internal/engine
// implements. Begin reading at [Handler], then client.Message.
//
// Mount a [Handler] at /socket.io/ of a web server. A client must connect to the default namespace; there is no other
// namespace. If the client requests an acknowledgement of an event, the acknowledgement is the answer. Otherwise the
// answer is the event "response":
//
//	socket.emit("action", {action: "randomNumber"}, (answer) => …)   // {"context":"response",…,"error":false}
//	socket.emit("say", {message: "hi"})                               // other clients in the room get the event "say"
//	socket.emit("roomChange", {room: "lobby"}), roomAdd, roomLeave, roomView, detailsView
//	socket.emit("quit"), exit, close                                  // the server disconnects the client
//
// For an action that takes idempotency keys, the member "idempotencyKey" of its argument is the key.
//
// The server keeps no params between requests. Actions of one client run concurrently, so answers may overtake each
// other. All other events of a client run one after the other, in the order in which the events came.
package socketio

import (
	"context"
	"log/slog"
	"math"
	"net/http"
	"net/netip"
	"net/textproto"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/browserguard"
	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/setting"
	"github.com/actionhero-go/actionhero/socketio/internal/engine"
	"github.com/actionhero-go/actionhero/transport"
)

// Handler is the Socket.IO transport. It is an [http.Handler] to mount at /socket.io/, and an actionhero.Component to
// add to the API. All methods except Start and Stop may be called concurrently.
type Handler struct {
	api transport.Host
	cfg Config

	serving atomic.Pointer[serving]       // nil while stopped
	running atomic.Pointer[engine.Engine] // answers calls of other nodes; nil while stopped, but not while it is being stopped
	nodes   nodes

	requests atomic.Int64
	clients  atomic.Int64
}

// serving is the state that a Handler has only between Start and Stop.
type serving struct {
	*Handler
	engine  *engine.Engine
	origins browserguard.Origins
	ctx     context.Context // parent of each request's context
	cancel  context.CancelFunc
	leaving sync.WaitGroup // goroutines that remove clients from their rooms
}

// New returns a Handler for the actions of api. Until Start, the Handler serves only the client script and answers all
// other requests with status 503.
func New(api *actionhero.API, cfg Config) *Handler {
	setting.Fill(&cfg)
	h := &Handler{api: transport.Of(api), cfg: cfg}
	h.nodes.join(h)
	return h
}

// Start makes the Handler accept clients. If settings are invalid, Start returns an error that names the invalid
// settings.
func (h *Handler) Start(ctx context.Context) error {
	origins, err := h.cfg.check()
	if err != nil {
		return err
	}
	v := &serving{Handler: h, origins: origins}
	v.ctx, v.cancel = context.WithCancel(context.WithoutCancel(ctx))
	v.engine = engine.New(engine.Config{
		PingInterval: h.cfg.PingInterval, PingTimeout: h.cfg.PingTimeout, UpgradeTimeout: h.cfg.UpgradeTimeout,
		MessageTimeout: h.cfg.MessageTimeout, WriteTimeout: h.cfg.WriteTimeout,
		MaxPayload: h.cfg.MaxHTTPBufferSize, MaxInFlight: h.cfg.MaxInFlight, MaxDetached: h.cfg.MaxDetached, MaxPerAddress: h.cfg.MaxPerAddress,
		MaxMessages: h.cfg.MaxQueued, MaxBytes: h.cfg.MaxQueuedLen, Budget: h.api.SendBudget(), Incoming: h.api.IncomingBudget(),
		Nodes: h.nodes, MaxForwarded: h.cfg.MaxForwarded, Log: h.api.Log(), Origins: origins, RemoteIP: h.cfg.RemoteIP, Open: v.open, Refuse: v.refuse,
	})
	h.running.Store(v.engine)
	h.serving.Store(v)
	return nil
}

// Stop refuses new clients and requests, waits for the requests in flight, and then closes the connections. Stock
// clients reconnect automatically after this. If ctx ends before all connections are closed, Stop cancels the running
// requests, closes the remaining connections at once and returns the error of ctx. After Stop, the Handler can be
// started again.
func (h *Handler) Stop(ctx context.Context) error {
	v := h.serving.Swap(nil)
	if v == nil {
		return nil
	}
	err := v.engine.Stop(ctx, v.cancel)
	h.running.Store(nil)
	v.cancel()
	if err == nil {
		v.leaving.Wait()
	}
	return err
}

// ServeHTTP serves the client script at a path that ends in "/socket.io.js", "/socket.io.min.js" or
// "/socket.io.esm.min.js". It answers all other requests according to the Socket.IO protocol, or with status 503 while
// the handler is not started.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if name := lastElement(r.URL.Path); strings.HasPrefix(name, scriptPrefix) {
		serveScript(w, r, name)
		return
	}
	v := h.serving.Load()
	if v == nil {
		http.Error(w, "the server is not started", http.StatusServiceUnavailable)
		return
	}
	v.engine.ServeHTTP(w, r)
}

// Requests returns the number of events that the handler has received since New.
func (h *Handler) Requests() int64 { return h.requests.Load() }

// Clients returns the number of connected clients.
func (h *Handler) Clients() int { return int(h.clients.Load()) }

func (v *serving) open(s *engine.Session, r *http.Request) engine.Client {
	query := r.URL.Query()
	c := newClient(v, s, *v.cfg.Positions && query.Get("positions") == "follow")
	if v.api.MeetsConns() {
		c.hello = &actionhero.Handshake{Header: textproto.MIMEHeader(v.origins.Credentials(r)), Query: query, TLS: v.origins.TLS(r)}
	}
	return c
}

// refuse implements engine.Config.Refuse. It counts the opening of a session as a request of the client. If the client
// has used up its allowance, refuse answers with the status 429.
func (v *serving) refuse(w http.ResponseWriter, remote netip.AddrPort) bool {
	_, err := v.api.Admit(remote.Addr().Unmap().String())
	if err == nil {
		return false
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Retry-After", strconv.FormatInt(int64(math.Ceil(err.RetryAfter.Seconds())), 10))
	w.WriteHeader(http.StatusTooManyRequests)
	_, _ = w.Write(append(transport.AppendError(jsonx.AppendString([]byte(`{"error":`), err.Message), err), '}'))
	return true
}

func (v *serving) log() *slog.Logger { return v.api.Log() }
