// Package tcp serves actions and rooms over plain TCP and TLS: a request is a line, an answer is a JSON object on a
// line of its own. It is what one types into nc or telnet, and what a device with no HTTP library can speak.
//
// A line is a command of the connection (paramAdd, roomChange, say, …), or the name of an action that runs with the
// params the connection has kept so far, or a JSON object {"action":…,"params":{…}} that stands alone. Requests of one
// connection run side by side, so answers may overtake each other; each carries the number of the line that it answers.
package tcp

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"sync/atomic"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/connloop"
	"github.com/actionhero-go/actionhero/internal/netlisten"
	"github.com/actionhero-go/actionhero/internal/sendqueue"
	"github.com/actionhero-go/actionhero/internal/setting"
	"github.com/actionhero-go/actionhero/transport"
)

// Server is the transport: a Component to add to an API.
type Server struct {
	api       transport.Host
	cfg       Config
	sendQueue sendqueue.Config

	mu        sync.Mutex
	listeners []net.Listener
	plain     net.Addr
	secure    net.Addr
	sessions  map[*session]struct{}
	stopping  bool
	ctx       context.Context // the base of every request's context
	cancel    context.CancelFunc
	pool      *connloop.Pool // of listeners and sessions

	requests atomic.Int64
}

// New makes the transport. It listens when the API starts.
func New(api *actionhero.API, cfg Config) *Server {
	setting.Fill(&cfg)
	return &Server{
		api: transport.Of(api), cfg: cfg, sessions: map[*session]struct{}{},
		sendQueue: sendqueue.Config{MaxMessages: cfg.MaxQueued, MaxBytes: cfg.MaxQueuedLen, WriteTimeout: cfg.WriteTimeout},
	}
}

// Addr returns where it listens for plain TCP, nil if it does not.
func (s *Server) Addr() net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.plain
}

// TLSAddr returns where it listens for TLS, nil if it does not.
func (s *Server) TLSAddr() net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.secure
}

// Start listens. It fails, with nothing left open, if a setting is out of range, a port is taken or the certificate
// cannot be used.
func (s *Server) Start(ctx context.Context) error {
	if err := setting.Check("tcpServer", &s.cfg); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopping = false
	s.pool = connloop.NewPool(s.cfg.MaxInFlight)
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if *s.cfg.Enable {
		ln, err := netlisten.TCP(ctx, "tcpServer", "port", s.cfg.BindIP, s.cfg.Port)
		if err != nil {
			return err
		}
		s.plain = ln.Addr()
		s.listeners = append(s.listeners, ln)
	}
	if s.cfg.TLSPort != 0 {
		ln, err := s.listenTLS(ctx)
		if err != nil {
			s.closeListeners()
			return err
		}
		s.secure = ln.Addr()
		s.listeners = append(s.listeners, ln)
	}
	for _, ln := range s.listeners {
		s.api.Listening(ln.Addr().(*net.TCPAddr).Port)
		s.pool.Go(func() { netlisten.Accept(ln, s.api.Log(), "TCP", s.open) })
	}
	s.api.Stats.Section("socketServer", s.stats)
	return nil
}

func (s *Server) listenTLS(ctx context.Context) (net.Listener, error) {
	cert, err := netlisten.LoadCertificate("tcpServer", s.cfg.CertFile, s.cfg.KeyFile, s.api.Log())
	if err != nil {
		return nil, err
	}
	ln, err := netlisten.TCP(ctx, "tcpServer", "tlsPort", s.cfg.BindIP, s.cfg.TLSPort)
	if err != nil {
		return nil, err
	}
	return tls.NewListener(ln, cert.Config()), nil
}

// closeListeners closes and forgets the listeners; the lock is held.
func (s *Server) closeListeners() {
	for _, ln := range s.listeners {
		_ = ln.Close()
	}
	s.listeners, s.plain, s.secure = nil, nil, nil
}

func (s *Server) open(nc net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		_ = nc.Close()
		return
	}
	ss := newSession(s, nc)
	s.sessions[ss] = struct{}{}
	s.pool.Go(ss.serve)
}

func (s *Server) forget(ss *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, ss)
}

// Stop stops accepting, lets the requests in flight finish, says goodbye to the clients and closes them. When ctx
// ends before that, it closes them as they are.
func (s *Server) Stop(ctx context.Context) error {
	s.mu.Lock()
	s.stopping = true
	s.closeListeners()
	for ss := range s.sessions {
		ss.stopReading()
	}
	s.mu.Unlock()
	s.api.Stats.Section("socketServer", nil)
	done := make(chan struct{})
	go func() {
		s.pool.Wait()
		close(done)
	}()
	var err error
	select {
	case <-done:
	case <-ctx.Done():
		err = ctx.Err()
		s.cancel()
		s.mu.Lock()
		for ss := range s.sessions {
			_ = ss.nc.Close()
		}
		s.mu.Unlock()
	}
	s.cancel()
	return err
}

// stats is the section socketServer of the action status.
func (s *Server) stats(context.Context) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.requests.Load()
	return statsReport{Global: n, Local: n, Clients: len(s.sessions)}, nil
}

type statsReport struct {
	Global  int64 `json:"numberOfGlobalSocketRequests"`
	Local   int64 `json:"numberOfLocalSocketRequests"`
	Clients int   `json:"numberOfLocalActiveSocketClients"`
}
