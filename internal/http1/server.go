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

// Phase is what a connection is doing, for whoever limits the time that it takes.
type Phase int32

// The phases.
const (
	PhaseHead     Phase = iota // a request is coming, or the first one is due
	PhaseIdle                  // between requests
	PhaseActive                // a request is at work
	PhaseHijacked              // a handler has taken the connection over
)

// Config is what an engine is made of.
type Config struct {
	Handler http.Handler
	// Eligible says whether the handler may answer such a request here; if not, it goes to HandOver. path is as it was sent.
	Eligible func(method, path string) bool
	// Fallback gets the connection of a request that is not ordinary. read is what was read of it already, and has to
	// be read again.
	Fallback func(nc net.Conn, read []byte)
	// OnPhase is told what a connection begins to do.
	OnPhase func(nc net.Conn, p Phase)
	// MaxHead is the longest head of a request that is read here, in bytes, up to 8 KiB.
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

// New makes an engine.
func New(cfg Config) *Server {
	return &Server{cfg: cfg, conns: map[*conn]struct{}{}}
}

// Serve serves one connection until it ends, is handed over or taken over. It closes it, if it is still its own.
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
	case endHandOver:
		rest := c.takeRest()
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

// Shutdown closes the connections that are idle and waits for the requests at work, whose connections are closed after
// their answers. When ctx ends before that, it closes them as they are and leaves their handlers alone: one that takes
// no notice must not hold up the process.
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

// errAborted is a panic that a handler uses to end the connection without an answer.
func errAborted(p any) bool {
	err, ok := p.(error)
	return ok && errors.Is(err, http.ErrAbortHandler)
}
