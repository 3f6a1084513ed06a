package check

import (
	"maps"
	"slices"
	"time"

	"github.com/actionhero-go/actionhero/internal/chaos/history"
)

var simTasks = []string{"mail", "solo", "rare"}

const (
	simWorkers = 6
	maxCrashes = 3
	tickEvery  = 4 * time.Second
)

// record is a job in the store.
type record struct {
	id, number       uint64
	task, state      string
	fence, last, inc uint64
	crashes          int
	cancelling       bool
}

// store is the Redis of the simulation.
type store struct {
	jobs     map[uint64]record // that have not ended
	ended    map[uint64]record
	order    []uint64 // of ended
	clock    int64
	seen     int64
	hold     map[uint64]int64 // −1: lost
	ticks    map[string]int64
	seq      uint64
	runID    int
	settling time.Duration
	members  map[string]member
	beat     map[uint64]int64 // heartbeats by the guarded clock
	locks    map[string]lock
	cache    map[string]uint64
	tokens   map[string]uint64
}

func newStore() *store {
	return &store{jobs: map[uint64]record{}, ended: map[uint64]record{}, hold: map[uint64]int64{}, ticks: map[string]int64{}, members: map[string]member{}, beat: map[uint64]int64{}, locks: map[string]lock{}, cache: map[string]uint64{}, tokens: map[string]uint64{}}
}

func (st *store) clone() *store {
	c := *st
	c.jobs, c.hold, c.ticks, c.members = maps.Clone(st.jobs), maps.Clone(st.hold), maps.Clone(st.ticks), maps.Clone(st.members)
	c.ended, c.order = maps.Clone(st.ended), slices.Clone(st.order)
	c.beat = maps.Clone(st.beat)
	c.locks, c.cache, c.tokens = maps.Clone(st.locks), maps.Clone(st.cache), maps.Clone(st.tokens)
	return &c
}

func (st *store) get(id uint64) (record, bool) {
	if r, ok := st.jobs[id]; ok {
		return r, true
	}
	r, ok := st.ended[id]
	return r, ok
}

func (st *store) put(r record) {
	if setOfState[r.state] != "fin" {
		st.jobs[r.id] = r
		return
	}
	delete(st.jobs, r.id)
	if _, ok := st.ended[r.id]; !ok {
		st.order = append(st.order, r.id)
	}
	st.ended[r.id] = r
	if len(st.order) > 400 {
		delete(st.ended, st.order[0])
		st.order = st.order[1:]
	}
}

func (st *store) dump() *history.Dump {
	sh := history.Shard{Name: "t0", Details: map[uint64]uint64{}, Running: map[uint64]uint64{}, Hold: map[uint64]int64{}, Counts: map[string]int64{}}
	for _, id := range append(sortedKeys(st.jobs), sortedKeys(st.ended)...) {
		r, _ := st.get(id)
		sh.Jobs = append(sh.Jobs, history.Job{ID: id, Number: r.number, Task: r.task, State: r.state, Inc: r.inc, Fence: r.fence, Crashes: r.crashes})
		sh.Details[id] = r.number
		sh.Counts[r.task+"/"+r.state]++
		switch r.state {
		case "ready":
			sh.Ready = append(sh.Ready, id)
		case "running":
			sh.Running[id] = r.inc
			sh.Hold[r.inc] = st.hold[r.inc]
		default:
			sh.Ended = append(sh.Ended, id)
		}
	}
	return &history.Dump{Shards: []history.Shard{sh}, Nodes: map[uint64]int64{}}
}

// tickClock is the guarded clock.
func (s *sim) tickClock() {
	st := s.store
	wall := int64(s.now + s.offset)
	st.clock += max(0, min(wall-st.seen, int64(2*time.Second)))
	st.seen = wall
	for _, inc := range sortedKeys(st.hold) {
		if st.hold[inc] >= 0 && st.hold[inc] <= st.clock {
			st.hold[inc] = -1
		}
		if st.hold[inc] >= 0 {
			continue
		}
		for _, id := range sortedKeys(st.jobs) {
			r := st.jobs[id]
			if r.state != "running" || r.inc != inc {
				continue
			}
			r.state, r.inc = "ready", 0
			if r.crashes++; r.cancelling {
				r.state = "cancelled"
			} else if r.crashes >= maxCrashes {
				r.state = "dead"
			}
			st.put(r)
		}
	}
	s.clean()
}

