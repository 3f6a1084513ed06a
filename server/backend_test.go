package server_test

import (
	"os"
	"testing"

	"github.com/actionhero-go/actionhero/backend/redis"
	"github.com/actionhero-go/actionhero/server"
)

// The id of a node stays through restarts if its configuration names its ports, and is else left to chance.
func TestANodeIsNamedAfterItsPorts(t *testing.T) {
	t.Parallel()
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	off := false
	for want, change := range map[string]func(*server.Config){
		host + ":8080:5000":      func(*server.Config) {},
		host + ":8081:5000:5001": func(c *server.Config) { c.HTTPServer.Port, c.TCPServer.TLSPort = 8081, 5001 },
		host + ":8080":           func(c *server.Config) { c.TCPServer.Enable = &off },
		"mine":                   func(c *server.Config) { c.General.ID = "mine" },
		"":                       func(c *server.Config) { c.TCPServer.Port = -1 },
	} {
		var cfg server.Config
		if change(&cfg); cfg.NodeID() != want {
			t.Errorf("the id is %q, want %q", cfg.NodeID(), want)
		}
	}
	cfg := server.Config{}
	if cfg.HTTPServer.Enable, cfg.TCPServer.Enable = &off, &off; cfg.NodeID() != "" {
		t.Errorf("a node without ports has the id %q", cfg.NodeID())
	}
}

// A server that should be a node of a cluster never runs alone in silence.
func TestAClusterIsNeverReplacedByAProcessAlone(t *testing.T) {
	t.Parallel()
	for _, cfg := range []redis.Config{{Enable: true}, {URL: "redis://127.0.0.1:1/0"}} {
		off := false
		all := server.Config{Redis: cfg, Log: server.LogConfig{Logging: &off}}
		if !all.Clustered() {
			t.Errorf("%+v is not clustered", cfg)
		}
		s, err := server.New(all)
		if err != nil || !s.Cluster.Shared() {
			t.Errorf("New: %v", err)
		}
	}
}
