// Package engine implements the server side of Engine.IO protocol 4. Begin reading at [Engine.ServeHTTP], then
// [Session].
//
// A session carries messages in both directions between the server and one client. It begins over HTTP long-polling or
// over a WebSocket, and a polling client may upgrade the session to a WebSocket later.
//
// In long-polling, an HTTP GET waits until the server has something to send, and a POST brings the packets of the
// client. The character 0x1e separates packets in one body. Over WebSocket, each packet is a message. A packet is a
// digit, which is the packet's type, followed by the data.
//
// The server sends a ping PingInterval after the previous pong and closes the session if no pong comes within
// PingTimeout. The server has no other way to detect that a polling client has vanished.
//
// A polling session needs a few hundred bytes of memory. While a GET waits, the session also needs the goroutine of
// this HTTP request. While no GET waits, a bounded queue holds the messages for the client.
//
// In a cluster, the long-polling requests of a session may reach any node, which forwards them to the node of the session:
// see [Nodes].
//
// Invariants: a session has at most one waiting GET, one running POST and one WebSocket. Client.Message is never called
// concurrently for one session. A goroutine that needs the locks of a session and of the engine must lock the session
// first.
package engine

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero/internal/browserguard"
	"github.com/actionhero-go/actionhero/internal/bytebudget"
	"github.com/actionhero-go/actionhero/internal/connloop"
	"github.com/actionhero-go/actionhero/internal/netlisten"
	"github.com/actionhero-go/actionhero/internal/sendqueue"
	"github.com/actionhero-go/actionhero/internal/ws"
)

// Config holds the settings of an Engine. The caller of [New] must set every field, because no field has a default.
// Only Nodes, Budget, Incoming, RemoteIP and Refuse may be nil.
type Config struct {
	PingInterval   time.Duration      // time between a pong and the next ping
	PingTimeout    time.Duration      // time within which a client must answer a ping
	UpgradeTimeout time.Duration      // time within which an upgrade to WebSocket must be complete
	WriteTimeout   time.Duration      // time within which a WebSocket client must read 16 KiB
	MessageTimeout time.Duration      // time within which a WebSocket message must be complete
	MaxPayload     int                // largest body of a POST, or WebSocket message, in bytes
	MaxInFlight    int                // requests of one session that run at a time
	MaxMessages    int                // messages that may wait for a client
	MaxBytes       int                // bytes that may wait for a client
	MaxDetached    int                // sessions that may be without a connection; one more closes the session that has had none for the longest time
	MaxPerAddress  int                // sessions that one client address may have; 0 or less: no limit
	MaxForwarded   int                // requests that Nodes forward at a time
	Nodes          Nodes              // the other nodes of the cluster; nil: there are none
	Budget         *sendqueue.Budget  // limits the bytes that wait for all clients; nil: no limit
	Incoming       *bytebudget.Budget // limits the bytes of incomplete messages of all clients; nil: no limit
	Log            *slog.Logger
	Origins        browserguard.Origins
	RemoteIP       func(*http.Request) string           // returns the client's address behind trusted proxies; nil: there are no proxies
	Open           func(*Session, *http.Request) Client // returns the Client of a new session, which was opened by this request

	// Refuse answers a request that opens a session, and returns true, if the client has used up its allowance of
	// requests. If Refuse is nil, there is no such allowance.
	Refuse func(w http.ResponseWriter, remote netip.AddrPort) bool
}

// Client receives the messages of one session. Config.Open returns the Client of each new session.
type Client interface {
	// Message handles one message and returns the request to run for the message, or nil. No two calls of Message run
	// at the same time, and the engine reads nothing from the session while Message runs. data is valid until the
	// request has run. If Message returns nil, data is valid until the next message.
	Message(data []byte, binary bool) connloop.Request
	// Closed is called once, when the session closes. Calls of Message and requests may still be running at that time.
	// Closed must not block, and must not call a method of the session. reason says why the engine has closed the session;
	// it is empty if the client has ended it.
	Closed(reason string)
}

