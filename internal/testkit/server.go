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
)

// Options are what a test needs of its server. The zero value is a server with the built-in actions and no TLS.
type Options struct {
	Parts actionhero.Parts // default: only the built-in ones, which are always there
	TLS   bool             // default: off; on: HTTPS and TCP over TLS as well
	// Change changes the settings. Ports, addresses, certificates and the log that it leaves empty are filled in.
	Change func(cfg *server.Config)
}

// Server is a whole server under test, with every transport.
type Server struct {
	*server.Server
	Config    server.Config
	Log       *Recorder
	Public    string      // folder of static files, unless Change names another
	ClientTLS *tls.Config // for clients; nil without TLS

	t testing.TB
}

// Start starts a server that stops with the test.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	s := New(t, o)
	s.Start()
	return s
}

// New makes a server that is not started. It stops with the test if it is started by then.
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
	if s.Server, err = server.New(*cfg, o.Parts, builtin.All); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

// usePorts has the server listen on free ports of the loopback interface, except where cfg names others.
func usePorts(cfg *server.Config) {
	const loopback, anyPort = "127.0.0.1", -1
	cfg.HTTPServer.Port, cfg.HTTPServer.BindIP = cmp.Or(cfg.HTTPServer.Port, anyPort), cmp.Or(cfg.HTTPServer.BindIP, loopback)
	cfg.HTTPSServer.Port, cfg.HTTPSServer.BindIP = cmp.Or(cfg.HTTPSServer.Port, anyPort), cmp.Or(cfg.HTTPSServer.BindIP, loopback)
	cfg.TCPServer.Port, cfg.TCPServer.BindIP = cmp.Or(cfg.TCPServer.Port, anyPort), cmp.Or(cfg.TCPServer.BindIP, loopback)
}

// Start starts the server, which must succeed. For its error call the Start of API.
func (s *Server) Start() {
	s.t.Helper()
	if err := s.API.Start(context.Background()); err != nil {
		s.t.Fatal(err)
	}
}

// Stop stops the server, which must succeed; a stopped one stays stopped. For its error call the Stop of API.
func (s *Server) Stop() {
	s.t.Helper()
	if err := s.API.Stop(context.Background()); err != nil {
		s.t.Errorf("Stop: %v", err)
	}
}

// Put writes a static file.
func (s *Server) Put(t testing.TB, name, text string) {
	t.Helper()
	WriteFile(t, filepath.Join(s.Public, filepath.FromSlash(name)), text)
}

// WriteFile writes a file, and its folders if they are missing.
func WriteFile(t testing.TB, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// NewAPI makes an API without transports and without a log, for tests of one component.
func NewAPI(t testing.TB, parts ...actionhero.Part) *actionhero.API {
	t.Helper()
	cfg := actionhero.Config{Backend: local.New(local.Config{}), Log: slog.New(slog.DiscardHandler), FlatFileDirectory: t.TempDir(), AnnounceLimit: -1}
	api, err := actionhero.New(cfg, append(parts, builtin.All)...)
	if err != nil {
		t.Fatal(err)
	}
	return api
}

// StartAPI starts an API that stops with the test.
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
