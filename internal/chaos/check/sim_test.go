package check

import (
	"cmp"
	"container/heap"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/actionhero-go/actionhero/internal/chaos/history"
)

// sim is a small cluster in simulated time: nodes, a store with the rules of the design, and faults. Its history is
// correct by construction, so the checker must not accuse it.
type sim struct {
	rng    *rand.Rand
	now    time.Duration
	end    time.Duration
	queue  actions
	order  int
	events []history.Event
	procs  []history.Process
	nodes  []*node // the living one of each index
	store  *store
	snap   *store
	down   time.Duration // servers answer from this time on
	outage time.Duration // no other outage begins before
	calls  uint64
	number uint64
	ctl    int32
	offset time.Duration // of Redis' wall clock
	log    *logs         // of the rooms
	quiet  time.Duration // no fault from here on
}

type action struct {
	at    time.Duration
	order int
	do    func()
}

type actions []action

func (a actions) Len() int { return len(a) }
func (a actions) Less(i, j int) bool {
	return a[i].at < a[j].at || a[i].at == a[j].at && a[i].order < a[j].order
}
func (a actions) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *actions) Push(x any)   { *a = append(*a, x.(action)) }
func (a *actions) Pop() any {
	x := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return x
}

const simNodes = 3

// simulate returns the history and the dump of a run with this seed.
func simulate(seed uint64, length time.Duration) (*history.Memory, *history.Dump) {
	s := &sim{rng: rand.New(rand.NewPCG(seed, 1)), end: length, store: newStore(), log: &logs{}, quiet: length - 62*time.Second}
	s.ctl = s.process("ctl")
	s.offset = 1000 * time.Hour
	s.emit(nil, history.Event{Kind: history.KindClock, Time: int64(s.offset)})
	for i := range simNodes {
		s.nodes = append(s.nodes, nil)
		s.begin(i)
	}
	s.planFaults()
	for len(s.queue) > 0 {
		a := heap.Pop(&s.queue).(action)
		if a.at > s.end {
			break
		}
		s.now = a.at
		a.do()
	}
	dump := s.store.dump()
	for _, n := range s.nodes {
		s.now += time.Microsecond
		s.emit(n, history.Event{Kind: history.KindBye})
	}
	return history.NewMemory(s.procs, s.events), dump
}

func (s *sim) process(name string) int32 {
	s.procs = append(s.procs, history.Process{Name: name, Index: uint16(len(s.procs))})
	return int32(len(s.procs) - 1)
}

func (s *sim) next() uint64 { s.number++; return s.number }

func (s *sim) emit(n *node, e history.Event) {
	e.At, e.Proc = s.now, s.ctl
	if n != nil {
		e.Proc, e.Inc = n.proc, n.inc
	}
	s.events = append(s.events, e)
}

func (s *sim) at(t time.Duration, do func()) {
	s.order++
	heap.Push(&s.queue, action{t, s.order, do})
}

func (s *sim) between(low, high time.Duration) time.Duration {
	return low + time.Duration(s.rng.Int64N(int64(high-low)))
}

func (s *sim) chance(percent int) bool { return s.rng.IntN(100) < percent }

// node is a process of the cluster.
type node struct {
	index       int
	proc        int32
	inc         uint64
	dead        bool
	paused, cut time.Duration // until
	pulsed      time.Duration // when the last successful pulse was sent
	runID       int
	runs        map[[2]uint64]*liveRun
	finishing   map[[2]uint64]*liveRun // runs whose results are not stored for certain
	results     map[[2]uint64]history.Result
	done        map[[2]uint64]bool // runs that it has had
	taking      bool
	memory      []memory
	conns       []*conn
	gone        bool // its members were removed, and it has not entered them again
	inbox       *inbox
}

// on runs do on the node at a time, after a pause if it is stopped then, and never if it is dead.
func (s *sim) on(n *node, t time.Duration, do func()) {
	s.at(t, func() {
		switch {
		case n.dead:
		case n.paused > s.now:
			s.on(n, n.paused+time.Duration(s.rng.IntN(2000))*time.Microsecond, do)
		default:
			do()
		}
	})
}

// loop repeats do on the node in random intervals.
func (s *sim) loop(n *node, low, high time.Duration, do func()) {
	s.on(n, s.now+s.between(low, high), func() { do(); s.loop(n, low, high, do) })
}

const callTime = 3 * time.Second

// call records an intent, and executes it at the store: now, late, twice, or never. The function exec must return the
// same when it is repeated.
func (s *sim) call(n *node, intent history.Event, exec func() history.Event, after func(history.Event)) {
	s.calls++
	number, deadline, ended := s.calls, s.now+callTime, false
	if intent.Kind != 0 {
		intent.Call = number
		s.emit(n, intent)
	}
	end := func(e history.Event) {
		if ended {
			return
		}
		ended = true
		if intent.Kind != 0 {
			e.Kind, e.Call = intent.Kind+1, number
			s.emit(n, e)
		}
		if after != nil {
			after(e)
		}
	}
	s.on(n, deadline, func() { end(history.Event{Outcome: history.Unknown}) })
	s.try(n, deadline, exec, end)
}

