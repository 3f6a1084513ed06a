//go:build linux

package run

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/chaos/check"
	"github.com/actionhero-go/actionhero/internal/chaos/history"
	"github.com/actionhero-go/actionhero/internal/chaos/schedule"
	"github.com/actionhero-go/actionhero/internal/testkit/faultproxy"
	"github.com/actionhero-go/actionhero/internal/testkit/redistest"
)

type options struct {
	length time.Duration
	seed   uint64
	server string
	flavor redistest.Flavor
	load   float64
	nodes  int
	kinds  []history.FaultKind // empty: all that the servers can have
}

// runner is one chaos run.
type runner struct {
	t       testing.TB
	options options
	dir     string
	prefix  string
	stderr  io.Writer
	plan    schedule.Plan
	servers *servers
	rec     *history.Recorder // of the controller
	members []*member
	clients *clients

	indexes  atomic.Int32
	loading  atomic.Bool
	restarts atomic.Int64 // processes that ended before they served
	skipped  atomic.Int64 // faults for which no server was free
	done     chan struct{}
	watchers sync.WaitGroup
}

// patience is the time for which the controller waits for what takes seconds on a free machine.
const patience = 4 * time.Minute

func (r *runner) fail(err error) { r.t.Error(err) }

// quietTime is the time without faults at the end. In a long run it is long enough to judge the last messages.
func (o *options) quietTime() time.Duration {
	if o.length >= 3*time.Minute {
		return 60 * time.Second
	}
	return 16 * time.Second
}

func newRunner(t testing.TB, o options, dir string) *runner {
	r := &runner{t: t, options: o, dir: dir, prefix: redistest.Prefix(), stderr: os.Stderr, done: make(chan struct{})}
	r.servers = startServers(t, o.server, o.flavor)
	kinds := o.kinds
	if len(kinds) == 0 {
		kinds = r.servers.kinds()
	}
	var err error
	if r.plan, err = schedule.Make(schedule.Options{
		Seed: o.seed, Length: o.length, Nodes: o.nodes, Servers: r.servers.count(), Kinds: kinds,
		Warm: 3 * time.Second, Quiet: o.quietTime(),
	}); err != nil {
		t.Fatal(err)
	}
	if r.rec, err = history.Create(dir, history.Process{Name: "controller", Index: uint16(r.indexes.Add(1))}); err != nil {
		t.Fatal(err)
	}
	for i := range o.nodes {
		m := &member{r: r, number: i, id: fmt.Sprint("node", i)}
		for _, addr := range r.servers.addrs() {
			p := faultproxy.Start(t, addr)
			p.Fault(m.choose)
			m.proxies = append(m.proxies, p)
		}
		r.members = append(r.members, m)
	}
	return r
}

// run makes the run, and leaves the history and the dump in the folder.
func (r *runner) run() *history.Dump {
	t := r.t
	defer func() {
		for _, m := range r.members {
			if p := m.current(); p != nil {
				m.end()
				_ = p.cmd.Process.Kill()
				<-p.done
			}
		}
		_ = r.rec.Close()
	}()
	r.rec.Clock(time.Duration(time.Now().UnixNano()) - r.rec.Now())
	r.watchers.Go(func() { watchStalls(r.rec, "controller", r.done) })
	r.watchers.Go(r.watchServers)
	defer r.watchers.Wait()
	defer close(r.done)
	for _, m := range r.members {
		m.start()
	}
	r.awaitNodes(r.options.nodes)
	rec, err := history.Create(r.dir, history.Process{Name: "clients", Index: uint16(r.indexes.Add(1))})
	if err != nil {
		t.Fatal(err)
	}
	defer rec.Close()
	r.clients = startClients(rec, r.options.load, r.anyNode)
	defer r.clients.end() // also after a failure, before the history is closed
	r.loading.Store(true)
	r.tellAll("load")
	r.makeFaults()
	r.awaitNodes(r.options.nodes)
	return r.settle()
}

// settle waits for the quiet phase, ends the load, waits for the jobs and dumps the store.
func (r *runner) settle() *history.Dump {
	long := r.options.quietTime() > 30*time.Second
	if long {
		pause(40 * time.Second)
	}
	r.loading.Store(false)
	r.tellAll("drain")
	drained := time.Now()
	var dump *history.Dump
	for dump = r.dump(); open(dump) > 0 && time.Since(drained) < patience; dump = r.dump() {
		pause(200 * time.Millisecond)
	}
	pause(max(0, r.options.quietTime()-2*time.Second-time.Since(drained)))
	r.clients.quiet.Store(true)
	if long {
		r.measureIdle()
	}
	dump = r.dump()
	r.clients.end()
	for _, m := range r.members {
		p, _ := m.end()
		p.tell("stop")
		select {
		case <-p.done:
			if !p.cmd.ProcessState.Success() {
				r.fail(fmt.Errorf("%s stops: %v", p.name, p.cmd.ProcessState))
			}
		case <-time.After(patience):
			r.fail(fmt.Errorf("%s does not stop", p.name))
		}
	}
	return dump
}