type liveRun struct {
	record
	ctxEnded bool
}

// memory is what a node sends again to a store that forgot it.
type memory struct {
	at     time.Duration
	job    record
	result history.Result // an outcome, else the job was acknowledged
	tick   int64
}

func (n *node) remember(m memory) {
	n.memory = append(slices.DeleteFunc(n.memory, func(o memory) bool { return m.at-o.at > rememberTime }), m)
}

func (s *sim) work(n *node) {
	s.loop(n, 750*time.Millisecond, 1250*time.Millisecond, func() { s.pulse(n) })
	s.loop(n, 30*time.Millisecond, 300*time.Millisecond, func() { s.take(n) })
	s.loop(n, 100*time.Millisecond, 900*time.Millisecond, func() { s.enqueue(n) })
	s.loop(n, 50*time.Millisecond, 100*time.Millisecond, func() { s.silence(n) })
	s.loop(n, 500*time.Millisecond, 1500*time.Millisecond, func() { s.tick(n) })
}

func (s *sim) pulse(n *node) {
	sent, inc := s.now, n.inc
	var mine []record
	runID, lost := 0, false
	s.call(n, history.Event{}, func() history.Event {
		s.tickClock()
		if lost = s.store.hold[inc] < 0; !lost {
			s.store.hold[inc] = s.store.clock + int64(leaseTime)
			_, there := s.store.beat[inc]
			n.gone = n.gone || !there
			s.store.beat[inc] = s.store.clock
		}
		runID, mine = s.store.runID, nil
		for _, id := range sortedKeys(s.store.jobs) {
			if r := s.store.jobs[id]; r.state == "running" && r.inc == inc {
				mine = append(mine, r)
			}
		}
		return history.Event{Outcome: history.OK}
	}, func(e history.Event) {
		switch {
		case e.Outcome != history.OK || n.inc != inc:
		case lost:
			s.lose(n)
		default:
			n.pulsed = sent
			if n.gone {
				n.gone = false
				s.enterAll(n)
			}
			s.emit(n, history.Event{Kind: history.KindPulse, Time: int64(sent)})
			if n.runID != runID {
				s.settle(n, runID)
			} else if !n.taking {
				s.mine(n, mine)
			}
		}
	})
}

// mine compares the runs that the store has with those of the node: a remembered outcome is sent again, and a run whose
// Take had no answer begins.
func (s *sim) mine(n *node, list []record) {
	for _, r := range list {
		key := [2]uint64{r.id, r.fence}
		if result, ended := n.results[key]; ended && n.finishing[key] == nil {
			s.finish(n, &liveRun{record: r}, result)
		} else {
			s.start(n, r)
		}
	}
}

func (s *sim) lose(n *node) {
	s.emit(n, history.Event{Kind: history.KindLeaseLost})
	for _, key := range slices.SortedFunc(maps.Keys(n.runs), func(a, b [2]uint64) int { return slices.Compare(a[:], b[:]) }) {
		s.endCtx(n, n.runs[key])
	}
	s.draw(n)
	s.enterAll(n)
}

func (s *sim) endCtx(n *node, r *liveRun) {
	if !r.ctxEnded {
		r.ctxEnded = true
		s.emit(n, history.Event{Kind: history.KindCtxEnd, ID: r.id, Fence: r.fence, Object: "lease lost"})
	}
}

// silence ends the contexts of exclusive runs 7 s after the last pulse was sent.
func (s *sim) silence(n *node) {
	if s.now-n.pulsed < 6800*time.Millisecond {
		return
	}
	for _, key := range slices.SortedFunc(maps.Keys(n.runs), func(a, b [2]uint64) int { return slices.Compare(a[:], b[:]) }) {
		if n.runs[key].task == "solo" {
			s.endCtx(n, n.runs[key])
		}
	}
}

