package actionhero_test

import (
	"cmp"
	"context"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/internal/testkit/memcluster"
	"github.com/actionhero-go/actionhero/transport"
	"github.com/actionhero-go/actionhero/worker"
)

// clusterNode is one started node of a cluster in memory.
type clusterNode struct {
	*actionhero.API
	backend *memcluster.Node
	log     *testkit.Recorder
}

// startNode adds a started node to a cluster.
func startNode(t testing.TB, net *memcluster.Net, id string, parts ...actionhero.Part) clusterNode {
	t.Helper()
	n := clusterNode{backend: net.Node(), log: &testkit.Recorder{}}
	n.API = newAPI(t, actionhero.Config{ID: id, APIVersion: "v" + id, Backend: n.backend, Log: slog.New(n.log)}, parts...)
	return n
}

func ids(peers []actionhero.Peer) string {
	var ids []string
	for _, p := range peers {
		ids = append(ids, p.ID)
	}
	return strings.Join(ids, " ")
}

// changes keeps what Watch reports.
type changes struct {
	mu   sync.Mutex
	text []string
}

func (c *changes) add(joined, left []actionhero.Peer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range joined {
		c.text = append(c.text, "+"+p.ID)
	}
	for _, p := range left {
		c.text = append(c.text, "-"+p.ID)
	}
}

func (c *changes) is(want ...string) func() bool {
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return slices.Equal(c.text, want)
	}
}

func TestNodesKnowTheirPeers(t *testing.T) {
	t.Parallel()
	net := memcluster.New(t)
	a := startNode(t, net, "a")
	var seen, gone changes
	a.Cluster.Watch(func(joined, left []actionhero.Peer) {
		seen.add(joined, left)
		panic("at the door")
	})
	a.Cluster.Watch(gone.add)() // stopped at once
	b, c := startNode(t, net, "b"), startNode(t, net, "c")
	peers, err := b.Cluster.Peers(t.Context())
	if err != nil || ids(peers) != "a b c" || !b.Cluster.Shared() {
		t.Fatalf("the peers are %+v, %v", peers, err)
	}
	host, _ := os.Hostname()
	for _, p := range peers {
		if p.Self != (p.ID == "b") || p.Host != host || p.Address == "" || p.PID != os.Getpid() || p.Version != "v"+p.ID || time.Since(p.Started) > time.Hour {
			t.Errorf("peer %+v", p)
		}
	}
	steps(t, c.Stop(t.Context()))
	testkit.Eventually(t, "a has seen b and c join and c leave", seen.is("+b", "+c", "-c"))
	if !gone.is()() {
		t.Errorf("a callback that was stopped was called: %q", gone.text)
	}
	a.log.Await(t, 1, "error", "at the door")
	a.backend.Cut()
	if _, err := a.Cluster.Peers(t.Context()); actionhero.AsError(err).Code != actionhero.CodeUnavailable {
		t.Errorf("a node that is cut off: %v", err)
	}
	a.backend.Heal()
	if peers, err := a.Cluster.Peers(t.Context()); err != nil || ids(peers) != "a b" {
		t.Errorf("after the cut: %v, %v", ids(peers), err)
	}
}

// A process alone is a cluster of one node, so the same code runs there.
func TestAProcessAloneIsAClusterOfOneNode(t *testing.T) {
	t.Parallel()
	api := newAPI(t, actionhero.Config{ID: "me"}, echo)
	peers, err := api.Cluster.Peers(t.Context())
	if err != nil || len(peers) != 1 || peers[0].ID != "me" || !peers[0].Self || api.Cluster.Shared() {
		t.Errorf("the peers are %+v, %v", peers, err)
	}
	out, err := echo.Call(t.Context(), api, "me", echoInput{Text: "hi"})
	if err != nil || out != "me: hi" {
		t.Errorf("a call to itself: %q, %v", out, err)
	}
	conn, sink := connect(t, api, "a")
	defer transport.Of(api).Disconnect(conn)
	steps(t, api.Rooms.BroadcastAll(t.Context(), map[string]string{"context": "news"}), api.Conns.Close(t.Context(), conn.ID, "enough"))
	if got := sink.take(); len(got) != 1 || sink.closed != "enough" {
		t.Errorf("the client read %q and is closed with %q", got, sink.closed)
	}
	steps(t, api.Stop(t.Context()))
	if _, err := api.Cluster.Peers(t.Context()); actionhero.AsError(err).Code != actionhero.CodeUnavailable {
		t.Errorf("a stopped API: %v", err)
	}
}

