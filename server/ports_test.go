package server_test

import (
	"path/filepath"
	"testing"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

// The ports of another program are known, although its own sections are not. A file that cannot be read leaves the ports
// of the environment and the defaults.
func TestPortsOfAnotherProgram(t *testing.T) {
	for name, c := range map[string]struct {
		text   string
		http   int
		tcp    int
		failed bool
	}{
		"own sections": {"database:\n  path: x\nhttpServer:\n  port: 9001\n  unheardOf: 1\n", 9001, 5001, false},
		"malformed":    {"httpServer: [\n", 8080, 5001, true},
		"wrong value":  {"httpServer:\n  port: many\n", 8080, 5001, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("ACTIONHERO_TCP_SERVER_PORT", "5001")
			t.Setenv("ACTIONHERO_DATABASE_PATH", "y")
			file := filepath.Join(t.TempDir(), "config.yaml")
			testkit.WriteFile(t, file, c.text)
			ports, err := server.LoadPorts(file)
			if (err != nil) != c.failed || len(ports) != 2 || ports[0].Port != c.http || ports[1].Port != c.tcp {
				t.Errorf("%+v, %v", ports, err)
			}
		})
	}
}