// settle sends what the node remembers to a store with a new run id.
func (s *sim) settle(n *node, runID int) {
	list, inc := slices.Clone(n.memory), n.inc
	runs := map[[2]uint64]record{}
	for key, r := range n.runs {
		runs[key] = r.record
	}
	for key, r := range n.finishing {
		runs[key] = r.record
	}
	s.call(n, history.Event{}, func() history.Event {
		st := s.store
		for _, m := range list {
			r, ok := st.get(m.job.id)
			st.ticks["hourly"] = max(st.ticks["hourly"], m.tick)
			if m.result == 0 && !ok {
				m.job.state = "ready"
				st.put(m.job)
			} else if m.result != 0 && (!ok || r.fence <= m.job.fence && setOfState[r.state] != "fin") {
				m.job.cancelling = r.cancelling
				st.put(ended(m.job, m.result))
			}
		}
		for _, key := range slices.SortedFunc(maps.Keys(runs), func(a, b [2]uint64) int { return slices.Compare(a[:], b[:]) }) {
			r := runs[key]
			if st.hold[inc] < 0 {
				break
			}
			if n.runs[key] == nil && n.finishing[key] == nil {
				continue // it has ended since
			}
			if old, ok := st.get(r.id); !ok || old.fence <= r.fence && setOfState[old.state] != "fin" {
				r.state, r.inc, r.cancelling = "running", inc, old.cancelling
				st.put(r)
			}
		}
		return history.Event{Outcome: history.OK}
	}, func(e history.Event) {
		if e.Outcome == history.OK {
			n.runID = runID
			s.enterAll(n)
		}
	})
}

func (s *sim) take(n *node) {
	free := simWorkers - len(n.runs)
	if n.taking || free <= 0 {
		return
	}
	n.taking = true
	inc := n.inc
	var got []record
	s.call(n, history.Event{}, func() history.Event {
		got = nil
		if s.store.settling > s.now || s.store.hold[inc] < 0 {
			return history.Event{Outcome: history.OK}
		}
		for _, id := range sortedKeys(s.store.jobs) {
			r := s.store.jobs[id]
			if r.state != "ready" || len(got) >= free || r.task == "rare" && n.index != 0 {
				continue
			}
			r.fence = max(r.fence+1, uint64((s.now+s.offset)/time.Microsecond))
			r.state, r.inc = "running", inc
			s.store.put(r)
			got = append(got, r)
		}
		return history.Event{Outcome: history.OK}
	}, func(e history.Event) {
		n.taking = false
		if e.Outcome == history.OK && n.inc == inc {
			for _, r := range got {
				s.start(n, r)
			}
		}
	})
}

func (s *sim) start(n *node, r record) {
	key := [2]uint64{r.id, r.fence}
	if n.done[key] {
		return
	}
	n.done[key] = true
	run := &liveRun{record: r}
	n.runs[key] = run
	s.emit(n, history.Event{Kind: history.KindStart, Number: r.number, ID: r.id, Fence: r.fence, Subject: r.task, Count: int64(r.crashes), Seq: 1})
	length := s.between(20*time.Millisecond, 1500*time.Millisecond)
	if s.chance(5) {
		length = s.between(5*time.Second, 20*time.Second)
	}
	last := s.now > s.end-40*time.Second
	if last {
		length = 10 * time.Millisecond
	}
	result := []history.Result{history.Completed, history.Completed, history.Completed, history.Completed, history.Completed, history.Completed, history.Retry, history.Requeued, history.Dead}[s.rng.IntN(9)]
	if last {
		result = history.Completed
	}
	s.on(n, s.now+length, func() { s.finish(n, run, result) })
}

func ended(r record, result history.Result) record {
	r.last = r.fence
	r.inc = 0
	switch {
	case result == history.Completed, result == history.Dead:
		r.state = result.String()
	case r.cancelling:
		r.state = "cancelled"
	default:
		r.state = "ready"
	}
	if result != history.Requeued {
		r.crashes = 0
	}
	return r
}

