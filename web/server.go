// Package web serves actions and files over HTTP and HTTPS.
//
// Every request becomes an actionhero.Request and is dispatched like those of any other transport; what is particular
// to HTTP is here: which URL means what, where params come from, the envelope around an answer, files, and what an
// action may do with the answer itself ([SetStatus], [Header], [Redirect], [Writer]). The bytes are read and written by
// net/http and, where it is about an ordinary request over HTTP/1.1, by internal/http1.
package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/rs/cors"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/netlisten"
	"github.com/actionhero-go/actionhero/internal/route"
	"github.com/actionhero-go/actionhero/transport"
)

// Server is the transport: a Component to add to an API, and the [http.Handler] that does the work.
type Server struct {
	api     transport.Host
	cfg     Config
	proxies []netip.Prefix
	fixed   fixed
	handler http.Handler // serveAny behind the guard, and behind CORS if that is on
	lean    http.Handler // serveOwn, behind CORS if that is on
	mux     *http.ServeMux
	mounted []string // the prefixes of what is
	parts   int      // how many parts of the API have been looked at for a Mount
	routes  route.Table[string]

	mu      sync.Mutex
	servers []stopper
	http    net.Addr
	https   net.Addr
	running sync.WaitGroup

	requests atomic.Int64
}

// New makes the transport. It listens when the API starts. The error names the setting that is wrong.
func New(api *actionhero.API, cfg Config) (*Server, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	proxies, err := parseProxies(cfg.Common.TrustedProxies)
	if err != nil {
		return nil, err
	}
	s := &Server{api: transport.Of(api), cfg: cfg, proxies: proxies, mux: http.NewServeMux(), fixed: newFixed(api.Config(), &cfg.Common)}
	s.handler, s.lean = http.HandlerFunc(s.serveAny), http.HandlerFunc(s.serveOwn)
	if origins := cfg.Common.AllowedOrigins; len(origins) > 0 {
		policy := cors.New(cors.Options{
			AllowedOrigins: origins, AllowedMethods: methods, AllowedHeaders: []string{"*"}, MaxAge: 600,
		})
		s.handler, s.lean = policy.Handler(s.handler), policy.Handler(s.lean)
	}
	s.handler = s.guarded(s.handler)
	if err := s.mountParts(); err != nil {
		return nil, err
	}
	return s, nil
}

type mount struct {
	pattern string
	handler http.Handler
}

// Mount returns a part of an app: a handler for all requests below a pattern of [http.ServeMux], on HTTP and HTTPS. The
// limits of the section commonWeb hold for it too. A malformed pattern, and one that conflicts with another, is an error
// of [New], or of the start for a part that is registered later.
func Mount(pattern string, handler http.Handler) actionhero.Part {
	return transport.Part(mount{pattern, handler})
}

// mountParts mounts the handlers among the parts of the API that were registered since the last call.
func (s *Server) mountParts() error {
	for _, part := range s.api.Parts()[s.parts:] {
		if m, ok := part.(mount); ok {
			if err := s.Mount(m.pattern, m.handler); err != nil {
				return err
			}
		}
		s.parts++
	}
	return nil
}

// Mount is the function [Mount] for a server that is not started.
func (s *Server) Mount(pattern string, h http.Handler) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the handler cannot be mounted at %q: %v", pattern, p)
		}
	}()
	s.mux.Handle(pattern, h)
	s.mounted = append(s.mounted, mountedPrefix(pattern))
	return nil
}

// Addr returns where it listens for HTTP, nil if it does not.
func (s *Server) Addr() net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.http
}

// TLSAddr returns where it listens for HTTPS, nil if it does not.
func (s *Server) TLSAddr() net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.https
}

