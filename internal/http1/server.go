package http1

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
)

// Phase is the phase of a connection. Config.OnPhase receives it, so that other code can limit the time of a phase.
type Phase int32

// The phases of a connection.
const (
	PhaseFresh    Phase = iota // the first request has not begun
	PhaseHead                  // a request is being read
	PhaseIdle                  // the connection waits for the next request
	PhaseActive                // a request is running
	PhaseHijacked              // a handler has hijacked the connection
)

// Config holds the settings and the callbacks of a [Server].
type Config struct {
	Handler http.Handler
	// Eligible reports whether Handler may serve a request. If Eligible returns false, the connection is passed to
	// Fallback. path is the escaped path of the URL.
	Eligible func(method, path string) bool
	// Fallback receives the connection of each request that the Server does not serve, and must close the connection in
	// the end. read holds the input that was already read from the connection. The request begins at the start of read.
	Fallback func(nc net.Conn, read []byte)
	// OnPhase is called when the connection nc enters the phase p.
	OnPhase func(nc net.Conn, p Phase)
	// MaxHead is the size of the largest head of a request that the fast path serves, in bytes, up to 24 KiB.
	MaxHead int
	Log     *slog.Logger
}

// Server serves the ordinary requests of HTTP/1.1 connections. If a request is not ordinary, the Server
// passes the connection to Config.Fallback.
type Server struct {
	cfg     Config
	ending  atomic.Int32 // draining or stopping; 0: neither
	running sync.WaitGroup

	mu    sync.Mutex
	conns map[*conn]struct{}
}

// How far a Server is on its way to its end.
const (
	draining int32 = 1 + iota // each response closes its connection
	stopping                  // there are no further requests
)

// New returns a Server. Call [Server.Serve] for each connection.
func New(cfg Config) *Server {
	return &Server{cfg: cfg, conns: map[*conn]struct{}{}}
}

// Serve serves the requests on the connection nc. If nc is a TLS connection, its handshake has ended. If a request is not ordinary, Serve passes nc to Config.Fallback and
// returns. If a handler hijacks nc, Serve returns without closing nc. In all other cases, Serve closes nc before it
// returns.
func (s *Server) Serve(nc net.Conn) {
	c := newConn(s, nc)
	if !s.add(c) {
		_ = nc.Close()
		return
	}
	defer s.running.Done()
	if c.serve(); c.end == endFallback {
		s.cfg.Fallback(nc, c.detachRest())
	}
}

func (s *Server) remove(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

func (s *Server) add(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ending.Load() == stopping {
		return false
	}
	s.conns[c] = struct{}{}
	s.running.Add(1)
	return true
}

// Drain makes each further response close its connection, and tells the client so. A connection on which no request comes
// stays open until [Server.Shutdown].
func (s *Server) Drain() { s.ending.CompareAndSwap(0, draining) }

// Resume undoes [Server.Drain].
func (s *Server) Resume() { s.ending.CompareAndSwap(draining, 0) }

// Shutdown closes the idle connections and waits for the running requests to end. A connection with a running request
// closes after the response. If ctx is done first, Shutdown closes all connections at once and does not wait for the
// handlers, because a handler that ignores its context must not block the process.
func (s *Server) Shutdown(ctx context.Context) error {
	s.ending.Store(stopping)
	var closing sync.WaitGroup
	s.each(func(c *conn) {
		switch {
		case !c.state.CompareAndSwap(stateIdle, stateClosing) && !c.state.CompareAndSwap(stateFresh, stateClosing):
		case c.tls == nil:
			_ = c.nc.Close()
		default:
			closing.Go(func() { _ = c.nc.Close() }) // tells the client, and may block for seconds if the client reads nothing
		}
	})
	done := make(chan struct{})
	go func() {
		closing.Wait()
		s.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	s.each((*conn).abort)
	return ctx.Err()
}

func (s *Server) each(do func(*conn)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		do(c)
	}
}

// isAbort reports whether p is [http.ErrAbortHandler]. A handler panics with this value to abort its response.
func isAbort(p any) bool {
	err, ok := p.(error)
	return ok && errors.Is(err, http.ErrAbortHandler)
}
