// Package engine is Engine.IO protocol 4 for servers: a session that carries messages both ways, first over HTTP
// long-polling or a WebSocket, with the change from the one to the other while it lasts.
//
// In long-polling a GET waits until there is something for the client, and a POST brings what the client sends; several
// packets in one body are separated by the character 0x1e. Over WebSocket each packet is a frame. A packet is a digit
// that says what it is, and the data. The server pings every PingInterval, and a client that does not answer within
// PingTimeout is gone: only so does a server learn about the end of a client that polls.
//
// A session that polls is a few hundred bytes; while a GET waits, the goroutine of that request is there as well. What is
// to be sent meanwhile waits in a bounded queue.
package engine

import (
	"crypto/rand"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero/internal/connloop"
	"github.com/actionhero-go/actionhero/internal/sendqueue"
	"github.com/actionhero-go/actionhero/internal/ws"
)

// Config is what an Engine needs. No field has a default.
type Config struct {
	PingInterval   time.Duration // between the answer to a ping and the next ping
	PingTimeout    time.Duration // within which a ping must be answered
	UpgradeTimeout time.Duration // within which a change to WebSocket must be over
	WriteTimeout   time.Duration // within which a WebSocket client must take 16 KiB
	MessageTimeout time.Duration // within which a WebSocket message that was begun must end
	MaxPayload     int           // bytes of a POST, or of a message over WebSocket
	MaxInFlight    int           // requests of one session at work at a time
	MaxMessages    int           // that wait for a client
	MaxBytes       int           // that wait for a client
	MaxAbsent      int           // sessions without a connection; one more, and the one that is longest so ends
	Log            *slog.Logger
	Origins        ws.Origins
	RemoteIP       func(*http.Request) string // the client's address behind trusted proxies; nil: there are none
	Open           func(*Session) Client      // makes the client of a new session
}

// Client is what a session brings its messages to.
type Client interface {
	// Message gets a message, one at a time, and returns the request that it asks for, nil if it asks for none. data
	// stays as it is until the request has run, or until the next message if there is none. While Message does not
	// return, the session is not read.
	Message(data []byte, binary bool) connloop.Request
	// Closed is told once that the session is over. Messages and requests may be at work still. It must not wait for
	// anything, nor call the session.
	Closed()
}

// Engine holds the sessions. It is an [http.Handler] for the one path of the protocol.
type Engine struct {
	cfg    Config
	socket ws.Options

	mu       sync.Mutex
	sessions map[string]*Session
	absent   list
	heart    heart
	stopping bool // no new sessions or requests
	stopped  bool // nothing any more

	pool     *connloop.Pool // of the WebSockets
	handlers sync.WaitGroup // of HTTP
	posts    sync.WaitGroup // those of them that bring something, and the requests that these have brought
}

// New makes an Engine.
func New(cfg Config) *Engine {
	e := &Engine{cfg: cfg, sessions: map[string]*Session{}, pool: connloop.NewPool(cfg.MaxInFlight), socket: ws.Options{
		Origins:    cfg.Origins,
		SendQueue:  sendqueue.Config{MaxMessages: cfg.MaxMessages, MaxBytes: cfg.MaxBytes, WriteTimeout: cfg.WriteTimeout},
		MaxMessage: cfg.MaxPayload, MessageTimeout: cfg.MessageTimeout, CloseTimeout: closeTime,
	}}
	e.absent.links = linksAbsent
	e.heart.init(e.beat)
	return e
}

// The errors of the protocol, as a client gets them.
type failure int

const (
	unknownTransport failure = iota
	unknownSession
	badMethod
	badRequest
	forbidden
	unsupportedVersion
)

var failureText = [...]string{
	"Transport unknown", "Session ID unknown", "Bad handshake method", "Bad request", "Forbidden", "Unsupported protocol version",
}

func (f failure) send(w http.ResponseWriter) {
	status := http.StatusBadRequest
	if f == forbidden {
		status = http.StatusForbidden
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(`{"code":` + strconv.Itoa(int(f)) + `,"message":"` + failureText[f] + `"}`))
}

// ServeHTTP answers a request of the protocol.
func (e *Engine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !e.enter() {
		stopping(w)
		return
	}
	defer e.handlers.Done()
	head := w.Header()
	head.Set("Cache-Control", "no-store")
	head.Set("X-Content-Type-Options", "nosniff")
	head.Add("Vary", "Origin")
	if !e.cfg.Origins.Allow(r) {
		forbidden.send(w)
		return
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		head.Set("Access-Control-Allow-Origin", origin)
		head.Set("Access-Control-Allow-Credentials", "true")
	}
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
		unsupportedVersion.send(w)
	case e.isStopping():
		stopping(w)
	case transport == "websocket":
		e.openSocket(w, r)
	default:
		e.openPolling(w, r)
	}
}

// preflight answers a browser that asks whether a page of another origin may send a request with headers of its own.
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
	e.mu.Lock()
	s := e.sessions[sid]
	e.mu.Unlock()
	switch {
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

// add counts a new session in. It returns false if the engine has stopped.
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
	delete(e.sessions, s.sid)
	e.absent.remove(s)
	e.heart.forget(s)
}

// present notes that a session has a connection.
func (e *Engine) present(s *Session) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.absent.remove(s)
}

// away notes that a session has no connection for now. If that makes too many of them, the one that has had none for
// the longest time is told to end.
func (e *Engine) away(s *Session) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.sessions[s.sid] != s {
		return
	}
	e.absent.remove(s)
	e.absent.add(s)
	if e.absent.n > e.cfg.MaxAbsent {
		oldest := e.absent.first
		e.absent.remove(oldest)
		time.AfterFunc(0, func() { oldest.end(errAbsent, typeClose, 0) }) // the lock of another session is held
	}
}

// enter counts a request of HTTP in.
func (e *Engine) enter() bool {
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

// beginPost counts in one that may bring something.
func (e *Engine) beginPost() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.stopping {
		e.posts.Add(1)
	}
	return !e.stopping
}

// Len returns how many sessions there are.
func (e *Engine) Len() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.sessions)
}

// newSID returns an id that nobody can guess: who knows it can speak for the client.
func newSID() string { return rand.Text() }
