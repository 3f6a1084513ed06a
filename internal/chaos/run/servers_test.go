//go:build linux

package run

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/backend/redis"
	"github.com/actionhero-go/actionhero/internal/chaos/history"
	"github.com/actionhero-go/actionhero/internal/chaos/schedule"
	"github.com/actionhero-go/actionhero/internal/testkit/redistest"
)

// servers are the servers of a run: one of the kinds "standalone", "cluster" and "sentinels".
type servers struct {
	t         testing.TB
	kind      string
	flavor    redistest.Flavor
	list      []*redistest.Server // the servers with data
	cluster   *redistest.Cluster
	sentinels *redistest.Sentinels

	turn sync.Mutex // one fault of a server at a time
	mu   sync.Mutex
	away []bool // a fault makes the server answer nothing; guarded by mu
}

const masters = 3

func startServers(t testing.TB, kind string, f redistest.Flavor) *servers {
	t.Helper()
	s := &servers{t: t, kind: kind, flavor: f}
	// Each write is on the disk before its answer, so that only a failover can lose one.
	o := redistest.Options{AppendOnly: "always", Lines: []string{"auto-aof-rewrite-percentage 0"}}
	switch kind {
	case "standalone":
		s.list = []*redistest.Server{f.Start(t, o)}
	case "cluster":
		s.cluster = f.StartCluster(t, masters, o)
		s.list = s.cluster.Masters
	case "sentinels":
		// As docs/cluster.md recommends: a master that is cut off from its replicas takes no writes for long.
		o.Lines = append(o.Lines, "min-replicas-to-write 1", "min-replicas-max-lag 10")
		s.sentinels = f.StartReplicas(t, 2, o)
		s.list = s.sentinels.Servers
	default:
		t.Fatalf("there is no kind %q of servers: use standalone, cluster or sentinels", kind)
	}
	s.away = make([]bool, len(s.list))
	return s
}

// kinds returns the faults that can be made with these servers.
func (s *servers) kinds() []history.FaultKind {
	kinds := []history.FaultKind{
		history.FaultKill, history.FaultPause, history.FaultCut, history.FaultHalfOpen, history.FaultClientKill, history.FaultAnswer,
		history.FaultFull, history.FaultBusy,
	}
	switch s.kind {
	case "cluster":
		return append(kinds, history.FaultRedisPause, history.FaultRedisRestart, history.FaultSlotMove)
	case "sentinels": // a pause or a restart of the master is a failover
		return append(kinds, history.FaultFailover, history.FaultSplit)
	}
	return append(kinds, history.FaultRedisPause, history.FaultRedisRestart)
}

// count is the number of servers that a plan may name.
func (s *servers) count() int {
	if s.kind == "sentinels" {
		return 1 // the master
	}
	return len(s.list)
}

// addrs returns the addresses that nodes dial.
func (s *servers) addrs() (addrs []string) {
	for i, server := range s.list {
		if s.sentinels != nil {
			addrs = append(addrs, s.sentinels.Proxies[i].Addr())
		} else {
			addrs = append(addrs, server.Addr)
		}
	}
	if s.sentinels != nil {
		addrs = append(addrs, s.sentinels.Addrs()...)
	}
	return addrs
}

// config returns the settings of a node.
func (s *servers) config(prefix string) redis.Config {
	c := redis.Config{Enable: true, Prefix: prefix, Wait: -1}
	switch s.kind {
	case "cluster":
		c.Cluster = s.cluster.Addrs()
	case "sentinels":
		c.Sentinels, c.MasterName = s.sentinels.Addrs(), redistest.MasterName
	default:
		c.Host, c.Port = "127.0.0.1", s.list[0].Port
	}
	return c
}

// masters returns the servers that have the keys.
func (s *servers) masters() []*redistest.Server {
	if s.sentinels == nil {
		return s.list
	}
	return s.list[s.master(0):][:1]
}

func (s *servers) name(i int) string { return fmt.Sprint("server", i) }

func (s *servers) setAway(i int, away bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away[i] = away
}

// isAway reports whether a fault keeps a server, or one that depends on it, from answering.
func (s *servers) isAway() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, away := range s.away {
		if away {
			return true
		}
	}
	return false
}

// master returns the index of the server that a fault of the plan hits.
func (s *servers) master(target int) int {
	if s.sentinels == nil {
		return target % len(s.list)
	}
	for {
		if i := s.sentinels.Master(); i >= 0 {
			return i
		}
		pause(50 * time.Millisecond)
	}
}

