package server_test

import (
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

// A server that other machines reach warns once in each start, unless it has middleware. The TCP port listens on this
// machine only by default.
func TestOneWarningBeyondLoopback(t *testing.T) {
	t.Parallel()
	if cfg, err := server.Load(t.TempDir()); err != nil || cfg.TCPServer.BindIP != "127.0.0.1" {
		t.Errorf("the TCP port listens on %q by default, %v", cfg.TCPServer.BindIP, err)
	}
	for name, test := range map[string]struct {
		web, tcp   string
		middleware bool
		warnings   int
	}{
		"loopback":   {"127.0.0.1", "::1", false, 0},
		"web":        {"0.0.0.0", "127.0.0.1", false, 1},
		"tcp":        {"127.0.0.1", "0.0.0.0", false, 1},
		"both":       {"0.0.0.0", "0.0.0.0", false, 1},
		"middleware": {"0.0.0.0", "0.0.0.0", true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := testkit.New(t, testkit.Options{Change: func(cfg *server.Config) {
				cfg.HTTPServer.BindIP, cfg.TCPServer.BindIP = test.web, test.tcp
				cfg.General.RequestLimit = 100
			}})
			if test.middleware {
				s.API.Use(func(next actionhero.Handler) actionhero.Handler { return next })
			}
			s.Start()
			if n := len(s.Log.With("listening", ":")); n != test.warnings {
				t.Errorf("the log has %d warnings, want %d", n, test.warnings)
			}
		})
	}
}
