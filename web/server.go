// Package web serves actions and files over HTTP and HTTPS.
//
// Each request becomes an [actionhero.Request] and is dispatched like the requests of all other transports. This
// package holds the HTTP part: the meaning of URLs, the sources of params, the envelope of a response, files, and the
// functions with which an action changes its response ([SetStatus], [Header], [Redirect], [Writer]). The package
// internal/http1, the fast path, reads and writes the ordinary requests over HTTP/1.1. net/http serves all other requests.
//
// Begin reading at [Server.ServeHTTP] in handler.go for requests, and at fastpath.go for the choice between the fast
// path and net/http.
//
// Invariant: no handler can block a connection without a time limit. The limits of the section "commonWeb" apply to all
// requests, including requests for mounted handlers. progress.go limits the time for each part of a body or a response.
// reaper.go closes connections that stay idle or send the head of a request too slowly.
package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/browserguard"
	"github.com/actionhero-go/actionhero/internal/netlisten"
	"github.com/actionhero-go/actionhero/internal/route"
	"github.com/actionhero-go/actionhero/transport"
)

// Server is the transport for HTTP and HTTPS. It is an [actionhero.Component] that listens on its own ports. It is also
// an [http.Handler], for programs that listen on ports of their own.
type Server struct {
	api      transport.Host
	cfg      Config
	proxies  []netip.Prefix
	fixed    fixed
	streams  *streams
	pacer    pacer
	workers  workers
	buffered budget // bytes of bodies and answers in memory
	uploads  budget // bytes in temporary files

	guard
	refusals browserguard.Refusals
	handler  http.Handler // serveRequest inside withLimits
	jsonp    bool
	mounts   atomic.Pointer[mounts] // nil: no handlers are mounted
	routes   route.Table[string]

	mu        sync.Mutex
	started   bool
	draining  atomic.Bool
	drainedAt time.Time
	partsSeen int // the number of the API's parts that mountParts has seen
	servers   []stopper
	http      net.Addr
	https     net.Addr
	running   sync.WaitGroup

	fileCache   *fileCache // nil: none
	lastExpires atomic.Pointer[expiresNow]

	pageEnd    func() string // nil: pages are sent as they are; see EndPages
	healthPath string        // noHealth if the app uses the path itself
	requests   atomic.Int64
	documents  documents
	global     func(context.Context) int64 // the requests in the whole cluster
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
	guard, err := newGuard(&cfg)
	if err != nil {
		return nil, err
	}
	s := &Server{api: transport.Of(api), cfg: cfg, proxies: proxies, guard: guard, healthPath: noHealth}
	s.global = s.api.Global("webRequests", s.requests.Load)
	if len(proxies) > 0 {
		s.allowedOrigins.Forwarded = s.Forwarded
	}
	isOriginal := slices.Contains(s.api.Parts(), any(original{}))
	s.fixed, s.jsonp = newFixed(api.Config(), &cfg.Common, isOriginal), choice(cfg.Common.JSONP, isOriginal && cfg.Common.Envelope != "plain")
	if hsts := cfg.HTTPS.HSTS; hsts > 0 {
		s.fixed.useHSTS(hsts)
	}
	s.buffered.max, s.uploads.max = cfg.Common.MaxBufferedBytes, cfg.Common.MaxUploadBytes
	s.pacer.timeout, s.pacer.workers = cfg.Common.WriteTimeout, &s.workers
	s.workers.pacer = &s.pacer
	s.fileCache = newFileCache(cfg.Common.FileCacheBytes)
	s.streams = newStreams(cfg.HTTPS.MaxRequests, s.trusted)
	s.handler = s.withLimits(http.HandlerFunc(s.serveRequest))
	if err := errors.Join(s.mountParts(), s.addOpenAPI()); err != nil {
		return nil, err
	}
	return s, nil
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
	if err := errors.Join(s.readRoutes(), s.mountParts(), s.checkUploadDirectory()); err != nil {
		return err
	}
	if err := s.checkHidden(s.mounts.Load()); err != nil {
		return err
	}
	s.healthPath = s.freeHealthPath()
	var plain, secure net.Listener
	var err error
	limits := s.limits()
	if *s.cfg.HTTP.Enable {
		if plain, err = netlisten.TCP(ctx, "httpServer", "port", s.cfg.HTTP.BindIP, s.cfg.HTTP.Port); err != nil {
			return err
		}
		plain = limits.Listener(plain)
	}
	if s.cfg.https() {
		if secure, err = s.serveTLS(ctx, limits); err != nil {
			if plain != nil {
				_ = plain.Close()
			}
			return err
		}
		s.https = secure.Addr()
	}
	if plain != nil {
		s.http = plain.Addr()
		s.servePort(plain, nil)
		s.api.Listening(netlisten.Port(plain))
	}
	if secure != nil {
		s.api.Listening(netlisten.Port(secure))
	}
	s.started = true
	s.workers.start()
	s.draining.Store(false)
	s.api.Stats.Section("webServer", s.stats)
	return nil
}

