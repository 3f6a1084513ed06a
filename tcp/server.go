// Package tcp serves actions and rooms over plain TCP and TLS. A request is one line of text. A reply is one line with
// a JSON object. The protocol is for people with nc or telnet, and for devices without an HTTP library. Begin reading
// at session.line, which handles one line.
//
// A line is one of three things:
//
//	paramAdd key=value                  a command, for example paramAdd, roomChange or say
//	cacheTest                           an action, run with the sticky params of the connection
//	{"action":"cacheTest","params":{…}} an action, run with its own params in addition to the sticky ones
//
// An object may also have the member "idempotencyKey".
//
// Sticky params are params that the connection keeps for its later actions, for example after the command paramAdd.
//
// Requests of one connection run concurrently, so replies may overtake each other. The key "messageCount" of a reply is
// the number of the line that the reply answers.
//
// Invariants: the server closes a client that does not read, does not complete a line in time or sends too long a line.
// No client delays another client. An idle connection has one goroutine and no buffer. All memory that a client can
// make grow has a limit.
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

// Server is the TCP transport. It is an actionhero.Component. Create a Server with [New] and pass it to api.Add.
type Server struct {
	api       transport.Host
	cfg       Config
	sendQueue sendqueue.Config
	dialect   *dialect

	mu        sync.Mutex
	listeners []net.Listener
	addr      net.Addr
	tlsAddr   net.Addr
	sessions  map[*session]struct{}
	stopping  bool
	ctx       context.Context // parent of each request's context
	cancel    context.CancelFunc
	pool      *connloop.Pool // runs the listeners and the sessions

	requests atomic.Int64
	global   func(context.Context) int64 // the requests in the whole cluster
	clients  atomic.Int64                // the sessions whose client has not left
}

// New returns a Server for the actions of api. The Server listens after api.Add(server) and api.Start.
func New(api *actionhero.API, cfg Config) *Server {
	setting.Fill(&cfg)
	s := &Server{
		api: transport.Of(api), cfg: cfg, sessions: map[*session]struct{}{},
		sendQueue: sendqueue.Config{MaxMessages: cfg.MaxQueued, MaxBytes: cfg.MaxQueuedLen, WriteTimeout: cfg.WriteTimeout, Budget: transport.Of(api).SendBudget()},
	}
	s.global = s.api.Global("socketRequests", s.requests.Load)
	return s
}

// Addr returns the address of the listener for plain TCP, or nil if the server does not listen for plain TCP.
func (s *Server) Addr() net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addr
}

// TLSAddr returns the address of the listener for TLS, or nil if the server does not listen for TLS.
func (s *Server) TLSAddr() net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tlsAddr
}

// Start opens the listeners and accepts connections in new goroutines. If a setting is out of range, a port is taken or
// the certificate cannot be used, Start returns an error and leaves no listener open.
func (s *Server) Start(ctx context.Context) error {
	if err := setting.Check("tcpServer", &s.cfg); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopping = false
	s.dialect = dialects[s.cfg.Dialect]
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	s.pool = connloop.NewPool(s.ctx, s.cfg.MaxInFlight)
	limits := s.limits()
	if *s.cfg.Enable {
		ln, err := netlisten.TCP(ctx, "tcpServer", "port", s.cfg.BindIP, s.cfg.Port)
		if err != nil {
			return err
		}
		s.addr = ln.Addr()
		s.listeners = append(s.listeners, limits.Listener(ln))
	}
	if s.cfg.TLSPort != 0 {
		ln, err := s.listenTLS(ctx, limits)
		if err != nil {
			s.closeListeners()
			return err
		}
		s.tlsAddr = ln.Addr()
		s.listeners = append(s.listeners, ln)
	}
	for _, ln := range s.listeners {
		s.api.Listening(ln.Addr().(*net.TCPAddr).Port)
		s.pool.Go(func() { netlisten.Accept(ln, s.api.Log(), "TCP", s.open) })
	}
	s.api.Stats.Section("socketServer", s.stats)
	return nil
}

// limits returns the limits of the connections to both ports.
func (s *Server) limits() *netlisten.Limits {
	var refusal answer
	refusal.fail(actionhero.Errorf(actionhero.CodeResourceExhausted, "too many connections"))
	return netlisten.NewLimits(netlisten.LimitConfig{
		Section: "tcpServer", Max: max(s.cfg.MaxConns, 0), PerAddress: max(s.cfg.MaxConnsPerAddr, 0),
		Refusal: appendTail(refusal.object, lineID{}, &refusal), Log: s.api.Log(),
	})
}

func (s *Server) listenTLS(ctx context.Context, limits *netlisten.Limits) (net.Listener, error) {
	cert, err := netlisten.LoadCertificate("tcpServer", s.cfg.CertFile, s.cfg.KeyFile, s.api.Log())
	if err != nil {
		return nil, err
	}
	tlsConfig := cert.Config()
	if err := netlisten.VerifyClients(tlsConfig, "tcpServer", s.cfg.ClientCAFile, s.cfg.ClientCert == "required", s.api.Log()); err != nil {
		return nil, err
	}
	ln, err := netlisten.TCP(ctx, "tcpServer", "tlsPort", s.cfg.BindIP, s.cfg.TLSPort)
	if err != nil {
		return nil, err
	}
	return tls.NewListener(limits.Listener(ln), tlsConfig), nil
}

// closeListeners closes all listeners and resets the addresses that Addr and TLSAddr return to nil. The caller must
// hold s.mu.
func (s *Server) closeListeners() {
	for _, ln := range s.listeners {
		_ = ln.Close()
	}
	s.listeners, s.addr, s.tlsAddr = nil, nil, nil
}

// open starts a session for the accepted connection nc. If the server is stopping, open closes nc instead.
func (s *Server) open(nc net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		_ = nc.Close()
		return
	}
	ss := newSession(s, nc)
	s.sessions[ss] = struct{}{}
	s.clients.Add(1)
	s.pool.Go(ss.serve)
}

func (s *Server) remove(ss *session) {
	ss.uncount()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, ss)
}

// Stop closes the listeners and waits for the requests in flight. It sends a goodbye message to each client and closes
// the connections. If ctx ends before all connections are closed, Stop cancels the running requests, closes all
// connections at once and returns the error of ctx.
func (s *Server) Stop(ctx context.Context) error {
	s.mu.Lock()
	s.stopping = true
	s.closeListeners()
	for ss := range s.sessions {
		ss.stopReading()
	}
	pool := s.pool // the next Start replaces s.pool, even if this Stop did not wait to the end
	s.mu.Unlock()
	s.api.Stats.Section("socketServer", nil)
	done := make(chan struct{})
	go func() {
		pool.Wait()
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

// stats returns the section "socketServer" of the status report: the number of requests since New and the number of
// connected clients.
func (s *Server) stats(ctx context.Context) (any, error) {
	return statsReport{Global: s.global(ctx), Local: s.requests.Load(), Clients: int(s.clients.Load())}, nil
}

type statsReport struct {
	Global  int64 `json:"numberOfGlobalSocketRequests"`
	Local   int64 `json:"numberOfLocalSocketRequests"`
	Clients int   `json:"numberOfLocalActiveSocketClients"`
}