func (s *sim) finish(n *node, run *liveRun, result history.Result) {
	key := [2]uint64{run.id, run.fence}
	delete(n.runs, key)
	n.finishing[key], n.results[key] = run, result
	s.call(n, history.Event{Kind: history.KindFinishIntent, ID: run.id, Fence: run.fence, Result: result}, func() history.Event {
		e := history.Event{ID: run.id, Fence: run.fence, Result: result}
		if n.runID != s.store.runID { // the node has to settle first
			return history.Event{}
		}
		r, ok := s.store.get(run.id)
		switch {
		case !ok:
			e.Outcome = history.Absent
		case r.last == run.fence:
			e.Outcome = history.Already
		case r.state == "running" && r.fence == run.fence:
			s.store.put(ended(r, result))
			e.Outcome = history.OK
		default:
			e.Outcome = history.Lost
		}
		return e
	}, func(e history.Event) {
		if e.Outcome != history.Unknown {
			delete(n.finishing, key)
		}
		switch e.Outcome {
		case history.OK, history.Already:
			n.remember(memory{at: s.now, job: run.record, result: result})
		case history.Unknown:
			s.on(n, s.now+s.between(10*time.Millisecond, 500*time.Millisecond), func() { s.finish(n, run, result) })
		}
	})
}

func (s *sim) enqueue(n *node) {
	if s.now > s.end-40*time.Second {
		return
	}
	task := simTasks[min(2, s.rng.IntN(12)/5)]
	numbers := []uint64{s.next()}
	for s.chance(40) {
		numbers = append(numbers, s.next())
	}
	var ids []uint64
	var jobs []record
	s.call(n, history.Event{Kind: history.KindEnqueueIntent, Subject: task, Numbers: numbers}, func() history.Event {
		if ids == nil { // the number of the batch is known otherwise
			for _, number := range numbers {
				s.store.seq++
				r := record{id: s.store.seq, number: number, task: task, state: "ready"}
				s.store.put(r)
				ids, jobs = append(ids, r.id), append(jobs, r)
			}
		}
		return history.Event{Outcome: history.OK, IDs: ids}
	}, func(e history.Event) {
		if e.Outcome != history.OK {
			return
		}
		for _, r := range jobs {
			n.remember(memory{at: s.now, job: r})
			if s.chance(5) {
				s.on(n, s.now+s.between(0, 2*time.Second), func() { s.cancel(n, r) })
			}
		}
	})
}

func (s *sim) cancel(n *node, job record) {
	s.call(n, history.Event{Kind: history.KindCancelIntent, Number: job.number, ID: job.id}, func() history.Event {
		e := history.Event{Outcome: history.OK, Number: job.number, ID: job.id}
		r, ok := s.store.get(job.id)
		switch {
		case !ok:
			e.Outcome = history.Absent
			return e
		case r.state == "ready":
			r.state, e.Result = "cancelled", history.Cancelled
		case r.state == "running":
			r.cancelling, e.Result, e.Fence = true, history.Running, r.fence
		case r.state == "cancelled":
			e.Result = history.Cancelled
		case r.state == "dead":
			e.Result = history.Dead
		default:
			e.Result = history.Completed
		}
		s.store.put(r)
		return e
	}, nil)
}

// tick enqueues the job of the last due time. The node's clock is right.
func (s *sim) tick(n *node) {
	if s.now > s.end-40*time.Second || s.now < tickEvery {
		return
	}
	at := int64((s.now + s.offset) / tickEvery * tickEvery)
	number, answered := s.next(), history.Event{}
	var job record
	s.call(n, history.Event{Kind: history.KindTickIntent, Subject: "hourly", Object: "mail", Time: at, Number: number}, func() history.Event {
		switch {
		case answered.Outcome == history.Won:
			return answered
		case s.store.settling > s.now:
			return history.Event{}
		}
		answered.Outcome = history.NotWon
		if s.store.ticks["hourly"] < at {
			s.store.ticks["hourly"] = at
			s.store.seq++
			job = record{id: s.store.seq, number: number, task: "mail", state: "ready"}
			s.store.put(job)
			answered = history.Event{Outcome: history.Won, ID: job.id}
		}
		return answered
	}, func(e history.Event) {
		if e.Outcome == history.Won {
			n.remember(memory{at: s.now, job: job, tick: at})
		}
	})
}
