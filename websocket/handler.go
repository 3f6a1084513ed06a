// Package websocket serves actions and rooms over plain WebSocket, for browsers and apps without Socket.IO: each message
// is one JSON object.
//
//	> {"event":"action","id":1,"params":{"action":"cacheTest","key":"k","value":"v"}}
//	< {"context":"response","cacheTestResults":{…},"error":false,"id":1}
//	> {"event":"roomChange","id":2,"room":"lobby"}
//	> {"event":"say","id":"three","message":"hello"}
//
// The events are action, say, roomView, roomChange, roomAdd, roomLeave, detailsView and quit. Each request stands alone:
// no params are kept. Requests of one connection run side by side, so answers may overtake each other; each carries the
// id of its request, a string or a number, as it came. Bytes, such as files, are for HTTP.
package websocket

import (
	"context"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/connloop"
	"github.com/actionhero-go/actionhero/internal/setting"
	"github.com/actionhero-go/actionhero/internal/ws"
	"github.com/actionhero-go/actionhero/transport"
)

// Handler is the transport: a Component to add to an API, and the [http.Handler] that upgrades connections.
type Handler struct {
	api     transport.Host
	cfg     Config
	options ws.Options
	invalid error // what is wrong with the configuration

	mu       sync.Mutex
	sessions map[*session]struct{}
	ctx      context.Context // the base of every request's context; nil while it does not serve
	cancel   context.CancelFunc
	pool     *connloop.Pool

	requests atomic.Int64
}

// New makes the transport. It serves while the API runs.
func New(api *actionhero.API, cfg Config) *Handler {
	setting.Fill(&cfg)
	h := &Handler{api: transport.Of(api), cfg: cfg, sessions: map[*session]struct{}{}}
	h.options, h.invalid = cfg.options()
	return h
}

// Start makes the handler serve. It fails if a setting is out of range.
func (h *Handler) Start(ctx context.Context) error {
	if h.invalid != nil {
		return h.invalid
	}
	if h.options.Origins.Any() {
		h.api.Log().Warn("webSockets.origins has *: pages of any site may connect, with their visitors' cookies")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pool = connloop.NewPool(h.cfg.MaxInFlight)
	h.ctx, h.cancel = context.WithCancel(context.WithoutCancel(ctx))
	return nil
}

// ServeHTTP opens a WebSocket, or says in a sentence why it cannot be.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	serving := h.ctx != nil
	h.mu.Unlock()
	if !serving {
		http.Error(w, errStopping, http.StatusServiceUnavailable)
		return
	}
	remote := ws.Remote(r, h.cfg.RemoteIP)
	ss := &session{handler: h, ip: remote.Addr().Unmap().String()}
	if err := ss.ws.Upgrade(w, r, &h.options, ss.doesNotRead); err != nil {
		h.api.Log().Debug("a WebSocket was not opened", "to", ss.ip, "reason", err.Error())
		return
	}
	h.open(ss, remote)
}

const errStopping = "the server is stopping"

func (h *Handler) open(ss *session, remote netip.AddrPort) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ctx == nil {
		ss.ws.Close(ws.GoingAway, errStopping)
		return
	}
	ss.ctx = h.ctx
	ss.loop.Init(h.pool, ss, &ss.ws.Out)
	h.sessions[ss] = struct{}{}
	h.pool.Go(func() { ss.serve(remote) })
}

func (h *Handler) forget(ss *session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.sessions, ss)
}

// Clients returns how many clients are connected.
func (h *Handler) Clients() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.sessions)
}

// Requests returns how many messages clients have sent since the program began.
func (h *Handler) Requests() int64 { return h.requests.Load() }

// Stop opens no more connections, lets the requests in flight finish, tells the clients that the server goes away and
// closes them. When ctx ends before that, it closes them as they are.
func (h *Handler) Stop(ctx context.Context) error {
	h.mu.Lock()
	if h.ctx == nil {
		h.mu.Unlock()
		return nil
	}
	pool, cancel := h.pool, h.cancel
	h.ctx = nil
	h.each(func(ss *session) { ss.ws.Stop(ws.GoingAway, errStopping) })
	h.mu.Unlock()
	defer cancel()
	done := make(chan struct{})
	go func() {
		pool.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	cancel()
	h.mu.Lock()
	h.each(func(ss *session) { ss.ws.CloseNow() })
	h.mu.Unlock()
	return ctx.Err()
}

// each calls do for each connection; the lock is held.
func (h *Handler) each(do func(*session)) {
	for ss := range h.sessions {
		do(ss)
	}
}
