package queue

import (
	"math"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// table is all jobs in memory, each where it can be found when its turn comes. It knows nothing of disks.
type table struct {
	slab
	index
	tasks    interner[counts]
	nodes    interner[struct{}]
	queues   interner[queueState]
	keys     uniqueKeys
	watchers watchers

	waiting heap // by runAt
	leases  heap // by moment
	holding heap // by the end of their key's time
	ended   list
	buried  list
	probing slot // the suspect that runs: one at a time, so that none goes down with another

	counts counts
	bytes  int64 // what all records of jobs take that are needed
	lastID uint64
	ticks  map[string]int64
}

// jobBytes is what a job takes besides its record: its entry, its place in the index, and some changes on disk.
const jobBytes = 160

func newTable(memory bool, w watchers) *table {
	return &table{
		slab: slab{memory: memory}, tasks: newInterner[counts](), nodes: newInterner[struct{}](), queues: newInterner[queueState](), keys: newUniqueKeys(),
		watchers: w, ticks: map[string]int64{},
	}
}

// useQueue completes a use of a queue: the state of a new one gets its watchers.
func (t *table) useQueue(number uint32) uint32 {
	if q := &t.queues.list[number]; q.uses == 1 {
		q.value.watchers = t.watchers[q.text]
	}
	return number
}

// queueOf returns the state of e's queue. It is valid until the next queue is added.
func (t *table) queueOf(e *entry) *queueState { return &t.queues.list[e.queue].value }

// findQueue returns the state of the queue with this name, or nil if it has no jobs.
func (t *table) findQueue(name string) *queueState {
	if number := t.queues.numbers[name]; number != 0 {
		return &t.queues.list[number].value
	}
	return nil
}

// active is the number of jobs that have not ended.
func (t *table) active() int {
	return t.counts[backend.Scheduled] + t.counts[backend.Available] + t.counts[backend.Running] + t.counts[backend.Retryable]
}

func (t *table) countUp(e *entry, by int) {
	t.bytes += int64(by) * (int64(e.recordLen) + int64(e.failureLen) + jobBytes)
	t.counts[e.state] += by
	t.queueOf(e).counts[e.state] += by
	t.tasks.list[e.task].value[e.state] += by
}

// attach puts i where its state says: if that is a list, at its end.
func (t *table) attach(i slot, now int64) { t.attachBehind(i, now, atEnd) }

// atEnd is no slot, but the place behind the last one.
const atEnd slot = math.MaxUint32

// attachBehind is attach, with the place in the list, if that entry is still in it.
func (t *table) attachBehind(i slot, now int64, behind slot) {
	e := t.at(i)
	if e.waits() {
		switch {
		case e.runAt <= now:
			e.state = backend.Available
		case e.is(retrying):
			e.state = backend.Retryable
		default:
			e.state = backend.Scheduled
		}
	}
	t.countUp(e, 1)
	t.hold(i, now)
	switch e.state {
	case backend.Available:
		t.lineUp(i, behind)
	case backend.Running:
		if e.suspect() {
			t.probing = i
		}
		if e.until > 0 {
			e.where = leased
			t.leases.push(&t.slab, i, e.until)
		}
	case backend.Dead:
		e.where = buried
		t.enlist(&t.buried, i, behind)
	case backend.Completed, backend.Cancelled:
		e.where = ended
		t.enlist(&t.ended, i, behind)
	default:
		e.where = waiting
		t.waiting.push(&t.slab, i, e.runAt)
	}
}

// lineUp puts i among those that are due.
func (t *table) lineUp(i, behind slot) {
	e := t.at(i)
	l := t.queueOf(e)
	to := &l.suspects
	if e.where = suspects; !e.suspect() {
		e.where = lined
		to = &l.line(e.priority).list
	}
	t.enlist(to, i, behind)
	if e.where == lined || t.probing == 0 {
		l.tell()
	}
}

func (t *table) enlist(l *list, i, behind slot) {
	e := t.at(i)
	if behind == atEnd {
		behind = l.last
	} else if p := t.at(behind); behind != 0 && (p.where != e.where || p.queue != e.queue && l != &t.ended && l != &t.buried || p.priority != e.priority && e.where == lined) {
		behind = 0 // it left the list, so those before it did
	}
	l.insert(&t.slab, i, behind)
}

func (l *queueState) tell() {
	for _, w := range l.watchers {
		w.tell()
	}
}

// detach takes i from where it is.
func (t *table) detach(i slot) {
	e := t.at(i)
	t.countUp(e, -1)
	l := t.queueOf(e)
	switch e.where {
	case waiting:
		t.waiting.remove(&t.slab, i)
	case lined:
		l.unline(&t.slab, i)
	case suspects:
		l.suspects.remove(&t.slab, i)
	case leased:
		t.leases.remove(&t.slab, i)
	case ended:
		t.ended.remove(&t.slab, i)
	case buried:
		t.buried.remove(&t.slab, i)
	case holding:
		t.holding.remove(&t.slab, i)
	}
	e.where = nowhere
	if t.probing == i {
		t.probing = 0
		for i := range t.queues.list {
			if s := &t.queues.list[i].value; s.suspects.n > 0 {
				s.tell()
			}
		}
	}
}

// hold gives i its unique key, or takes it away, as its state demands.
func (t *table) hold(i slot, now int64) {
	e := t.at(i)
	if e.key == 0 {
		return
	}
	k := t.keys.list[e.key]
	holder := t.keys.holders[k.text]
	switch {
	case !e.state.Finished() || holder == 0 && k.until > now:
		t.keys.holders[k.text] = i
	case holder == i && k.until <= now:
		delete(t.keys.holders, k.text)
	}
}

// holder returns the job that has a unique key, or 0.
func (t *table) holder(text string, now int64) slot {
	i := t.keys.holders[text]
	if i == 0 {
		return 0
	}
	e := t.at(i)
	if e.state.Finished() && t.keys.list[e.key].until <= now {
		return 0
	}
	return i
}

// insert makes an entry known that has all it needs but a place.
func (t *table) insert(i slot, now int64) {
	e := t.at(i)
	t.index.insert(e.id, i)
	t.attach(i, now)
}

// unlink makes i unknown. It stays as it is until drop, so that it can be inserted again.
func (t *table) unlink(i slot) {
	t.detach(i)
	e := t.at(i)
	t.index.remove(e.id)
	if e.key != 0 && t.keys.holders[t.keys.list[e.key].text] == i {
		delete(t.keys.holders, t.keys.list[e.key].text)
	}
}

// drop frees i and all that it uses.
func (t *table) drop(i slot) {
	t.dropNames(t.at(i))
	t.slab.release(i)
}

func (t *table) dropNames(e *entry) {
	t.tasks.drop(e.task)
	t.nodes.drop(e.node)
	t.queues.drop(e.queue)
	t.keys.drop(e.key)
}

// next returns the job of a lane that is to be taken next, or 0.
func (t *table) next(l *queueState, now int64) slot {
	if t.probing == 0 && l.suspects.n > 0 {
		return l.suspects.first
	}
	for len(l.lines) > 0 {
		i := l.lines[0].first
		e := t.at(i)
		if e.runAt <= now || e.is(relative) {
			return i
		}
		// The wall clock went back since it was due.
		t.detach(i)
		t.attach(i, now)
	}
	return 0
}

// becomeDue lines up the jobs whose time has come.
func (t *table) becomeDue(now int64) {
	for range atOnce {
		if t.waiting.next() > now {
			return
		}
		i := t.waiting[0].i
		t.detach(i)
		t.attach(i, now)
	}
}

// job returns what is known of i without its records.
func (t *table) job(i slot) backend.Job {
	e := t.at(i)
	j := backend.Job{
		ID: e.id, Task: t.tasks.list[e.task].text, Queue: t.queues.list[e.queue].text, Priority: e.priority, State: e.state,
		RunAt: time.UnixMilli(e.runAt), Enqueued: time.UnixMilli(e.enqueued),
		Attempt: int(e.attempt), MaxAttempts: int(e.maxAttempts), Crashes: int(e.crashes), MaxCrashes: int(e.maxCrashes), Starts: int(e.starts),
		Cancelling: e.is(cancelling), Node: t.nodes.list[e.node].text,
	}
	if until := t.keys.list[e.key].until; until != 0 {
		j.UniqueUntil = time.UnixMilli(until)
	}
	if e.started != 0 {
		j.Started = time.UnixMilli(e.started)
	}
	if e.state.Finished() {
		j.Finished = time.UnixMilli(e.until)
	}
	return j
}
