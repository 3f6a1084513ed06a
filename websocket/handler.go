// Package websocket serves actions and rooms over plain WebSocket, for browsers and apps without Socket.IO. Each
// message is one JSON object:
//
//	> {"event":"action","id":1,"params":{"action":"cacheTest","key":"k","value":"v"}}
//	< {"context":"response","cacheTestResults":{…},"error":false,"id":1}
//	> {"event":"roomChange","id":2,"room":"lobby"}
//	> {"event":"say","id":"three","message":"hello"}
//
// The events are "action", "say", "roomView", "roomChange", "roomAdd", "roomLeave", "detailsView" and "quit". An action
// gets only the params of its own message: unlike package tcp, package websocket keeps no params for later requests.
// Requests of one connection run concurrently, so replies may overtake each other. Each reply repeats the "id" of its
// request, a string or a number, byte for byte, or its "messageId", which no output of an action has. An action may also have the member "idempotencyKey". If an action returns bytes, for example a file, the member "content" of
// the reply has them in base64. A key that an event has not is an error.
//
// Begin reading at session.message, which handles one message. Frames, pings and the closing handshake are in package
// internal/ws.
//
// Invariants: the handler closes a client that does not read, does not complete a message in time or sends too long a
// message. The client receives a close code and a reason. No client delays another client. An idle connection has one
// goroutine and no buffer.
package websocket

import (
	"context"
	"errors"
	"math"
	"net/http"
	"net/netip"
	"net/textproto"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/browserguard"
	"github.com/actionhero-go/actionhero/internal/connloop"
	"github.com/actionhero-go/actionhero/internal/setting"
	"github.com/actionhero-go/actionhero/internal/ws"
	"github.com/actionhero-go/actionhero/transport"
)

// Handler is the WebSocket transport. It is an actionhero.Component and the [http.Handler] that upgrades connections.
// Create a Handler with [New].
type Handler struct {
	api       transport.Host
	cfg       Config
	options   ws.Options
	refusals  browserguard.Refusals
	configErr error // returned by Start

	mu       sync.Mutex
	sessions map[*session]struct{}
	clients  atomic.Int64    // the sessions whose client has not left
	ctx      context.Context // parent of each request's context; nil: the handler is not started
	cancel   context.CancelFunc
	pool     *connloop.Pool

	requests atomic.Int64
}

// New returns a Handler for the actions of api. The Handler accepts connections after api.Add(handler) and api.Start.
func New(api *actionhero.API, cfg Config) *Handler {
	setting.Fill(&cfg)
	h := &Handler{api: transport.Of(api), cfg: cfg, sessions: map[*session]struct{}{}}
	h.options, h.configErr = cfg.options()
	h.options.SendQueue.Budget, h.options.Incoming = h.api.SendBudget(), h.api.IncomingBudget()
	return h
}

// Start makes the handler accept connections. It returns an error if a setting is out of range or an origin is invalid.
func (h *Handler) Start(ctx context.Context) error {
	if h.configErr != nil {
		return h.configErr
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ctx, h.cancel = context.WithCancel(context.WithoutCancel(ctx))
	h.pool = connloop.NewPool(h.ctx, h.cfg.MaxInFlight)
	return nil
}

// ServeHTTP upgrades the connection of the request to WebSocket and starts a session. If the upgrade fails, the
// response has an error status and the reason as text. The status is 503 if the handler is not started, 403 if the
// origin of the page is not allowed, and 429 if the client has used up its allowance of requests.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	serving := h.ctx != nil
	h.mu.Unlock()
	if !serving {
		http.Error(w, reasonStopping, http.StatusServiceUnavailable)
		return
	}
	remote := ws.Remote(r, h.cfg.RemoteIP)
	ss := &session{handler: h, ip: remote.Addr().Unmap().String()}
	if r.URL.RawQuery != "" {
		query := r.URL.Query()
		ss.follows, ss.places = query.Get("rooms") == "follow", *h.cfg.Positions && query.Get("positions") == "follow"
	}
	if _, err := h.api.Admit(ss.ip); err != nil {
		w.Header().Set("Retry-After", strconv.FormatInt(int64(math.Ceil(err.RetryAfter.Seconds())), 10))
		http.Error(w, err.Message, http.StatusTooManyRequests)
		return
	}
	if err := ss.ws.Upgrade(w, r, &h.options, remote.Addr(), ss.doesNotRead); err != nil {
		h.api.Log().Debug("a WebSocket was not opened", "to", ss.ip, "reason", err.Error())
		if errors.Is(err, ws.ErrOrigin) {
			h.refusals.Warn(h.api.Log(), "pages are refused: their origin is not in webSockets.origins", "origin", browserguard.Shown(r.Header.Get("Origin")), "host", browserguard.Shown(r.Host), "to", ss.ip)
		}
		return
	}
	if h.api.MeetsConns() {
		ss.hello = &actionhero.Handshake{Header: textproto.MIMEHeader(h.options.Origins.Credentials(r)), Query: r.URL.Query(), TLS: h.options.Origins.TLS(r)}
	}
	h.open(ss, remote)
}

const reasonStopping = "the server is stopping"

// open starts the session ss of a client with the address remote. If the handler has been stopped, open closes the
// connection of ss instead.
func (h *Handler) open(ss *session, remote netip.AddrPort) {
	if !h.serve(ss, remote) {
		ss.ws.Reject(ws.StopCode(), reasonStopping)
	}
}

// serve registers the session ss and starts its goroutine. It returns false if the handler has been stopped.
func (h *Handler) serve(ss *session, remote netip.AddrPort) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ctx == nil {
		return false
	}
	ss.loop.Init(h.pool, ss, &ss.ws.Out)
	h.sessions[ss] = struct{}{}
	h.clients.Add(1)
	h.pool.Go(func() { ss.serve(remote) })
	return true
}

func (h *Handler) remove(ss *session) {
	ss.uncount()
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.sessions, ss)
}

// Clients returns the number of connected clients.
func (h *Handler) Clients() int { return int(h.clients.Load()) }

// Requests returns the number of messages that clients have sent since New.
func (h *Handler) Requests() int64 { return h.requests.Load() }

// Stop refuses new connections, waits for the requests in flight, and closes each connection with the code 1001 (going
// away), or 1012 (service restart) if another process has taken the place of this one. If ctx ends before all connections are closed, Stop cancels the running requests, closes all connections at
// once and returns the error of ctx.
func (h *Handler) Stop(ctx context.Context) error {
	h.mu.Lock()
	if h.ctx == nil {
		h.mu.Unlock()
		return nil
	}
	pool, cancel := h.pool, h.cancel
	h.ctx = nil
	code := ws.StopCode()
	h.each(func(ss *session) { ss.ws.Stop(code, reasonStopping) })
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

// each calls do for each session. The caller must hold h.mu.
func (h *Handler) each(do func(*session)) {
	for ss := range h.sessions {
		do(ss)
	}
}
