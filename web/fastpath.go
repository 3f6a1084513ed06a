package web

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"

	"github.com/actionhero-go/actionhero/internal/http1"
	"github.com/actionhero-go/actionhero/internal/netlisten"
)

// portServer serves HTTP/1.1, with or without TLS. The fast path (package http1) serves ordinary requests. If a connection
// receives any other request, the connection moves to a net/http server, which also serves all later requests of the
// connection. If commonWeb.fastPath is off, all connections are those of the net/http server.
type portServer struct {
	listener   net.Listener
	reaper     *reaper
	engine     *http1.Server
	fallback   *http.Server
	handshakes *handshakes // nil without TLS
}

// servePort serves the connections of ln, whose TLS configuration is secure. If secure is nil, they have no TLS.
func (s *Server) servePort(ln net.Listener, secure *tls.Config) {
	common := &s.cfg.Common
	reaper := newReaper(common.HeaderTimeout, common.IdleTimeout)
	conns := newFallbackListener(ln)
	p := &portServer{listener: ln, reaper: reaper, fallback: s.newServer()}
	p.fallback.ConnState = reaper.connState
	p.engine = http1.New(http1.Config{
		Handler: http.HandlerFunc(s.serveUnmounted), Eligible: s.eligible, Fallback: conns.add, OnPhase: reaper.enter,
		MaxHead: common.MaxHeaderBytes, Log: s.api.Log(),
	})
	s.servers = append(s.servers, p)
	var accepted runners
	ctx, cancel := context.WithCancel(context.Background())
	s.running.Go(func() { reaper.run(ctx, accepted.trim) })
	s.running.Go(func() {
		defer cancel()
		s.logServeError(p.fallback.Serve(conns))
	})
	accepted.serve = p.engine.Serve
	if !*common.FastPath {
		accepted.serve = func(nc net.Conn) { conns.add(nc, nil) }
	}
	if secure != nil {
		p.handshakes = &handshakes{config: secure, log: s.api.Log(), reaper: reaper, http2: s.serveHTTP2Conns(ln, secure), http1: accepted.serve}
		accepted.serve = p.handshakes.serve
	}
	accepting := progressListener{ln, common.WriteTimeout, reaper}
	s.running.Go(func() {
		netlisten.Accept(accepting, s.api.Log(), "web", accepted.run)
		accepted.stop()
	})
}

// Shutdown closes the listener and waits for the running requests to end, but not longer than until ctx is done.
func (p *portServer) Shutdown(ctx context.Context) error {
	_ = p.listener.Close()
	var engine, fallback error
	var stopping sync.WaitGroup
	stopping.Go(func() { fallback = p.fallback.Shutdown(ctx) })
	if p.handshakes != nil {
		stopping.Go(p.handshakes.stop)
	}
	engine = p.engine.Shutdown(ctx)
	stopping.Wait()
	return errors.Join(engine, fallback)
}

// Close closes the connections of the net/http server. It does not close the connections of the fast path, because
// Shutdown has already closed them.
func (p *portServer) Close() error { return p.fallback.Close() }

// drain makes each further response close its connection.
func (p *portServer) drain() {
	p.reaper.drained()
	p.engine.Drain()
}

// eligible reports whether the fast path may serve a request for path, the escaped path of the URL. If a mounted
// handler may match path, eligible returns false, because the fast path calls no mounted handlers but those of fastMounts.
func (s *Server) eligible(_, path string) bool {
	m := s.mounts.Load()
	return m == nil || m.fast[path] != nil || !m.mayMatch(path) && !strings.Contains(path, "%")
}

// fallbackListener is the listener of a net/http server whose connections were accepted before. The method add receives
// them, and the method Accept returns them to the net/http server.
type fallbackListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
	addr   net.Addr
}

func newFallbackListener(ln net.Listener) *fallbackListener {
	return &fallbackListener{conns: make(chan net.Conn), closed: make(chan struct{}), addr: ln.Addr()}
}

// add blocks until Accept returns the connection nc to the net/http server. If the listener is closed, add closes nc.
// read holds the bytes that the fast path has already read from nc.
func (l *fallbackListener) add(nc net.Conn, read []byte) {
	if len(read) > 0 {
		nc.(interface{ setUnread([]byte) }).setUnread(read)
	}
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