// Engine holds the sessions of all clients. An Engine is the [http.Handler] of the only URL path of the protocol.
type Engine struct {
	cfg      Config
	socket   ws.Options
	refusals browserguard.Refusals

	mu        sync.Mutex
	sessions  map[string]*Session
	addresses map[netip.Prefix]int // sessions by client address, with those that are being opened
	detached  list
	pinger    pinger
	stopping  bool // new sessions and POSTs are refused
	stopped   bool // all HTTP requests are refused

	forwards forwards
	pool     *connloop.Pool // of the WebSockets
	handlers sync.WaitGroup // running HTTP requests
	posts    sync.WaitGroup // running POSTs, and the requests in them
}

// New returns an Engine with the settings in cfg. The Engine serves clients until [Engine.Stop].
func New(cfg Config) *Engine {
	e := &Engine{cfg: cfg, sessions: map[string]*Session{}, addresses: map[netip.Prefix]int{}, pool: connloop.NewPool(context.Background(), cfg.MaxInFlight), socket: ws.Options{
		Origins:    cfg.Origins,
		SendQueue:  sendqueue.Config{MaxMessages: cfg.MaxMessages, MaxBytes: cfg.MaxBytes, WriteTimeout: cfg.WriteTimeout, Budget: cfg.Budget},
		MaxMessage: cfg.MaxPayload, Incoming: cfg.Incoming, MessageTimeout: cfg.MessageTimeout, CloseTimeout: closeTimeout,
	}}
	e.detached.links = linksDetached
	e.forwards.init()
	e.pinger.init(e.pingDueSessions)
	return e
}

// failure is an error code of the protocol. The server sends it in the response to an invalid HTTP request.
type failure int

const (
	unknownTransport failure = iota
	unknownSession
	badMethod
	badRequest
	forbidden
	unsupportedVersion
	tooManySessions
)

var failureText = [...]string{
	"Transport unknown", "Session ID unknown", "Bad handshake method", "Bad request", "Forbidden", "Unsupported protocol version",
	"Too many sessions of this address",
}

func (f failure) send(w http.ResponseWriter) {
	status := http.StatusBadRequest
	switch f {
	case forbidden:
		status = http.StatusForbidden
	case tooManySessions:
		status = http.StatusTooManyRequests
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(`{"code":` + strconv.Itoa(int(f)) + `,"message":"` + failureText[f] + `"}`))
}

// ServeHTTP answers an HTTP request of the protocol. A request without the query parameter "sid" opens a session. Other
// requests belong to the session with that id.
func (e *Engine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !e.beginRequest() {
		sendStopping(w)
		return
	}
	defer e.handlers.Done()
	head := w.Header()
	head.Set("Cache-Control", "no-store")
	head.Set("X-Content-Type-Options", "nosniff")
	if !e.cfg.Origins.Allow(r) {
		head.Add("Vary", "Origin")
		e.warn(r, "pages are refused: their origin is not in webSockets.origins")
		forbidden.send(w)
		return
	}
	e.cfg.Origins.SetCORS(head, r)
	query := r.URL.Query()
	transport, sid := query.Get("transport"), query.Get("sid")
	switch {
	case r.Method == http.MethodOptions:
		preflight(w, r)
	case transport != "polling" && transport != "websocket":
		unknownTransport.send(w)
	case sid != "":
		e.serveSession(w, r, sid, transport)
	case r.Method != http.MethodGet:
		badMethod.send(w)
	case query.Get("EIO") != "4":
		e.warn(r, "clients are refused: the server needs a Socket.IO client of version 3 or 4")
		unsupportedVersion.send(w)
	case e.isStopping():
		sendStopping(w)
	default:
		e.open(w, r, transport)
	}
}

// warn logs why requests like r are refused. Clients show their users no reason.
func (e *Engine) warn(r *http.Request, text string) {
	e.refusals.Warn(e.cfg.Log, text, "origin", browserguard.Shown(r.Header.Get("Origin")), "host", browserguard.Shown(r.Host), "to", ws.Remote(r, e.cfg.RemoteIP).Addr().Unmap().String())
}

