package server_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/builtin"
	"github.com/actionhero-go/actionhero/server"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start starts a server on free ports that stops with the test; change sets what the test needs.
func start(t testing.TB, change func(*server.Config), parts ...actionhero.Part) *server.Server {
	t.Helper()
	var cfg server.Config
	cfg.Log.Logging = new(false)
	cfg.HTTPServer.Port, cfg.HTTPServer.BindIP = -1, "127.0.0.1"
	cfg.TCPServer.Port, cfg.TCPServer.BindIP = -1, "127.0.0.1"
	cfg.Tasks.Memory = true
	cfg.General.ID = "test"
	if change != nil {
		change(&cfg)
	}
	s, err := server.New(cfg, append(parts, builtin.All)...)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(context.Background()); err != nil {
			t.Errorf("Stop: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

func dial(t testing.TB, addr net.Addr) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// write makes a file with its folders.
func write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
