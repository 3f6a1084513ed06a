//go:build unix

package auth_test

import (
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/auth"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/internal/testkit/redistest"
	"github.com/actionhero-go/actionhero/server"
)

// Over Redis, sessions are the same as over the other backends, and Redis has no id of a session.
func TestSessionsOverRedis(t *testing.T) {
	t.Parallel()
	redis, prefix := redistest.Redis.Shared(t), redistest.Prefix()
	app := newSite(auth.SessionConfig{})
	start := func(id string) *testkit.Server {
		return app.start(t, func(cfg *server.Config) {
			cfg.General.ID, cfg.Redis.URL, cfg.Redis.Prefix, cfg.Redis.Timeout = id, "redis://"+redis.Addr, prefix, 10*time.Second
		})
	}
	a, b := start("a"), start("b")
	for _, s := range []*testkit.Server{a, b} {
		testkit.Eventually(t, "the node knows the other one", func() bool {
			peers, err := s.Cluster.Peers(t.Context())
			return err == nil && len(peers) == 2
		})
	}
	followsSessions(t, a, b, app)
	c := newBrowser(a.HTTP(t))
	c.login(t, "ann")
	id := c.cookies["session"]
	n := 0
	for key, err := range a.Cache.Keys(t.Context(), "_session") {
		if err != nil {
			t.Fatal(err)
		}
		n++
		e, err := a.Cache.Get(t.Context(), key)
		if err == nil && (strings.Contains(key, id) || strings.Contains(string(e.Value), id) || e.ExpiresAt.IsZero()) {
			t.Errorf("Redis has the id of a session, or a record without an end: %s", key)
		}
	}
	if n < 2 {
		t.Errorf("Redis has %d records", n)
	}
}