// open opens a session, unless the client has too many sessions or has used up its allowance of requests.
func (e *Engine) open(w http.ResponseWriter, r *http.Request, transport string) {
	remote := ws.Remote(r, e.cfg.RemoteIP)
	if e.cfg.Refuse != nil && e.cfg.Refuse(w, remote) {
		return
	}
	address := netlisten.AddressKey(remote.Addr())
	if !e.takeAddress(address) {
		tooManySessions.send(w)
		return
	}
	registered := false // then remove gives the address back
	if transport == "websocket" {
		registered = e.openSocket(w, r, remote)
	} else {
		registered = e.openPolling(w, r, remote)
	}
	if !registered {
		e.mu.Lock()
		e.giveAddress(address)
		e.mu.Unlock()
	}
}

// takeAddress counts one more session of the client address. It returns false, without counting, if the address has
// MaxPerAddress sessions.
func (e *Engine) takeAddress(address netip.Prefix) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if most := e.cfg.MaxPerAddress; most > 0 && e.addresses[address] >= most {
		return false
	}
	e.addresses[address]++
	return true
}

// giveAddress counts one session of the client address less. The caller must hold e.mu.
func (e *Engine) giveAddress(address netip.Prefix) {
	if e.addresses[address]--; e.addresses[address] <= 0 {
		delete(e.addresses, address)
	}
}

// preflight answers a CORS preflight request (OPTIONS) with the permitted methods and headers.
func preflight(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("Access-Control-Allow-Methods", "GET, POST")
	if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
		head.Set("Access-Control-Allow-Headers", asked)
		head.Add("Vary", "Access-Control-Request-Headers")
	}
	head.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
}

func (e *Engine) serveSession(w http.ResponseWriter, r *http.Request, sid, transport string) {
	s := e.find(sid)
	switch {
	case s == nil && transport == "polling" && (r.Method == http.MethodGet || r.Method == http.MethodPost):
		e.forward(w, r, sid)
	case s == nil:
		unknownSession.send(w)
	case transport == "websocket":
		s.upgrade(w, r)
	case r.Method == http.MethodGet:
		s.get(w, r)
	case r.Method == http.MethodPost:
		s.post(w, r)
	default:
		badRequest.send(w)
	}
}

// add registers a new session. It returns false, without registering the session, if the engine is stopping.
func (e *Engine) add(s *Session) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stopping {
		return false
	}
	e.sessions[s.sid] = s
	return true
}

func (e *Engine) remove(s *Session) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.sessions[s.sid] == s {
		delete(e.sessions, s.sid)
		e.giveAddress(netlisten.AddressKey(s.remote.Addr()))
	}
	e.detached.remove(s)
	e.pinger.remove(s)
}

// attach records that the session s has a connection again: a waiting GET or a WebSocket.
func (e *Engine) attach(s *Session) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.detached.remove(s)
}

// detach records that the session s has no waiting GET and no WebSocket. If more than MaxDetached sessions have no
// connection, detach closes the session that has been without a connection for the longest time.
func (e *Engine) detach(s *Session) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.sessions[s.sid] != s {
		return
	}
	e.detached.remove(s)
	e.detached.add(s)
	if e.detached.n > e.cfg.MaxDetached {
		oldest := e.detached.first
		e.detached.remove(oldest)
		// closeWith runs in another goroutine, because the caller of detach holds the lock of s.
		time.AfterFunc(0, func() { oldest.closeWith(errTooManyDetached, typeClose, 0) })
	}
}

// beginRequest adds an HTTP request to e.handlers, for which Stop waits. It returns false if the engine has stopped;
// the caller must then refuse the request.
func (e *Engine) beginRequest() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.stopped {
		e.handlers.Add(1)
	}
	return !e.stopped
}

func (e *Engine) isStopping() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.stopping
}

// beginPost adds a POST to e.posts, for which Stop waits. It returns false if the engine is stopping; the caller must
// then refuse the POST.
func (e *Engine) beginPost() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.stopping {
		e.posts.Add(1)
	}
	return !e.stopping
}

// Len returns the number of sessions that are registered with the engine.
func (e *Engine) Len() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.sessions)
}