// Start listens. It fails, with nothing left open, if a port is taken, two routes conflict or the certificate cannot
// be used.
func (s *Server) Start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := errors.Join(s.readRoutes(), s.mountParts()); err != nil {
		return err
	}
	var plain, secure net.Listener
	var err error
	if *s.cfg.HTTP.Enable {
		if plain, err = netlisten.TCP(ctx, "httpServer", "port", s.cfg.HTTP.BindIP, s.cfg.HTTP.Port); err != nil {
			return err
		}
	}
	if s.cfg.https() {
		if secure, err = s.serveTLS(ctx); err != nil {
			if plain != nil {
				_ = plain.Close()
			}
			return err
		}
		s.https = secure.Addr()
	}
	if plain != nil {
		s.http = plain.Addr()
		s.servePlain(plain)
		s.api.Listening(netlisten.Port(plain))
	}
	if secure != nil {
		s.api.Listening(netlisten.Port(secure))
	}
	s.api.Stats.Section("webServer", s.stats)
	return nil
}

func (s *Server) serveTLS(ctx context.Context) (net.Listener, error) {
	cert, err := netlisten.LoadCertificate("httpsServer", s.cfg.HTTPS.CertFile, s.cfg.HTTPS.KeyFile, s.api.Log())
	if err != nil {
		return nil, err
	}
	ln, err := netlisten.TCP(ctx, "httpsServer", "port", s.cfg.HTTPS.BindIP, s.cfg.HTTPS.Port)
	if err != nil {
		return nil, err
	}
	srv := s.newServer()
	s.servers = append(s.servers, srv)
	srv.ReadHeaderTimeout, srv.IdleTimeout = s.cfg.Common.HeaderTimeout, s.cfg.Common.IdleTimeout
	srv.TLSConfig = cert.Config("h2", "http/1.1")
	// A client that sends a frame slowly cannot answer a ping meanwhile.
	limit := s.cfg.Common.HeaderTimeout
	srv.HTTP2 = &http.HTTP2Config{SendPingTimeout: limit * 3 / 4, PingTimeout: limit / 2}
	s.running.Go(func() { s.serve(srv.ServeTLS(paced{ln, s.cfg.Common.WriteTimeout, nil}, "", "")) })
	return ln, nil
}

func (s *Server) newServer() *http.Server {
	common := &s.cfg.Common
	return &http.Server{
		Handler:        s.handler,
		MaxHeaderBytes: common.MaxHeaderBytes,
		ErrorLog:       slog.NewLogLogger(s.api.Log().Handler(), slog.LevelDebug),
	}
}

// stopper is a server that is at work.
type stopper interface {
	Shutdown(context.Context) error
	Close() error
}

func (s *Server) serve(err error) {
	if !errors.Is(err, http.ErrServerClosed) {
		s.api.Log().Error("the web server stopped by itself", "error", err.Error())
	}
}

// readRoutes builds the table of the routes that actions declare.
func (s *Server) readRoutes() error {
	s.routes = route.Table[string]{}
	for _, info := range s.api.Actions() {
		if info.Route == "" {
			continue
		}
		pattern, err := route.Parse(info.Route)
		if err != nil {
			return err
		}
		if err := s.routes.Add(pattern, info.Name); err != nil {
			return err
		}
	}
	return nil
}

// Stop stops accepting and waits for the requests in flight. When ctx ends before that, it closes their connections.
func (s *Server) Stop(ctx context.Context) error {
	s.mu.Lock()
	servers := s.servers
	s.servers, s.http, s.https = nil, nil, nil
	s.mu.Unlock()
	s.api.Stats.Section("webServer", nil)
	var stopping sync.WaitGroup
	errs := make([]error, len(servers))
	for i, srv := range servers {
		stopping.Go(func() {
			if errs[i] = srv.Shutdown(ctx); errs[i] != nil {
				_ = srv.Close()
			}
		})
	}
	stopping.Wait()
	s.running.Wait()
	return errors.Join(errs...)
}

func (s *Server) stats(context.Context) (any, error) {
	n := s.requests.Load()
	return statsReport{Global: n, Local: n}, nil
}

type statsReport struct {
	Global int64 `json:"numberOfGlobalWebRequests"`
	Local  int64 `json:"numberOfLocalWebRequests"`
}

// Paths are the URL paths of what the server serves.
type Paths struct{ Actions, Files string }

// Paths returns where actions and files are.
func (s *Server) Paths() Paths {
	return Paths{Actions: "/" + s.cfg.Common.URLPathForActions, Files: "/" + s.cfg.Common.URLPathForFiles}
}
