package testkit

import (
	"cmp"
	"context"
	"crypto/tls"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/builtin"
	"github.com/actionhero-go/actionhero/server"
	"github.com/actionhero-go/actionhero/web"
)

// Options describes the server of a test. The zero value describes a server with the built-in actions and without TLS.
type Options struct {
	Parts actionhero.Parts // parts in addition to the built-in actions; default: none
	TLS   bool             // true: the server also listens for HTTPS and TCP over TLS
	// Change may change the settings of the server. New sets the ports, addresses, certificates and log that Change
	// leaves empty.
	Change func(cfg *server.Config)
}

// Server is a complete server under test, with every transport.
type Server struct {
	*server.Server
	Config    server.Config
	Log       *Recorder
	Public    string      // folder of static files, unless Change names another
	ClientTLS *tls.Config // TLS configuration of clients; nil without TLS
	Parts     actionhero.Parts

	t testing.TB
}

// Start creates and starts a server. The server stops at the end of the test.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	s := New(t, o)
	s.Start()
	return s
}

// New creates a server without starting it. At the end of the test, the server stops if it is running.
func New(t testing.TB, o Options) *Server {
	t.Helper()
	s := &Server{t: t, Log: new(Recorder), Public: t.TempDir()}
	cfg := &s.Config
	cfg.General.ID = "test"
	cfg.General.Log = slog.New(s.Log)
	cfg.General.FlatFileDirectory = s.Public
	cfg.General.AnnounceLimit = -1
	cfg.Tasks.Memory = true
	usePorts(cfg) // Change may load a file, which fills the empty fields
	if o.Change != nil {
		o.Change(cfg)
	}
	if o.TLS {
		cert, key, client := Certificate(t)
		cfg.HTTPSServer.CertFile, cfg.HTTPSServer.KeyFile = cmp.Or(cfg.HTTPSServer.CertFile, cert), cmp.Or(cfg.HTTPSServer.KeyFile, key)
		cfg.TCPServer.CertFile, cfg.TCPServer.KeyFile = cmp.Or(cfg.TCPServer.CertFile, cert), cmp.Or(cfg.TCPServer.KeyFile, key)
		cfg.TCPServer.TLSPort, s.ClientTLS = cmp.Or(cfg.TCPServer.TLSPort, -1), client
	}
	usePorts(cfg)
	var err error
	s.Parts = actionhero.Parts{o.Parts, builtin.Stock, web.Original}
	if s.Server, err = server.New(*cfg, s.Parts); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

// usePorts sets each empty port setting of cfg to a free port, and each empty bindIP to the loopback address.
func usePorts(cfg *server.Config) {
	const loopback, anyPort = "127.0.0.1", -1
	cfg.HTTPServer.Port, cfg.HTTPServer.BindIP = cmp.Or(cfg.HTTPServer.Port, anyPort), cmp.Or(cfg.HTTPServer.BindIP, loopback)
	cfg.HTTPSServer.Port, cfg.HTTPSServer.BindIP = cmp.Or(cfg.HTTPSServer.Port, anyPort), cmp.Or(cfg.HTTPSServer.BindIP, loopback)
	cfg.TCPServer.Port, cfg.TCPServer.BindIP = cmp.Or(cfg.TCPServer.Port, anyPort), cmp.Or(cfg.TCPServer.BindIP, loopback)
}

// Start starts the server and ends the test if the start fails. A test that expects an error calls s.API.Start instead.
func (s *Server) Start() {
	s.t.Helper()
	if err := s.API.Start(context.Background()); err != nil {
		s.t.Fatal(err)
	}
}

// Stop stops the server and fails the test if an error occurs. A second Stop does nothing. A test that expects an error
// calls s.API.Stop instead.
func (s *Server) Stop() {
	s.t.Helper()
	if err := s.API.Stop(context.Background()); err != nil {
		s.t.Errorf("Stop: %v", err)
	}
}

// Put writes text to a file with the given name in the folder of static files.
func (s *Server) Put(t testing.TB, name, text string) {
	t.Helper()
	WriteFile(t, filepath.Join(s.Public, filepath.FromSlash(name)), text)
}

// WriteFile writes text to the file at the path name, and creates the missing folders of the path.
func WriteFile(t testing.TB, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// NewAPI returns an API without transports and without a log, for tests of one component. The API is not started.
func NewAPI(t testing.TB, parts ...actionhero.Part) *actionhero.API {
	t.Helper()
	cfg := actionhero.Config{Backend: local.New(local.Config{}), Log: slog.New(slog.DiscardHandler), FlatFileDirectory: t.TempDir(), AnnounceLimit: -1}
	api, err := actionhero.New(cfg, append(parts, builtin.Stock)...)
	if err != nil {
		t.Fatal(err)
	}
	return api
}

// StartAPI starts an API and stops it at the end of the test. If the start or the stop fails, the test fails.
func StartAPI(t testing.TB, api *actionhero.API) {
	t.Helper()
	if err := api.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := api.Stop(context.Background()); err != nil {
			t.Errorf("Stop: %v", err)
		}
	})
}
