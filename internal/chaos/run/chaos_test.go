//go:build linux

package run

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/chaos/check"
	"github.com/actionhero-go/actionhero/internal/chaos/history"
	"github.com/actionhero-go/actionhero/internal/testkit/redistest"
)

var (
	chaosFor    = flag.Duration("chaos.for", 56*time.Second, "length of the run, without start and check")
	chaosSeed   = flag.Uint64("chaos.seed", 1, "seed of the schedule")
	chaosServer = flag.String("chaos.server", "standalone", "servers: standalone, cluster or sentinels")
	chaosFlavor = flag.String("chaos.flavor", "redis", "program of the servers: redis or valkey")
	chaosNodes  = flag.Int("chaos.nodes", 3, "number of nodes")
	chaosLoad   = flag.Float64("chaos.load", 0.5, "factor of the load")
	chaosFaults = flag.String("chaos.faults", "", "kinds of faults, separated by commas; empty: all that the servers can have")
	chaosKeep   = flag.String("chaos.keep", "", "folder for the history, which must be empty; without it, only the history of a failure is kept")
)

// Nodes with clients on all transports keep every law of the cluster while nodes and servers are killed, stopped and cut
// off. Without flags the run is short and always has the same plan.
func TestChaos(t *testing.T) {
	if testing.Short() {
		t.Skip("a chaos run takes a minute")
	}
	o := options{length: *chaosFor, seed: *chaosSeed, server: *chaosServer, flavor: redistest.Redis, load: *chaosLoad, nodes: *chaosNodes}
	if *chaosFlavor == redistest.Valkey.Name {
		o.flavor = redistest.Valkey
	}
	for _, kind := range strings.Split(*chaosFaults, ",") {
		if kind != "" {
			o.kinds = append(o.kinds, history.FaultKind(kind))
		}
	}
	dir := *chaosKeep
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "chaos-"); err != nil {
			t.Fatal(err)
		}
		defer func() {
			if !t.Failed() {
				_ = os.RemoveAll(dir)
			}
		}()
	}
	r := newRunner(t, o, dir)
	t.Log(r.plan)
	report, err := r.check(r.run())
	if err != nil {
		t.Fatalf("the history in %s cannot be judged: %v", dir, err)
	}
	t.Log(r.summary(report))
	if !report.OK() {
		t.Errorf("the cluster broke laws: see the lines above, and the history in %s; repeat with -chaos.seed %d -chaos.server %s", dir, o.seed, o.server)
	}
}

// summary returns the figures of the run and the report of the checker.
func (r *runner) summary(report *check.Report) string {
	var b strings.Builder
	kinds := map[string]int{}
	for _, f := range r.plan.Faults {
		kinds[string(f.Kind)]++
	}
	fmt.Fprintf(&b, "seed %d, %s on %s, %d nodes; faults:", r.options.seed, r.options.server, r.options.flavor.Name, r.options.nodes)
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		fmt.Fprintf(&b, " %d %s", kinds[kind], kind)
	}
	fmt.Fprintf(&b, "; %d skipped, %d starts repeated\n", r.skipped.Load(), r.restarts.Load())
	fmt.Fprintf(&b, "%d connections of clients, %d answers over HTTP; ", r.clients.opened.Load(), r.clients.asked.Load())
	fmt.Fprintf(&b, "%d orphans, the longest wait %v; %d stalls, %v in all\n", report.Orphans, report.LongestOrphan.Round(time.Millisecond), report.Stalls,
		report.Stalled.Round(time.Millisecond))
	for _, kind := range slices.Sorted(maps.Keys(report.Kinds)) {
		fmt.Fprintf(&b, "%s %d; ", kind, report.Kinds[kind])
	}
	b.WriteByte('\n')
	_, _ = report.WriteTo(&b)
	return b.String()
}
