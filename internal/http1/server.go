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

// Phase is the phase of a connection, for code that limits its time.
type Phase int32

// The phases.
const (
	PhaseHead     Phase = iota // a request is being read, or the first one has not begun
	PhaseIdle                  // between requests
	PhaseActive                // a request is running
	PhaseHijacked              // a handler has hijacked the connection
)

// Config configures a Server.
type Config struct {
	Handler http.Handler
	// Eligible reports whether the handler may serve a request here. If not, the request goes to Fallback. path is not
	// unescaped.
	Eligible func(method, path string) bool
	// Fallback takes over the connection of a request that is not ordinary. read holds the input that was already read
	// from it; the request begins there.
	Fallback func(nc net.Conn, read []byte)
	// OnPhase is called when a connection enters a phase.
	OnPhase func(nc net.Conn, p Phase)
	// MaxHead is the longest head of an ordinary request, in bytes, up to 8 KiB.
	MaxHead int
	Log     *slog.Logger
}

// Server serves connections.
type Server struct {
	cfg      Config
	stopping atomic.Bool
	running  sync.WaitGroup

	mu    sync.Mutex
	conns map[*conn]struct{}
}

// New returns a server. Call its Serve for each connection.
func New(cfg Config) *Server {
	return &Server{cfg: cfg, conns: map[*conn]struct{}{}}
}

// Serve serves one connection until it ends, goes to Fallback or is hijacked. It closes the connection in the first case.
func (s *Server) Serve(nc net.Conn) {
	c := newConn(s, nc)
	if !s.add(c) {
		_ = nc.Close()
		return
	}
	defer s.running.Done()
	end := c.serve()
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
	switch end {
	case endClose:
		_ = nc.Close()
	case endFallback:
		rest := c.detachRest()
		s.cfg.Fallback(nc, rest)
	}
}

func (s *Server) add(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping.Load() {
		return false
	}
	s.conns[c] = struct{}{}
	s.running.Add(1)
	return true
}

// Shutdown closes the idle connections and waits for the running requests. Their connections are closed after the
// responses. If ctx is done before that, Shutdown closes all connections at once and does not wait for the handlers: a
// handler that ignores its context must not block the process.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stopping.Store(true)
	s.each(func(c *conn) {
		if c.state.CompareAndSwap(stateIdle, stateClosing) {
			_ = c.nc.Close()
		}
	})
	done := make(chan struct{})
	go func() {
		s.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	s.each(func(c *conn) { _ = c.nc.Close() })
	return ctx.Err()
}

func (s *Server) each(do func(*conn)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		do(c)
	}
}

// isAbort reports whether p is the panic with which a handler ends the connection without a response.
func isAbort(p any) bool {
	err, ok := p.(error)
	return ok && errors.Is(err, http.ErrAbortHandler)
}
