//go:build unix

package cli_test

import (
	"encoding/json"
	"net"
	"testing"

	"github.com/actionhero-go/actionhero/internal/testkit/redistest"
)

// Redis is checked with its version, its policy and its clock.
func TestDoctorLooksAtRedis(t *testing.T) {
	t.Parallel()
	s := redistest.Redis.Start(t, redistest.Options{})
	host, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	config := map[string]map[string]any{"redis": {"enable": true, "host": host, "port": json.Number(port)}}
	d, _ := diagnose(t, config)
	d.wants(t, "redis", "warn", "Redis "+s.Info(t, "redis_version")+" at "+s.Addr+" answers in ")
	d.wants(t, "time", "ok", "the clock of Redis differs by ")
	s.Do(t, "CONFIG", "SET", "appendonly", "yes", "maxmemory", "100mb")
	d, _ = diagnose(t, config)
	d.wants(t, "redis", "ok", "maxmemory-policy noeviction; ")
	s.Do(t, "CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
	d, _ = diagnose(t, config)
	d.wants(t, "redis", "fail", "has the maxmemory-policy allkeys-lru, so it deletes tasks and locks")
	s.Kill(t) // it refuses to stop while it writes its first append-only file
	d, _ = diagnose(t, config)
	d.wants(t, "redis", "fail", "the Redis server at "+s.Addr+" is not reached")
}
