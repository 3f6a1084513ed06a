package queue

import (
	"math"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// table has all jobs in memory. Each job is in the one list or heap that its state requires, see container. The table does
// not access the disk.
type table struct {
	slab
	index
	tasks    interner[counts]
	nodes    interner[struct{}]
	queues   interner[queueState]
	keys     uniqueKeys
	watchers watchers

	waiting        heap // scheduled and retryable jobs, by runAt
	leases         heap // running jobs, by the expiry of their lease
	uniqueHeld     heap // finished jobs that are only kept until their unique key is free, by that time
	finished       list // completed and cancelled jobs, by finish time
	dead           list // dead jobs, by finish time
	crashedRunning slot // the running job with one crash left: at most one, so that it cannot crash another one

	counts   counts
	bytes    int64 // the size of all records that are still needed
	lastID   uint64
	lastRuns map[string]int64
}

// jobBytes is the size of a job without its record: its entry, its reference in the index, and some changes on disk.
const jobBytes = 160

func newTable(memory bool, w watchers) *table {
	return &table{
		slab: slab{inMemory: memory}, tasks: newInterner[counts](), nodes: newInterner[struct{}](), queues: newInterner[queueState](), keys: newUniqueKeys(),
		watchers: w, lastRuns: map[string]int64{},
	}
}

// useQueue is called with the number of a queue after queues.use. If the queue is new, it gets its watchers.
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

// active returns the number of jobs that have not finished.
func (t *table) active() int {
	return t.counts[backend.Scheduled] + t.counts[backend.Available] + t.counts[backend.Running] + t.counts[backend.Retryable]
}

func (t *table) addCounts(e *entry, by int) {
	t.bytes += int64(by) * (int64(e.recordLen) + int64(e.failureLen) + jobBytes)
	t.counts[e.state] += by
	t.queueOf(e).counts[e.state] += by
	t.tasks.list[e.task].value[e.state] += by
}

// attach inserts i into the container that its state requires. In a list it becomes the last.
func (t *table) attach(i slot, now int64) { t.attachAfter(i, now, atEnd) }

// atEnd is not a slot. As a position in a list it is the end.
const atEnd slot = math.MaxUint32

// attachAfter is attach with a position in the list: i follows prev if prev is still in that list.
func (t *table) attachAfter(i slot, now int64, prev slot) {
	e := t.at(i)
	if e.waits() {
		switch {
		case e.runAt <= now:
			e.state = backend.Available
		case e.has(retrying):
			e.state = backend.Retryable
		default:
			e.state = backend.Scheduled
		}
	}
	t.addCounts(e, 1)
	t.updateHolder(i, now)
	switch e.state {
	case backend.Available:
		t.attachDue(i, prev)
	case backend.Running:
		if e.lastCrashLeft() {
			t.crashedRunning = i
		}
		if e.endsAt > 0 {
			e.in = inLeases
			t.leases.push(&t.slab, i, e.endsAt)
		}
	case backend.Dead:
		e.in = inDead
		t.insertInto(&t.dead, i, prev)
	case backend.Completed, backend.Cancelled:
		e.in = inFinished
		t.insertInto(&t.finished, i, prev)
	default:
		e.in = inWaiting
		t.waiting.push(&t.slab, i, e.runAt)
	}
}

// attachDue inserts a due job into the state of its queue.
func (t *table) attachDue(i, prev slot) {
	e := t.at(i)
	q := t.queueOf(e)
	to := &q.crashed
	if e.in = inCrashed; !e.lastCrashLeft() {
		e.in = inPriority
		to = &q.listFor(e.priority).list
	}
	t.insertInto(to, i, prev)
	if e.in == inPriority || t.crashedRunning == 0 {
		q.notify()
	}
}

func (t *table) insertInto(l *list, i, prev slot) {
	e := t.at(i)
	if prev == atEnd {
		prev = l.last
	} else if p := t.at(prev); prev != 0 && (p.in != e.in || p.queue != e.queue && l != &t.finished && l != &t.dead || p.priority != e.priority && e.in == inPriority) {
		prev = 0 // it has left the list, so all entries before it have, too
	}
	l.insertAfter(&t.slab, i, prev)
}

// detach removes i from its container.
func (t *table) detach(i slot) {
	e := t.at(i)
	t.addCounts(e, -1)
	q := t.queueOf(e)
	switch e.in {
	case inWaiting:
		t.waiting.remove(&t.slab, i)
	case inPriority:
		q.removeDue(&t.slab, i)
	case inCrashed:
		q.crashed.remove(&t.slab, i)
	case inLeases:
		t.leases.remove(&t.slab, i)
	case inFinished:
		t.finished.remove(&t.slab, i)
	case inDead:
		t.dead.remove(&t.slab, i)
	case inUniqueHeld:
		t.uniqueHeld.remove(&t.slab, i)
	}
	e.in = inNone
	if t.crashedRunning == i {
		t.crashedRunning = 0
		for i := range t.queues.list {
			if q := &t.queues.list[i].value; q.crashed.n > 0 {
				q.notify()
			}
		}
	}
}

// updateHolder makes i the holder of its unique key, or frees the key, depending on the state of i.
func (t *table) updateHolder(i slot, now int64) {
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

// holder returns the job that holds a unique key, or 0.
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

// insert adds an entry whose other fields are set to the index and to its container.
func (t *table) insert(i slot, now int64) {
	e := t.at(i)
	t.index.insert(e.id, i)
	t.attach(i, now)
}

// unlink removes i from the index and its container. Its fields stay until release, so that it can be inserted again.
func (t *table) unlink(i slot) {
	t.detach(i)
	e := t.at(i)
	t.index.remove(e.id)
	if e.key != 0 && t.keys.holders[t.keys.list[e.key].text] == i {
		delete(t.keys.holders, t.keys.list[e.key].text)
	}
}

// release frees i and its uses of names.
func (t *table) release(i slot) {
	t.dropNames(t.at(i))
	t.slab.free(i)
}

func (t *table) dropNames(e *entry) {
	t.tasks.drop(e.task)
	t.nodes.drop(e.node)
	t.queues.drop(e.queue)
	t.keys.drop(e.key)
}

// nextDue returns the job of a queue that is to be fetched next, or 0.
func (t *table) nextDue(q *queueState, now int64) slot {
	if t.crashedRunning == 0 && q.crashed.n > 0 {
		return q.crashed.first
	}
	for len(q.priorities) > 0 {
		i := q.priorities[0].first
		e := t.at(i)
		if e.runAt <= now || e.has(relative) {
			return i
		}
		// The wall clock has gone back since the job became due.
		t.detach(i)
		t.attach(i, now)
	}
	return 0
}

// promoteDue makes waiting jobs Available whose time has come, at most maxDuePerLock of them.
func (t *table) promoteDue(now int64) {
	for range maxDuePerLock {
		if t.waiting.earliest() > now {
			return
		}
		i := t.waiting[0].i
		t.detach(i)
		t.attach(i, now)
	}
}

// job returns the fields of the job that do not need its records.
func (t *table) job(i slot) backend.Job {
	e := t.at(i)
	j := backend.Job{
		ID: e.id, Task: t.tasks.list[e.task].text, Queue: t.queues.list[e.queue].text, Priority: e.priority, State: e.state,
		RunAt: time.UnixMilli(e.runAt), Enqueued: time.UnixMilli(e.enqueued),
		Attempt: int(e.attempt), MaxAttempts: int(e.maxAttempts), Crashes: int(e.crashes), MaxCrashes: int(e.maxCrashes), Starts: int(e.starts),
		Cancelling: e.has(cancelling), Node: t.nodes.list[e.node].text,
	}
	if until := t.keys.list[e.key].until; until != 0 {
		j.UniqueUntil = time.UnixMilli(until)
	}
	if e.started != 0 {
		j.Started = time.UnixMilli(e.started)
	}
	if e.state.Finished() {
		j.Finished = time.UnixMilli(e.endsAt)
	}
	return j
}
