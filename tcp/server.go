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
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/connloop"
	"github.com/actionhero-go/actionhero/internal/netlisten"
	"github.com/actionhero-go/actionhero/internal/sendqueue"
	"github.com/actionhero-go/actionhero/transport"
)

// Config is the section tcpServer of the configuration.
type Config struct {
	Enable   actionhero.Switch `json:"enable" doc:"listen for TCP clients"`                                               // default: on
	Port     int               `json:"port" doc:"port; -1 is any that is free"`                                           // default: 5000
	BindIP   string            `json:"bindIP" doc:"address to listen on; empty is all"`                                   // default: all
	TLSPort  int               `json:"tlsPort" doc:"port for TLS, besides the plain one; 0 is none, -1 any that is free"` // default: 0, no TLS
	CertFile string            `json:"certFile" doc:"PEM certificate chain for tlsPort"`
	KeyFile  string            `json:"keyFile" doc:"PEM private key for tlsPort"`

	MaxLineBytes int           `json:"maxLineBytes" unit:"bytes" doc:"longest line; a longer one ends the connection"`                           // default: 64 KiB
	MaxInFlight  int           `json:"maxInFlight" doc:"requests of one connection at work at a time; it is read no further meanwhile"`          // default: 100
	MaxQueued    int           `json:"maxQueuedMessages" doc:"messages that may wait for a client; one that does not read is closed"`            // default: 256
	MaxQueuedLen int           `json:"maxQueuedBytes" unit:"bytes" doc:"bytes that may wait for a client; one that does not read is closed"`     // default: 1 MiB
	LineTimeout  time.Duration `json:"lineTimeout" doc:"time within which a line that was begun, or a TLS handshake, must end"`                  // default: 15s
	WriteTimeout time.Duration `json:"writeTimeout" doc:"time within which a client must take 16 KiB of what it is sent"`                        // default: 10s
	IdleTimeout  time.Duration `json:"idleTimeout" doc:"time after which a client that is silent and waits for no answer is closed; 0 is never"` // default: 0, never
}

func (c *Config) setDefaults() {
	actionhero.SetDefault(&c.Port, 5000)
	actionhero.SetDefault(&c.MaxLineBytes, 64<<10)
	actionhero.SetDefault(&c.MaxInFlight, 100)
	actionhero.SetDefault(&c.MaxQueued, 256)
	actionhero.SetDefault(&c.MaxQueuedLen, 1<<20)
	actionhero.SetDefault(&c.LineTimeout, 15*time.Second)
	actionhero.SetDefault(&c.WriteTimeout, 10*time.Second)
}

// check refuses what would make a server that serves nobody: with no request at work at a time, say, a connection would
// never be read.
func (c *Config) check() error {
	for key, n := range map[string]int{
		"maxLineBytes": c.MaxLineBytes, "maxInFlight": c.MaxInFlight, "maxQueuedMessages": c.MaxQueued, "maxQueuedBytes": c.MaxQueuedLen,
	} {
		if n <= 0 {
			return fmt.Errorf("tcpServer.%s is %d: it must be above zero", key, n)
		}
	}
	for key, d := range map[string]time.Duration{"lineTimeout": c.LineTimeout, "writeTimeout": c.WriteTimeout} {
		if d <= 0 {
			return fmt.Errorf("tcpServer.%s is %v: it must be above zero", key, d)
		}
	}
	if c.IdleTimeout < 0 {
		return fmt.Errorf("tcpServer.idleTimeout is %v: it must be above zero, or 0 for never", c.IdleTimeout)
	}
	return nil
}

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
	cfg.setDefaults()
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
	if err := s.cfg.check(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopping = false
	s.pool = connloop.NewPool(s.cfg.MaxInFlight)
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if s.cfg.Enable.Or(true) {
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
