//go:build unix

package server_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/internal/testkit/redistest"
	ratelimit "github.com/actionhero-go/actionhero/limit"
)

// Clients of all transports and of both nodes count together, exactly.
func TestASharedLimitIsExactOverTransportsAndNodes(t *testing.T) {
	t.Parallel()
	redis, prefix := redistest.Redis.Shared(t), redistest.Prefix()
	var nodes []*testkit.Server
	for _, id := range []string{"a", "b"} {
		l := ratelimit.New(ratelimit.Limit{Name: "few", Events: 20, Per: time.Hour, Shared: true}) // as each process makes its own
		nodes = append(nodes, startOverRedis(t, redis.Addr, prefix, id, actionhero.Action[actionhero.None, actionhero.None]{
			Name: "limited", Middleware: []actionhero.Middleware{l.By(ratelimit.IP)},
			Run: func(context.Context, actionhero.None) (n actionhero.None, err error) { return n, nil },
		}))
	}
	var allowed atomic.Int64
	var wg sync.WaitGroup
	for _, s := range nodes {
		for _, c := range []testkit.Client{s.HTTP(t), s.TCP(t), s.WS(t), s.SIO(t)} {
			wg.Go(func() {
				for range 5 {
					if c.Do("limited", nil).Error == "" {
						allowed.Add(1)
					}
				}
			})
		}
	}
	wg.Wait()
	if n := allowed.Load(); n != 20 {
		t.Errorf("%d requests are allowed, want 20", n)
	}
}