// measureIdle records how many commands the nodes send while nothing happens.
func (r *runner) measureIdle() {
	const d = 10 * time.Second
	r.tellAll("idle")
	pause(2 * time.Second)
	before := make([]int64, len(r.members))
	for i, m := range r.members {
		before[i] = m.sent.Load()
	}
	begin := time.Now()
	pause(d)
	for i, m := range r.members {
		n := m.sent.Load() - before[i]
		r.t.Logf("%s sends %.2f commands a second while it is idle", m.id, float64(n)/time.Since(begin).Seconds())
	}
}

func (r *runner) tellAll(command string) {
	for _, m := range r.members {
		m.current().tell(command)
	}
}

// awaitNodes waits until n nodes serve.
func (r *runner) awaitNodes(n int) {
	limit := time.Now().Add(patience)
	for {
		serving := 0
		for _, m := range r.members {
			if m.current().lives() {
				serving++
			}
		}
		if serving >= n {
			return
		}
		if time.Now().After(limit) {
			r.t.Fatalf("%d of %d nodes serve", serving, n)
		}
		pause(20 * time.Millisecond)
	}
}

// anyNode returns a node that serves, at random.
func (r *runner) anyNode() (nodeReady, bool) {
	for range 10 {
		if p := r.members[rand.IntN(len(r.members))].current(); p.lives() {
			return p.at, true
		}
	}
	return nodeReady{}, false
}

// makeFaults executes the plan. Each fault has a goroutine, because a fault may take longer than planned.
func (r *runner) makeFaults() {
	begin := time.Now()
	ends := make([]chan struct{}, len(r.plan.Faults))
	for i := range ends {
		ends[i] = make(chan struct{})
	}
	var wg sync.WaitGroup
	for _, moment := range r.plan.Timeline() {
		pause(time.Until(begin.Add(moment.At)))
		if !moment.Begin {
			close(ends[moment.Fault])
			continue
		}
		f := r.plan.Faults[moment.Fault]
		wg.Go(func() {
			if f.Node() {
				r.nodeFault(f, ends[moment.Fault])
			} else {
				r.serverFault(f, ends[moment.Fault])
			}
		})
	}
	wg.Wait()
}

func (r *runner) nodeFault(f schedule.Fault, end <-chan struct{}) {
	m := r.members[f.Target]
	p := m.current()
	if f.Kind == history.FaultKill {
		// If the machine was frozen, two kills may come at once; each would start the node again.
		var first bool
		if p, first = m.end(); !first {
			r.skipped.Add(1)
			return
		}
	}
	call := r.rec.FaultBegin(history.Fault{Kind: f.Kind, Target: p.name})
	heal := m.make(p, f.Kind)
	if f.Kind == history.FaultKill {
		call.End()
	}
	<-end
	heal()
	if f.Kind != history.FaultKill {
		call.End()
	}
}

func (r *runner) serverFault(f schedule.Fault, end <-chan struct{}) {
	r.servers.turn.Lock()
	defer r.servers.turn.Unlock()
	select {
	case <-end:
		r.skipped.Add(1)
		return
	default:
	}
	// Sentinels replace a master that does not answer for a second.
	lossy := f.Lossy || r.servers.sentinels != nil && f.Kind == history.FaultBusy
	call := r.rec.FaultBegin(history.Fault{Kind: f.Kind, Target: r.servers.name(f.Target), Lossy: lossy})
	defer call.End()
	heal := r.servers.make(f, f.End-f.Begin)
	<-end
	heal()
	r.servers.awaitReplicas()
}

// watchServers records the times in which a server got no processor, and the number of keys.
func (r *runner) watchServers() {
	for i := range r.servers.list {
		r.watchers.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-r.done:
					return
				case <-time.After(200 * time.Millisecond):
				}
				begin, away := r.rec.Now(), r.servers.isAway()
				_, err := r.servers.list[i].TryDo("PING")
				took := r.rec.Now() - begin
				if err == nil && took >= history.StallLimit && !away && !r.servers.isAway() {
					r.rec.Sample(history.GaugeStall, r.servers.name(i), int64(took))
				}
			}
		})
	}
	for {
		select {
		case <-r.done:
			return
		case <-time.After(samplePause):
		}
		sum, all := int64(0), true
		for _, s := range r.servers.masters() {
			n, err := s.TryDo("DBSIZE")
			keys, ok := n.(int64)
			all = all && err == nil && ok
			sum += keys
		}
		if all {
			r.rec.Sample(history.GaugeKeys, "store", sum)
		}
	}
}

// check judges the history.
func (r *runner) check(dump *history.Dump) (*check.Report, error) {
	if err := history.SaveDump(filepath.Join(r.dir, "dump.json"), dump); err != nil {
		return nil, err
	}
	files, err := history.Open(r.dir)
	if err != nil {
		return nil, err
	}
	return check.Run(files, check.Options{Dump: dump})
}