func (s *sim) try(n *node, deadline time.Duration, exec func() history.Event, end func(history.Event)) {
	s.at(s.now+s.between(100*time.Microsecond, 3*time.Millisecond), func() {
		switch {
		case n.dead && s.chance(50):
		case n.cut > s.now:
			if n.cut < deadline {
				s.at(n.cut, func() { s.try(n, deadline, exec, end) })
			}
		case s.down > s.now: // the request lies in the socket
			s.at(s.down+s.between(0, 5*time.Millisecond), func() { s.try(n, deadline, exec, end) })
		default:
			e := exec()
			if e.Outcome == 0 { // refused for now, without effect
				s.at(s.now+100*time.Millisecond, func() { s.try(n, deadline, exec, end) })
				return
			}
			if s.chance(2) { // the answer is lost, and the call is repeated
				s.try(n, deadline, exec, end)
				return
			}
			s.on(n, s.now+s.between(100*time.Microsecond, 3*time.Millisecond), func() { end(e) })
		}
	})
}

// begin starts the process of a node.
func (s *sim) begin(index int) {
	n := &node{index: index, runs: map[[2]uint64]*liveRun{}, finishing: map[[2]uint64]*liveRun{}, results: map[[2]uint64]history.Result{}, done: map[[2]uint64]bool{}, runID: s.store.runID}
	n.proc = s.process(fmt.Sprintf("node%d.%d", index, len(s.procs)))
	s.nodes[index] = n
	s.draw(n)
	for _, task := range simTasks {
		if task != "rare" || index == 0 {
			e := history.Event{Kind: history.KindKnows, Subject: task, Count: maxCrashes}
			if task == "solo" {
				e.Seq = 1
			}
			s.emit(n, e)
		}
	}
	s.emit(n, history.Event{Kind: history.KindWorkers, Count: simWorkers})
	s.work(n)
	s.talk(n)
	s.keep(n)
}

func (s *sim) draw(n *node) {
	n.inc = s.rng.Uint64() >> 12
	n.pulsed = s.now
	s.store.hold[n.inc] = s.store.clock + int64(leaseTime)
	s.store.beat[n.inc] = s.store.clock
	s.emit(n, history.Event{Kind: history.KindInc})
}

// planFaults makes faults alone and in pairs until the quiet phase.
func (s *sim) planFaults() {
	for t := 3 * time.Second; ; {
		length := s.between(100*time.Millisecond, 18*time.Second)
		if t+length > s.quiet {
			return
		}
		s.at(t, func() { s.fault(length) })
		if s.chance(30) {
			second := s.between(100*time.Millisecond, length+time.Millisecond)
			s.at(t+s.between(0, length), func() { s.fault(min(second, s.quiet-s.now)) })
		}
		t += length + s.between(200*time.Millisecond, 15*time.Second)
	}
}

func (s *sim) fault(length time.Duration) {
	n := s.nodes[s.rng.IntN(simNodes)]
	kind := []history.FaultKind{history.FaultKill, history.FaultPause, history.FaultCut, history.FaultRedisPause, history.FaultFailover, history.FaultStep, history.FaultClientKill}[s.rng.IntN(7)]
	if kind.Outage() && s.outage > s.now || n.dead || n.paused > s.now || n.cut > s.now || length <= 0 {
		return
	}
	if kind == history.FaultFailover {
		length = min(length, 8*time.Second) // nodes remember 15 s
	}
	until := s.now + length
	f := history.Fault{Kind: kind, Target: s.procs[n.proc].Name}
	switch kind {
	case history.FaultPause:
		n.paused = until
	case history.FaultCut, history.FaultClientKill:
		n.cut = until
		if kind == history.FaultClientKill {
			n.cut = s.now + 50*time.Millisecond
		}
		s.unsubscribe(n)
		s.on(n, n.cut+time.Millisecond, func() { s.resubscribe(n) })
	case history.FaultRedisPause:
		f.Target = "redis"
		s.down, s.outage = until, until
	case history.FaultFailover:
		f.Target, f.Lossy = "redis", true
		s.snap = s.store.clone()
		lost := s.between(0, 1500*time.Millisecond)
		until += lost
		s.outage = until
		s.at(s.now+lost, func() { s.down = until })
		s.at(until-time.Nanosecond, s.failover)
	case history.FaultStep:
		f.Target, f.Step = "redis", []time.Duration{time.Second, time.Minute, -time.Minute, -time.Hour}[s.rng.IntN(4)]
	}
	s.calls++
	number := s.calls
	e := history.Event{Kind: history.KindFaultBegin, Call: number, Subject: string(f.Kind), Object: f.Target, Time: int64(f.Step)}
	if f.Lossy {
		e.Count = 1
	}
	s.emit(nil, e)
	s.now++
	heal := func() { s.emit(nil, history.Event{Kind: history.KindFaultEnd, Call: number}) }
	switch kind {
	case history.FaultKill:
		n.dead = true
		heal()
		s.at(until, func() { s.begin(n.index) })
	case history.FaultStep:
		s.offset += f.Step
		s.emit(nil, history.Event{Kind: history.KindClock, Time: int64(s.offset)})
		s.now++
		heal()
	default:
		s.at(until, heal)
	}
}

func (s *sim) failover() {
	runID := s.store.runID
	s.store = s.snap
	s.store.runID = runID + 1
	s.store.seq += 1 << 20
	s.store.settling = s.now + 4*time.Second
	s.log.epoch++
	s.log.numbers = map[string][]uint64{}
	for _, n := range s.nodes {
		s.unsubscribe(n)
		s.on(n, s.now+20*time.Millisecond, func() { s.resubscribe(n) })
	}
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
