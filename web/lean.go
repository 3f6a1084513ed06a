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

// plainServer serves HTTP without TLS: ordinary requests by the lean engine, and whatever else comes by net/http, which
// keeps the connections that it got.
type plainServer struct {
	listener net.Listener
	engine   *http1.Server
	others   *http.Server
	handed   *handed
}

func (s *Server) servePlain(ln net.Listener) {
	common := &s.cfg.Common
	watch := newWatch(common.HeaderTimeout, common.IdleTimeout)
	p := &plainServer{listener: ln, others: s.newServer(), handed: &handed{conns: make(chan net.Conn), closed: make(chan struct{}), addr: ln.Addr()}}
	p.others.ConnState = watch.state
	p.engine = http1.New(http1.Config{
		Handler: s.lean, Eligible: s.takes, Fallback: p.handed.give, OnPhase: watch.enter,
		MaxHead: common.MaxHeaderBytes, Log: s.api.Log(),
	})
	s.servers = append(s.servers, p)
	ctx, cancel := context.WithCancel(context.Background())
	s.running.Go(func() { watch.run(ctx) })
	s.running.Go(func() {
		defer cancel()
		s.serve(p.others.Serve(p.handed))
	})
	paced := paced{ln, common.WriteTimeout, watch}
	s.running.Go(func() {
		netlisten.Accept(paced, s.api.Log(), "web", func(nc net.Conn) { go p.engine.Serve(nc) })
	})
}

// Shutdown stops accepting and waits for the requests at work, until ctx ends.
func (p *plainServer) Shutdown(ctx context.Context) error {
	_ = p.listener.Close()
	var engine, others error
	var stopping sync.WaitGroup
	stopping.Go(func() { others = p.others.Shutdown(ctx) })
	engine = p.engine.Shutdown(ctx)
	stopping.Wait()
	return errors.Join(engine, others)
}

// Close closes the connections as they are.
func (p *plainServer) Close() error { return p.others.Close() }

// takes says whether a request is one for serveOwn and not for a handler that was mounted.
func (s *Server) takes(_, path string) bool {
	for _, prefix := range s.mounted {
		if strings.HasPrefix(path+"/", prefix) {
			return false
		}
	}
	return len(s.mounted) == 0 || !strings.Contains(path, "%")
}

// mountedPrefix is what a path begins with that a pattern of [http.ServeMux] may match.
func mountedPrefix(pattern string) string {
	if _, rest, ok := strings.Cut(pattern, " "); ok {
		pattern = strings.TrimLeft(rest, " \t")
	}
	slash := max(strings.IndexByte(pattern, '/'), 0) // what is before it is a host
	prefix, _, _ := strings.Cut(pattern[slash:], "{")
	return prefix
}

// handed is the listener of the net/http server that takes over connections.
type handed struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
	addr   net.Addr
}

// give hands a connection over, or closes it if the server has stopped.
func (h *handed) give(nc net.Conn, read []byte) {
	nc.(*pacedConn).unread = read
	select {
	case h.conns <- nc:
	case <-h.closed:
		_ = nc.Close()
	}
}

// Accept implements net.Listener.
func (h *handed) Accept() (net.Conn, error) {
	select {
	case nc := <-h.conns:
		return nc, nil
	case <-h.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (h *handed) Close() error {
	h.once.Do(func() { close(h.closed) })
	return nil
}

// Addr implements net.Listener.
func (h *handed) Addr() net.Addr { return h.addr }