func portOf(t testing.TB, addr string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func pause(d time.Duration) { <-time.After(d) }

// make makes a fault of a server, and returns the function that heals it. That returns when the server works again. If
// another server replaces it before, make calls over as soon as that one accepts writes.
func (s *servers) make(f schedule.Fault, length time.Duration, over func()) (heal func()) {
	t, i := s.t, s.master(f.Target)
	server := s.list[i]
	switch f.Kind {
	case history.FaultRedisPause:
		s.setAway(i, true)
		server.Pause(t)
		return func() { server.Resume(t); s.answers(i) }
	case history.FaultRedisRestart:
		s.setAway(i, true)
		server.Kill(t)
		return func() { server.Restart(t); s.answers(i) }
	case history.FaultFull:
		server.Do(t, "CONFIG", "SET", "maxmemory", "1mb")
		return func() { s.onMaster(server, "CONFIG", "SET", "maxmemory", "0") }
	case history.FaultBusy:
		return s.keepBusy(i, length)
	case history.FaultSlotMove:
		return s.moveSlot(f)
	case history.FaultFailover:
		defer over()
		return s.failover(f, i)
	case history.FaultSplit:
		s.setAway(i, true)
		s.sentinels.Isolate(i)
		s.awaitOther(i)
		over()
		return func() { s.rejoin(i) }
	}
	t.Fatalf("no server can make %s", f.Kind)
	return nil
}

// keepBusy runs a script for so long. Redis answers BUSY after its busy-reply-threshold of 5 s, and nothing before.
func (s *servers) keepBusy(i int, length time.Duration) (heal func()) {
	s.setAway(i, true)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = s.list[i].TryDo("EVAL", `local function ms() local t = redis.call('TIME') return t[1] * 1000 + t[2] / 1000 end
local e = ms() + ARGV[1]
while ms() < e do end`, 0, length.Milliseconds())
	}()
	return func() { <-done; s.answers(i) }
}

// answers waits until the server, and its Cluster, serve again.
func (s *servers) answers(i int) {
	if s.cluster != nil {
		s.cluster.WaitReady(s.t)
	}
	for {
		if _, err := s.list[i].TryDo("PING"); err == nil {
			break
		}
		pause(20 * time.Millisecond)
	}
	s.setAway(i, false)
}

// onMaster executes a command on a server that may be away at the moment.
func (s *servers) onMaster(server *redistest.Server, args ...any) {
	for {
		if _, err := server.TryDo(args...); err == nil {
			return
		}
		pause(50 * time.Millisecond)
	}
}

// moveSlot moves the slot of a part of the keys that are in use: of the queue or of a room.
func (s *servers) moveSlot(f schedule.Fault) (heal func()) {
	t := s.t
	slots := s.slots()
	slot := slots[rand.IntN(len(slots))]
	owner := s.cluster.Owner(t, slot)
	m := s.cluster.BeginMove(t, slot, (owner+1+f.Target%(masters-1))%masters)
	for range 3 {
		m.Step(t, 2)
		pause(50 * time.Millisecond)
	}
	return func() { m.End(t) }
}

// slots returns the slots of the keys of the nodes.
func (s *servers) slots() (slots []int) {
	for _, server := range s.list {
		keys, _ := server.Do(s.t, "KEYS", "*").([]any)
		for _, key := range keys {
			slots = append(slots, redistest.Slot(fmt.Sprint(key)))
		}
	}
	return slots
}

// failover replaces the master: by a planned change, or because its process was killed after the links to its replicas were
// cut.
func (s *servers) failover(f schedule.Fault, i int) (heal func()) {
	t, set := s.t, s.sentinels
	s.setAway(i, true)
	if f.LinkCut == 0 {
		for s.sentinels.Master() == i {
			_, _ = set.Sentinels[0].TryDo("SENTINEL", "FAILOVER", redistest.MasterName)
			pause(100 * time.Millisecond)
		}
		s.awaitOther(i)
		return func() { s.rejoin(i) }
	}
	follow := func(port any) {
		for k, replica := range s.list {
			if k != i {
				replica.Do(t, "REPLICAOF", "127.0.0.1", port)
			}
		}
	}
	follow(1) // no write reaches them any more
	pause(f.LinkCut)
	s.list[i].Kill(t)
	follow(portOf(t, set.Proxies[i].Addr()))
	s.awaitOther(i)
	return func() { s.list[i].Restart(t); s.rejoin(i) }
}

// awaitOther waits until another server than i is the master and accepts writes.
func (s *servers) awaitOther(i int) {
	for {
		if m := s.sentinels.Master(); m >= 0 && m != i && s.accepts(m) {
			return
		}
		pause(50 * time.Millisecond)
	}
}

// rejoin ends the isolation of the server i, and waits until it follows the master.
func (s *servers) rejoin(i int) {
	s.sentinels.Rejoin(i)
	s.awaitReplicas()
	s.setAway(i, false)
}

// awaitReplicas waits until one server is the master and all others follow it, so that the next fault finds all.
func (s *servers) awaitReplicas() {
	for s.sentinels != nil {
		m := s.sentinels.Master()
		ready := m >= 0 && s.list[m].Info(s.t, "role") == "master" && s.list[m].Info(s.t, "connected_slaves") == fmt.Sprint(len(s.list)-1)
		for i, server := range s.list {
			ready = ready && (i == m || server.Info(s.t, "master_link_status") == "up")
		}
		if ready {
			return
		}
		pause(50 * time.Millisecond)
	}
}
