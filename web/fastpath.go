package web

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"

	"github.com/actionhero-go/actionhero/internal/http1"
	"github.com/actionhero-go/actionhero/internal/netlisten"
)

// plainServer serves HTTP without TLS. The fast path (package http1) serves ordinary requests. If a connection receives
// any other request, the connection moves to a net/http server, which also serves all later requests of the connection.
type plainServer struct {
	listener net.Listener
	engine   *http1.Server
	fallback *http.Server
}

func (s *Server) servePlain(ln net.Listener) {
	common := &s.cfg.Common
	reaper := newReaper(common.HeaderTimeout, common.IdleTimeout)
	conns := &fallbackListener{conns: make(chan net.Conn), closed: make(chan struct{}), addr: ln.Addr()}
	p := &plainServer{listener: ln, fallback: s.newServer()}
	p.fallback.ConnState = reaper.connState
	p.engine = http1.New(http1.Config{
		Handler: http.HandlerFunc(s.serveUnmounted), Eligible: s.eligible, Fallback: conns.add, OnPhase: reaper.enter,
		MaxHead: common.MaxHeaderBytes, Log: s.api.Log(),
	})
	s.servers = append(s.servers, p)
	ctx, cancel := context.WithCancel(context.Background())
	s.running.Go(func() { reaper.run(ctx) })
	s.running.Go(func() {
		defer cancel()
		s.logServeError(p.fallback.Serve(conns))
	})
	accepting := progressListener{ln, common.WriteTimeout, reaper}
	s.running.Go(func() {
		netlisten.Accept(accepting, s.api.Log(), "web", func(nc net.Conn) { go p.engine.Serve(nc) })
	})
}

// Shutdown closes the listener and waits for the running requests to end, but not longer than until ctx is done.
func (p *plainServer) Shutdown(ctx context.Context) error {
	_ = p.listener.Close()
	var engine, fallback error
	var stopping sync.WaitGroup
	stopping.Go(func() { fallback = p.fallback.Shutdown(ctx) })
	engine = p.engine.Shutdown(ctx)
	stopping.Wait()
	return errors.Join(engine, fallback)
}

// Close closes the connections of the net/http server. It does not close the connections of the fast path, because
// Shutdown has already closed them.
func (p *plainServer) Close() error { return p.fallback.Close() }

// eligible reports whether the fast path may serve a request for path, the escaped path of the URL. If a mounted
// handler may match path, eligible returns false, because the fast path calls no mounted handlers.
func (s *Server) eligible(_, path string) bool {
	m := s.mounts.Load()
	return m == nil || !m.mayMatch(path) && !strings.Contains(path, "%")
}

// fallbackListener is the listener of the net/http server in a plainServer. The fast path passes connections to the
// method add, and the method Accept returns these connections to the net/http server.
type fallbackListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
	addr   net.Addr
}

// add blocks until Accept returns the connection nc to the net/http server. If the listener is closed, add closes nc.
// read holds the bytes that the fast path has already read from nc.
func (l *fallbackListener) add(nc net.Conn, read []byte) {
	nc.(*progressConn).unread = read
	select {
	case l.conns <- nc:
	case <-l.closed:
		_ = nc.Close()
	}
}

// Accept implements net.Listener. It blocks until the fast path passes a connection to add or the listener is closed.
func (l *fallbackListener) Accept() (net.Conn, error) {
	select {
	case nc := <-l.conns:
		return nc, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *fallbackListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr implements net.Listener.
func (l *fallbackListener) Addr() net.Addr { return l.addr }
