package redis

import (
	"context"
	"os"
	"time"

	"github.com/actionhero-go/actionhero/internal/setting"
)

// Server describes the server that [Look] has found.
type Server struct {
	Address   string
	Version   string        // such as "Redis 7.0.15"; empty if the user may not ask
	Mode      string        // "standalone" or "cluster"
	Policy    string        // the maxmemory-policy
	MaxMemory string        // such as "256.00M"; "0B" is no limit
	Used      string        // memory in use
	Durable   bool          // it has an append-only file or replicas
	Skew      time.Duration // the clock of the server minus the clock of this process, exact to about RoundTrip
	RoundTrip time.Duration
}

// Look connects to the server of the configuration once, without waiting for it, and describes it. The errors are those
// with which the backend refuses a server or does not reach it.
func Look(ctx context.Context, config Config) (Server, error) {
	c := newCore(config)
	c.config.Wait = 0
	if err := c.config.check(); err != nil {
		return Server{}, err
	}
	addr, err := c.config.address(os.Getenv)
	if err != nil {
		return Server{}, err
	}
	s, err := c.connect(ctx, addr)
	if err != nil {
		return Server{}, err
	}
	defer s.client.Close()
	defer s.end()
	begun := time.Now()
	if err := s.readClock(ctx); err != nil {
		return Server{}, err
	}
	found := Server{Address: addr.String(), RoundTrip: time.Since(begun), Skew: time.Duration(s.offset.Load()) * time.Microsecond}
	info, err := readInfo(ctx, s.client)
	if err != nil {
		return found, nil // the server forbids INFO to the user
	}
	found.Version = "Redis " + info["redis_version"]
	if v := info["valkey_version"]; v != "" {
		found.Version = "Valkey " + v
	}
	found.Mode, found.Policy, found.MaxMemory, found.Used = info["redis_mode"], info["maxmemory_policy"], info["maxmemory_human"], info["used_memory_human"]
	found.Durable = info["aof_enabled"] != "0" || info["connected_slaves"] != "0"
	return found, nil
}

// Place says in words where the backend keeps its keys, such as "localhost:6379, prefix shop". It never contains a password.
// It is empty if the settings of the address are wrong.
func (c Config) Place() string {
	setting.Fill(&c)
	addr, err := c.address(os.Getenv)
	if err != nil {
		return ""
	}
	return addr.String() + ", prefix " + c.Prefix
}
