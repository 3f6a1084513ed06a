// Package web serves actions and files over HTTP and HTTPS.
//
// Each request becomes an [actionhero.Request] and is dispatched like the requests of all other transports. This
// package holds the HTTP part: the meaning of URLs, the sources of params, the envelope of a response, files, and the
// functions with which an action changes its response ([SetStatus], [Header], [Redirect], [Writer]). The package
// internal/http1, the fast path, reads and writes the ordinary requests over HTTP/1.1 without TLS. net/http serves all
// other requests.
//
// Begin reading at [Server.ServeHTTP] in handler.go for requests, and at fastpath.go for the choice between the fast
// path and net/http.
//
// Invariant: no handler can block a connection without a time limit. The limits of the section "commonWeb" apply to all
// requests, including requests for mounted handlers. progress.go limits the time for each part of a body or a response.
// reaper.go closes connections that stay idle or send the head of a request too slowly.
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

// Server is the transport for HTTP and HTTPS. It is an [actionhero.Component] that listens on its own ports. It is also
// an [http.Handler], for programs that listen on ports of their own.
type Server struct {
	api             transport.Host
	cfg             Config
	proxies         []netip.Prefix
	fixed           fixed
	streams         *streams
	handler         http.Handler // serveRequest inside withLimits, and inside CORS if that is on
	fastHandler     http.Handler // serveActionOrFile, inside CORS if that is on
	mux             *http.ServeMux
	mountedPrefixes []string // the literal prefixes of the patterns in mux; see mountedPrefix
	partsSeen       int      // the number of the API's parts that mountParts has seen
	routes          route.Table[string]

	mu      sync.Mutex
	servers []stopper
	http    net.Addr
	https   net.Addr
	running sync.WaitGroup

	requests atomic.Int64
}

// New returns a Server for api. The Server listens after a call of Start. If a setting is wrong, the error names the
// setting.
func New(api *actionhero.API, cfg Config) (*Server, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	proxies, err := parseProxies(cfg.Common.TrustedProxies)
	if err != nil {
		return nil, err
	}
	s := &Server{api: transport.Of(api), cfg: cfg, proxies: proxies, mux: http.NewServeMux(), fixed: newFixed(api.Config(), &cfg.Common)}
	s.streams = newStreams(cfg.HTTPS.MaxRequests, s.trusted)
	s.handler, s.fastHandler = http.HandlerFunc(s.serveRequest), http.HandlerFunc(s.serveActionOrFile)
	if origins := cfg.Common.AllowedOrigins; len(origins) > 0 {
		policy := cors.New(cors.Options{
			AllowedOrigins: origins, AllowedMethods: methods, AllowedHeaders: []string{"*"}, MaxAge: 600,
		})
		s.handler, s.fastHandler = policy.Handler(s.handler), policy.Handler(s.fastHandler)
	}
	s.handler = s.withLimits(s.handler)
	if err := s.mountParts(); err != nil {
		return nil, err
	}
	return s, nil
}

type mount struct {
	pattern string
	handler http.Handler
}

// Mount returns a part of an app. The part registers handler for all requests over HTTP and HTTPS that match pattern, a
// pattern of [http.ServeMux]. The limits of the section "commonWeb" apply to these requests. If pattern is malformed or
// conflicts with another pattern, [New] returns an error. If the part is registered after the call of New,
// [Server.Start] returns this error instead.
func Mount(pattern string, handler http.Handler) actionhero.Part {
	return transport.Part(mount{pattern, handler})
}

// mountParts calls Server.Mount for each part that [Mount] has returned and that was registered with the API since the
// last call of mountParts.
func (s *Server) mountParts() error {
	for _, part := range s.api.Parts()[s.partsSeen:] {
		if m, ok := part.(mount); ok {
			if err := s.Mount(m.pattern, m.handler); err != nil {
				return err
			}
		}
		s.partsSeen++
	}
	return nil
}

// Mount registers h for all requests that match pattern, like the function [Mount]. Call Server.Mount before Start. If
// pattern is malformed or conflicts with another pattern, Server.Mount returns an error.
func (s *Server) Mount(pattern string, h http.Handler) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the handler cannot be mounted at %q: %v", pattern, p)
		}
	}()
	s.mux.Handle(pattern, h)
	s.mountedPrefixes = append(s.mountedPrefixes, mountedPrefix(pattern))
	return nil
}

// Addr returns the address on which the server listens for HTTP, or nil if the server does not listen for HTTP.
func (s *Server) Addr() net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.http
}

// TLSAddr returns the address on which the server listens for HTTPS, or nil if the server does not listen for HTTPS.
func (s *Server) TLSAddr() net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.https
}

// Start opens the ports and serves requests. It returns an error if a port is in use, two routes conflict or the
// certificate cannot be used. After an error, all ports are closed.
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
	// A client cannot answer an HTTP/2 ping while the client sends a frame, so a ping also limits the time for a frame.
	limit := s.cfg.Common.HeaderTimeout
	srv.ConnContext = withHTTP2Conn
	srv.HTTP2 = &http.HTTP2Config{
		SendPingTimeout: limit * 3 / 4, PingTimeout: limit / 2, MaxConcurrentStreams: s.cfg.HTTPS.MaxStreams,
	}
	s.running.Go(func() { s.logServeError(srv.ServeTLS(progressListener{ln, s.cfg.Common.WriteTimeout, nil}, "", "")) })
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

// stopper is a running HTTP server that Server.Stop shuts down.
type stopper interface {
	Shutdown(context.Context) error
	Close() error
}

func (s *Server) logServeError(err error) {
	if !errors.Is(err, http.ErrServerClosed) {
		s.api.Log().Error("the web server stopped unexpectedly", "error", err.Error())
	}
}

// readRoutes builds the table of the routes that the actions declare. It returns an error if a route is malformed or
// two routes conflict.
func (s *Server) readRoutes() error {
	s.routes = route.Table[string]{}
	for _, info := range s.api.Actions() {
		for _, text := range info.Routes {
			pattern, err := route.Parse(text)
			if err != nil {
				return err
			}
			if err := s.routes.Add(pattern, info.Name); err != nil {
				return err
			}
		}
	}
	return nil
}

// Stop closes the listeners and waits for the running requests to end, but not longer than until ctx is done. If ctx is
// done first, Stop closes the connections of the running requests.
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

// Paths holds the URL paths of actions and files, each with a leading slash.
type Paths struct{ Actions, Files string }

// Paths returns the URL paths of actions and files, as the configuration sets them.
func (s *Server) Paths() Paths {
	return Paths{Actions: "/" + s.cfg.Common.URLPathForActions, Files: "/" + s.cfg.Common.URLPathForFiles}
}
