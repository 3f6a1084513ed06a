package queue

import (
	"math"
	"slices"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// table has all jobs in memory. The state of a job decides which list or heap of the table contains the job, see
// [container]. The table does not access the disk.
type table struct {
	slab
	index
	tasks    interner[counts]
	nodes    interner[struct{}]
	queues   interner[queueState]
	keys     uniqueKeys
	watchers watchers

	waiting        heap // the scheduled and retryable jobs, by runAt
	uniqueHeld     heap // the finished jobs that are only kept until their unique key is free, by the time when the key is free
	finished       list // the completed and cancelled jobs, by finish time
	dead           list // the dead jobs, by finish time
	crashedRunning slot // the running job that is dead after one more crash; at most one, so that no other job of this kind crashes with it

	counts   counts
	bytes    int64 // the size of all records that are still needed
	work     int64 // the part of bytes that belongs to jobs that have not finished
	lastID   uint64
	lastRuns map[string]int64
}

// jobBytes is the size in bytes that a job without its record counts towards the memory limit. It covers the entry of
// the job, the reference in the index, and some changes on disk.
const jobBytes = 160

func newTable(memory bool, w watchers) *table {
	return &table{
		slab: slab{inMemory: memory}, tasks: newInterner[counts](), nodes: newInterner[struct{}](), queues: newInterner[queueState](), keys: newUniqueKeys(),
		watchers: w, lastRuns: map[string]int64{},
	}
}

// useQueue sets the watchers of a queue if the queue is new in the table. The argument number is the result of
// queues.use for the queue's name. useQueue returns the same number.
func (t *table) useQueue(number uint32) uint32 {
	if q := &t.queues.list[number]; q.uses == 1 {
		q.value.watchers = t.watchers[q.text]
	}
	return number
}

// queueOf returns the state of the queue of the entry e. The pointer is valid until the next queue is added.
func (t *table) queueOf(e *entry) *queueState { return &t.queues.list[e.queue].value }

// findQueue returns the state of the queue with this name, or nil if the queue has no jobs.
func (t *table) findQueue(name string) *queueState {
	if number := t.queues.numbers[name]; number != 0 {
		return &t.queues.list[number].value
	}
	return nil
}

// active returns the number of jobs that have not finished: scheduled, available, running and retryable jobs.
func (t *table) active() int {
	return t.counts[backend.Scheduled] + t.counts[backend.Available] + t.counts[backend.Running] + t.counts[backend.Retryable]
}

func (t *table) addCounts(e *entry, by int) {
	bytes := int64(by) * (int64(e.recordLen) + int64(e.failureLen) + jobBytes)
	if t.bytes += bytes; !e.state.Finished() {
		t.work += bytes
	}
	t.counts[e.state] += by
	t.queueOf(e).counts[e.state] += by
	t.tasks.list[e.task].value[e.state] += by
}

// attach inserts the entry i into the list or heap that the state of its job requires. In a list, the entry becomes the
// last one.
func (t *table) attach(i slot, now int64) { t.attachAfter(i, now, atEnd) }

// atEnd is a value that is not a slot. As the argument prev of attachAfter and insertInto, it means the end of the
// list.
const atEnd slot = math.MaxUint32

// attachAfter inserts the entry i into the list or heap that the state of its job requires. In a list, the entry i
// follows the entry prev. If prev has left that list, i becomes the first entry. If prev is atEnd, i becomes the last
// entry.
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

// attachDue inserts the due job i into a list of its queue after the entry prev, and notifies the watchers of the
// queue.
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
		prev = 0 // the entry prev has left the list, so all entries before prev have left the list, too
	}
	l.insertAfter(&t.slab, i, prev)
}

// detach removes the entry i from its list or heap and from the counts.
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
	case inUnknown:
		q.unknown.remove(&t.slab, i)
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

// updateHolder updates the holder of the unique key of the job i. If the job has not finished, it becomes the holder.
// If the job has finished and the time uniqueKey.until has not passed, it becomes the holder if no other job is. If
// that time has passed and the job is the holder, updateHolder frees the key.
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

// holder returns the slot of the job that holds the unique key with this text at the time now, or 0 if no job holds the
// key.
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

// insert adds the entry i to the index and to its list or heap. The other fields of the entry must be set.
func (t *table) insert(i slot, now int64) {
	e := t.at(i)
	t.index.insert(e.id, i)
	t.attach(i, now)
}

// unlink removes the entry i from the index and from its list or heap. The fields of the entry stay until release, so
// that the entry can be inserted again.
func (t *table) unlink(i slot) {
	t.detach(i)
	e := t.at(i)
	t.index.remove(e.id)
	if e.key != 0 && t.keys.holders[t.keys.list[e.key].text] == i {
		delete(t.keys.holders, t.keys.list[e.key].text)
	}
}

// release frees the entry i, and removes its uses of the names of tasks, nodes and queues and of its unique key.
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

// nextDue returns the slot of the job of the queue q that Fetch must return next, or 0 if no job of the known tasks is
// due. If known is nil, all tasks are known. nextDue sets jobs of other tasks aside, so that no further call meets them.
func (t *table) nextDue(q *queueState, now int64, known []string) slot {
	if q.unknown.n > 0 && (known == nil || !slices.Equal(q.known, known)) {
		for q.unknown.n > 0 {
			i := q.unknown.first
			t.detach(i)
			t.attach(i, now)
		}
	}
	if t.crashedRunning == 0 {
		for q.crashed.n > 0 {
			if i := q.crashed.first; t.knows(known, i) {
				return i
			}
			t.setAside(q, q.crashed.first, known)
		}
	}
	for len(q.priorities) > 0 {
		i := q.priorities[0].first
		e := t.at(i)
		if !t.knows(known, i) {
			t.setAside(q, i, known)
			continue
		}
		if e.runAt <= now || e.has(relative) {
			return i
		}
		// The wall clock has gone back since the job became due.
		t.detach(i)
		t.attach(i, now)
	}
	return 0
}

// knows reports whether the task of the job i is one of the known tasks.
func (t *table) knows(known []string, i slot) bool {
	return known == nil || slices.Contains(known, t.tasks.list[t.at(i).task].text)
}

// setAside moves the due job i of the queue q to the jobs whose tasks the worker does not know.
func (t *table) setAside(q *queueState, i slot, known []string) {
	t.detach(i)
	e := t.at(i)
	t.addCounts(e, 1)
	e.in = inUnknown
	q.unknown.insertAfter(&t.slab, i, q.unknown.last)
	q.known = known
}

// promoteDue sets the state of each waiting job whose runAt is not after now to Available. One call promotes at most
// maxDuePerLock jobs.
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

// job returns the job of the entry i with all fields that are in memory. The other fields are only in the records of
// the job.
func (t *table) job(i slot) backend.Job {
	e := t.at(i)
	j := backend.Job{
		ID: e.id, Task: t.tasks.list[e.task].text, Queue: t.queues.list[e.queue].text, Priority: e.priority, State: e.state,
		RunAt: time.UnixMilli(e.runAt), Enqueued: time.UnixMilli(e.enqueued),
		Attempt: int(e.attempt), MaxAttempts: int(e.maxAttempts), Crashes: int(e.crashes), MaxCrashes: int(e.maxCrashes), Starts: int(e.starts), Fence: uint64(e.starts),
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