// The id of a node without a configured one is random and the same wherever it is shown: jobs for the node have it, too.
func TestANodeHasOneID(t *testing.T) {
	t.Parallel()
	net := memcluster.New(t)
	a := startNode(t, net, "")
	peers, err := a.Cluster.Peers(t.Context())
	if err != nil || len(peers) != 1 || peers[0].ID != a.Stats.ID() || !peers[0].Self {
		t.Errorf("the peers are %+v, %v; the id in the status is %q", peers, err, a.Stats.ID())
	}
	b := startNode(t, net, "")
	if b.Stats.ID() == a.Stats.ID() {
		t.Errorf("two nodes have the id %q", b.Stats.ID())
	}
}

// The status has the ids of the peers and counts what all nodes have served, also those that are gone.
func TestTheStatusCountsTheWholeCluster(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		net := memcluster.New(t)
		served := map[string]*atomic.Int64{"a": {}, "b": {}}
		nodes := map[string]clusterNode{}
		global := map[string]func(context.Context) int64{}
		for id, n := range served {
			nodes[id] = startNode(t, net, id)
			global[id] = transport.Of(nodes[id].API).Global("things", n.Load)
		}
		want := func(what string, wantA, wantB int64) {
			t.Helper()
			if a, b := global["a"](t.Context()), global["b"](t.Context()); a != wantA || b != wantB {
				t.Errorf("%s: a shows %d and b %d, want %d and %d", what, a, b, wantA, wantB)
			}
		}
		served["a"].Store(3)
		served["b"].Store(4)
		want("before the first flush, each node knows its own", 3, 4)
		time.Sleep(2500 * time.Millisecond)
		want("after a flush", 7, 7)
		if report, err := nodes["a"].Stats.Report(t.Context()); err != nil || !slices.Equal(report["peers"].([]string), []string{"a", "b"}) {
			t.Errorf("report: %v, %v", report, err)
		}
		flushes := net.Flushes()
		time.Sleep(time.Minute)
		if n := net.Flushes() - flushes; n != 0 || flushes != 2 {
			t.Errorf("idle nodes have stored their counts %d times after %d", n, flushes)
		}
		nodes["a"].backend.Cut()
		served["a"].Add(10)
		time.Sleep(2500 * time.Millisecond)
		want("while a is cut off", 17, 7)
		nodes["a"].backend.Heal()
		time.Sleep(2500 * time.Millisecond)
		want("after the cut", 17, 17)
		served["a"].Add(1)
		steps(t, nodes["a"].Stop(t.Context()))
		time.Sleep(2500 * time.Millisecond)
		if b := global["b"](t.Context()); b != 18 {
			t.Errorf("b shows %d after the stop of a", b)
		}
	})
}

// A job for all nodes reaches each node that runs tasks, whichever process enqueues it, and runs there once.
func TestAJobForAllNodesRunsOnEachNode(t *testing.T) {
	t.Parallel()
	net := memcluster.New(t)
	var mu sync.Mutex
	ran := map[string]int{}
	task := actionhero.Task[actionhero.None]{Name: "everywhere", Scope: actionhero.ScopeAllNodes, Run: func(ctx context.Context, _ actionhero.None) error {
		mu.Lock()
		defer mu.Unlock()
		ran[actionhero.RequestFrom(ctx).API.Stats.ID()]++
		return nil
	}}
	off := false
	var web clusterNode
	for _, id := range []string{"a", "b", "web"} {
		n := clusterNode{backend: net.Node()}
		n.API = stoppedAPI(t, actionhero.Config{ID: id, Backend: n.backend}, task)
		cfg := worker.Config{Workers: 2}
		if id == "web" {
			cfg.Enable = &off
		}
		n.Add(worker.New(n.API, cfg))
		steps(t, n.Start(t.Context()))
		t.Cleanup(func() { steps(t, n.Stop(context.Background())) })
		web = n
	}
	first, err := task.Enqueue(t.Context(), web.API, actionhero.None{})
	steps(t, err)
	testkit.Eventually(t, "the task has run on a and b", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return ran["a"] == 1 && ran["b"] == 1
	})
	stats, err := web.Tasks.Stats(t.Context())
	if stats.Tasks["everywhere"].Available != 0 || err != nil || len(ran) != 2 || cmp.Or(first.ID, 0) == 0 {
		t.Errorf("jobs %+v, runs %v, %v", stats, ran, err)
	}
	web.backend.Cut()
	if _, err := task.Enqueue(t.Context(), web.API, actionhero.None{}); actionhero.AsError(err).Code != actionhero.CodeUnavailable {
		t.Errorf("a node that does not know the others enqueues: %v", err)
	}
	web.backend.Heal()
}
