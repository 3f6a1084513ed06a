//go:build unix

package redis

import (
	"crypto/rand"
	"flag"
	"log/slog"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/backendtest"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/internal/testkit/basics"
	"github.com/actionhero-go/actionhero/internal/testkit/faultproxy"
	"github.com/actionhero-go/actionhero/internal/testkit/redistest"
)

// The client library closes the connections to former masters of a Cluster up to 5 s late, and asks for the masters up to
// 1 s late, even after Close.
func TestMain(m *testing.M) {
	// Most of these tests wait for leases of seconds, so more of them can run at a time than there are processors.
	flag.Parse()
	_ = flag.Set("test.parallel", "10")
	basics.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/rueidis.(*clusterClient)._refresh.func2"),
		goleak.IgnoreAnyFunction("github.com/redis/rueidis.(*call).DelayDo.func1"))
}

// runSuite runs the suite for backends with the given settings, and a prefix for each backend.
func runSuite(t *testing.T, config Config) {
	backendtest.Run(t, backendtest.Harness{
		New: func(*testing.T) backend.Backend {
			config := config
			config.Prefix, config.Log = redistest.Prefix(), quiet
			config.Timeout, config.ConnectTimeout = time.Minute, time.Minute // a busy machine is no outage; the tests of nodes have these
			return New(config)
		},
		Slack:   300 * time.Millisecond,
		Shards:  config.Queue.Shards,
		Cluster: func(t *testing.T, n int) []backendtest.Node { return newNodes(t, config, n) },
	})
}

// newNodes returns n nodes with one prefix. Each reaches the servers through proxies of its own.
func newNodes(t *testing.T, config Config, n int) []backendtest.Node {
	t.Helper()
	config.Prefix, config.Log = redistest.Prefix(), quiet
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = time.Minute
	}
	nodes := make([]backendtest.Node, n)
	for i := range nodes {
		b := New(config)
		net := &network{t: t, proxies: make(map[string]*faultproxy.Proxy)}
		b.core.through = net.through
		nodes[i] = backendtest.Node{
			Backend: b,
			Cut:     func() { net.each((*faultproxy.Proxy).Cut) },
			Pause:   func() { net.each((*faultproxy.Proxy).Freeze) },
			Heal:    func() { net.each((*faultproxy.Proxy).Heal) },
			Kill:    b.kill,
		}
	}
	return nodes
}

// kill closes the backend as the death of the process does.
func (b *Backend) kill() {
	b.store.stop()
	b.core.close()
}

// network has the proxies between one node and the servers.
type network struct {
	t       *testing.T
	mu      sync.Mutex
	proxies map[string]*faultproxy.Proxy
}

func (n *network) through(addr string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	p := n.proxies[addr]
	if p == nil {
		p = faultproxy.Start(n.t, addr)
		n.proxies[addr] = p
	}
	return p.Addr()
}

func (n *network) each(f func(*faultproxy.Proxy)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, p := range n.proxies {
		f(p)
	}
}

func TestBackendOnOneServer(t *testing.T) {
	t.Parallel()
	for _, f := range redistest.Flavors() {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			runSuite(t, Config{URL: "redis://" + f.Shared(t).Addr})
		})
	}
}

func TestBackendWithLocalCopies(t *testing.T) {
	t.Parallel()
	runSuite(t, Config{URL: "redis://" + redistest.Redis.Shared(t).Addr, LocalCache: 10 * time.Second})
}

func TestBackendOnACluster(t *testing.T) {
	t.Parallel()
	for _, f := range redistest.Flavors() {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			shards := map[string]int{redistest.Redis.Name: 4, redistest.Valkey.Name: 1}[f.Name]
			runSuite(t, Config{Cluster: f.StartCluster(t, 3, redistest.Options{}).Addrs(), Queue: local.QueueConfig{Shards: shards}})
		})
	}
}

func TestBackendWithSentinels(t *testing.T) {
	t.Parallel()
	set := redistest.Redis.StartSentinels(t, redistest.Options{DownAfter: time.Minute})
	runSuite(t, Config{Sentinels: set.Addrs(), MasterName: redistest.MasterName})
}

// quiet discards all lines.
var quiet = slog.New(slog.DiscardHandler)

// newNode returns a node with a random id.
func newNode() backend.Node { return backend.Node{ID: rand.Text()} }
