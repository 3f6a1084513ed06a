package limit_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/actionherotest"
	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/internal/testkit/memcluster"
	"github.com/actionhero-go/actionhero/limit"
)

// node is the backend of a node whose calls of Take are counted, and fail while cut is true.
type node struct {
	backend.Backend
	store
}

type store struct {
	backend.Store
	asked *atomic.Int64
	cut   *atomic.Bool
}

func (n node) Store() backend.Store { return n.store }

func (s store) Take(ctx context.Context, key string, rate backend.Rate) (backend.Taken, error) {
	s.asked.Add(1)
	if len(key) > 300 {
		return backend.Taken{}, errors.New("the key is long")
	}
	if s.cut.Load() {
		<-ctx.Done()
		return backend.Taken{}, backend.ErrUnavailable
	}
	return s.Store.Take(ctx, key, rate)
}

// start starts a node of the cluster with an action that has a shared limit of 4 in 4 hours.
func start(t *testing.T, net *memcluster.Net, log slog.Handler) (api *actionhero.API, s store) {
	t.Helper()
	b := net.Node()
	s = store{b.Store(), new(atomic.Int64), new(atomic.Bool)}
	l := limit.New(limit.Limit{Name: "l", Events: 4, Per: 4 * time.Hour, Shared: true})
	api, err := actionhero.New(actionhero.Config{Backend: node{b, s}, Log: slog.New(log), ID: t.Name() + time.Now().String()}, action("a", l.By(byParam)))
	if err == nil {
		api.Accept("who")
		err = api.Start(context.Background())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = api.Stop(context.Background()) })
	return api, s
}

func byParam(req *actionhero.Request) string { return req.Params.Get("who") }

// allowed returns how many of n requests are allowed.
func allowed(t *testing.T, api *actionhero.API, who string, n int) (yes int) {
	t.Helper()
	for range n {
		_, err := actionherotest.Run(t, api, "a", map[string]string{"who": who})
		if err == nil {
			yes++
		} else if e := actionhero.AsError(err); e.Code != actionhero.CodeResourceExhausted || e.RetryAfter <= 0 {
			t.Errorf("%+v", e)
		}
	}
	return yes
}

// The nodes of a cluster count together. A client that goes on beyond its limit costs no call of the server.
func TestASharedLimitCountsInTheCluster(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		net := memcluster.New(t)
		a, asked := start(t, net, slog.DiscardHandler)
		time.Sleep(time.Second)
		b, _ := start(t, net, slog.DiscardHandler)
		long := strings.Repeat("k", 5000)
		for _, who := range []string{"ann", long} {
			asked.asked.Store(0)
			if n := allowed(t, a, who, 3) + allowed(t, b, who, 3); n != 4 {
				t.Errorf("%d of 4 are allowed", n)
			}
			if n := allowed(t, a, who, 50); n != 0 || asked.asked.Load() != 4 {
				t.Errorf("beyond the limit %d are allowed, and the server is asked %d times, want 3 and once for the refusal", n, asked.asked.Load())
			}
		}
		time.Sleep(time.Hour)
		if n := allowed(t, b, "ann", 2) + allowed(t, a, "ann", 2); n != 1 {
			t.Errorf("%d are allowed after the time of one", n)
		}
	})
}

// While the server does not answer, each node counts alone, and only one request each second waits for it.
func TestASharedLimitSurvivesAnOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log testkit.Recorder
		net := memcluster.New(t)
		api, s := start(t, net, &log)
		if n := allowed(t, api, "ann", 2); n != 2 {
			t.Errorf("%d are allowed", n)
		}
		s.cut.Store(true)
		s.asked.Store(0)
		begun := time.Now()
		if n := allowed(t, api, "ann", 10); n != 2 {
			t.Errorf("%d further requests are allowed in the outage, want the rest of 2", n)
		}
		for _, who := range []string{"b", "c", "d", "e"} {
			if n := allowed(t, api, who, 100); n != 4 {
				t.Errorf("%d requests of %s are allowed in the outage", n, who)
			}
		}
		if d := time.Since(begun); d > time.Second || s.asked.Load() != 1 {
			t.Errorf("the requests took %v for %d calls of the server", d, s.asked.Load())
		}
		time.Sleep(2 * time.Second)
		s.cut.Store(false)
		s.asked.Store(0)
		if n := allowed(t, api, "new", 10); n != 4 || s.asked.Load() != 4 {
			t.Errorf("%d are allowed after the outage, with %d calls of the server", n, s.asked.Load())
		}
		lines := 0
		for _, e := range log.Entries() {
			if strings.Contains(e.Message, "counts on this node alone") && e.Attrs["limit"] == "l" {
				lines++
			}
		}
		if lines != 1 {
			t.Errorf("the log has %d lines about the outage", lines)
		}
	})
}

// A client that goes away is no outage.
func TestACancelledRequestIsNoOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log testkit.Recorder
		api, s := start(t, memcluster.New(t), &log)
		s.cut.Store(true)
		l := limit.New(limit.Limit{Name: "other", Events: 1, Per: time.Hour, Shared: true})
		gone := action("gone")
		gone.Run = func(ctx context.Context, in none) (none, error) {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			return in, l.Allow(ctx, "ann")
		}
		if err := api.Register(gone); err != nil {
			t.Fatal(err)
		}
		if _, err := actionherotest.Run(t, api, "gone", nil); err != nil {
			t.Error(err)
		}
		for _, e := range log.Entries() {
			if e.Level >= slog.LevelWarn {
				t.Errorf("the log has %s", e.Message)
			}
		}
	})
}

func TestASharedLimitNeedsARequest(t *testing.T) {
	t.Parallel()
	l := limit.New(limit.Limit{Name: "l", Events: 1, Per: time.Hour, Shared: true})
	if err := l.Allow(t.Context(), "ann"); err == nil || !strings.Contains(err.Error(), "pass the context of the action") {
		t.Error(err)
	}
	inAction := action("a")
	inAction.Run = func(ctx context.Context, in none) (none, error) { return in, l.Allow(ctx, "ann") }
	api := actionherotest.New(t, inAction) // without a cluster
	if err := run(t, api, "a", ""); err != nil {
		t.Error(err)
	}
	if err := run(t, api, "a", ""); actionhero.AsError(err).Code != actionhero.CodeResourceExhausted {
		t.Error(err)
	}
}