// limits returns the limits of the connections to both ports. The limit of one address does not apply to a proxy, which
// has the connections of many clients, and to local programs.
func (s *Server) limits() *netlisten.Limits {
	return netlisten.NewLimits(netlisten.LimitConfig{
		Section: "commonWeb", Max: max(s.cfg.Common.MaxConns, 0), PerAddress: max(s.cfg.Common.MaxConnsPerAddr, 0),
		Trusted: func(addr netip.Addr) bool { return addr.IsLoopback() || s.trusted(addr.String()) }, Log: s.api.Log(),
	})
}

func (s *Server) serveTLS(ctx context.Context, limits *netlisten.Limits) (net.Listener, error) {
	cert, err := netlisten.LoadCertificate("httpsServer", s.cfg.HTTPS.CertFile, s.cfg.HTTPS.KeyFile, s.api.Log())
	if err != nil {
		return nil, err
	}
	tlsConfig := cert.Config("h2", "http/1.1", "http/1.0")
	if err := netlisten.VerifyClients(tlsConfig, "httpsServer", s.cfg.HTTPS.ClientCAFile, s.cfg.HTTPS.ClientCert == "required", s.api.Log()); err != nil {
		return nil, err
	}
	ln, err := netlisten.TCP(ctx, "httpsServer", "port", s.cfg.HTTPS.BindIP, s.cfg.HTTPS.Port)
	if err != nil {
		return nil, err
	}
	ln = limits.Listener(ln)
	s.servePort(ln, tlsConfig)
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

// readRoutes builds the tables of the routes that the actions declare. It returns an error if a route is malformed, two
// routes conflict, or a route hides another action.
func (s *Server) readRoutes() error {
	s.routes = route.Table[string]{}
	names := s.api.ActionNames()
	if err := s.addRoutes(names); err != nil {
		return err
	}
	for _, name := range names {
		path := s.pathOf(name)
		ignore := func(string, string) {}
		if _, known, _ := s.routes.Match("", path, true, ignore); len(known) == 0 { // no route has this path, whatever its method
			continue
		}
		for _, method := range methods {
			if other, _, ok := s.routes.Match(method, path, true, ignore); ok && other != s.api.Action(name).VersionedName() {
				return fmt.Errorf("a route of action %q hides the action %q at %s: change it", other, name, path)
			}
		}
	}
	return nil
}

// addRoutes adds the routes of all actions. Of several versions with the same route, it is the one of the newest.
func (s *Server) addRoutes(names []string) error {
	var versions []*actionhero.ActionInfo
	for _, name := range names {
		info := s.api.Action(name)
		if info.Version > 0 {
			if name != info.Name {
				versions = append(versions, info)
			}
			continue
		}
		for _, text := range info.Routes {
			if err := s.addRoute(text, name); err != nil {
				return err
			}
		}
	}
	slices.SortStableFunc(versions, func(a, b *actionhero.ActionInfo) int { return cmp.Compare(b.Version, a.Version) })
	added := map[string]bool{}
	for _, info := range versions {
		for _, text := range info.Routes {
			pattern, err := route.Parse(text)
			if err != nil {
				return err
			}
			if key := pattern.Key() + " " + info.Name; !added[key] {
				added[key] = true
				if err := s.addRoute(text, info.VersionedName()); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (s *Server) addRoute(text, action string) error {
	pattern, err := route.Parse(text)
	if err != nil {
		return err
	}
	if pattern.Method == http.MethodOptions {
		return fmt.Errorf("the route %q of action %q has the method OPTIONS, which runs no action: choose another method", text, action)
	}
	return s.routes.Add(pattern, action)
}

// answerGrace is how long Stop waits for the responses to requests that the end of a stop has cancelled.
const answerGrace = time.Second

// Stop closes the listeners and waits for the running requests to end, but not longer than until ctx is done. The API
// then cancels the running requests. Stop waits for their responses for a second, and then closes the connections that
// are left.
func (s *Server) Stop(ctx context.Context) error {
	s.mu.Lock()
	servers := s.servers
	s.servers, s.http, s.https, s.started = nil, nil, nil, false
	s.mu.Unlock()
	s.api.Stats.Section("webServer", nil)
	patient, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() {
		select {
		case <-patient.Done():
		case <-time.After(answerGrace):
			cancel()
		}
	})()
	var stopping sync.WaitGroup
	errs := make([]error, len(servers))
	for i, srv := range servers {
		stopping.Go(func() {
			if err := srv.Shutdown(patient); err != nil {
				errs[i] = cmp.Or(ctx.Err(), err)
				_ = srv.Close()
			}
		})
	}
	stopping.Wait()
	s.running.Wait()
	s.workers.stop()
	return errors.Join(errs...)
}

func (s *Server) stats(ctx context.Context) (any, error) {
	return statsReport{Global: s.global(ctx), Local: s.requests.Load()}, nil
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
