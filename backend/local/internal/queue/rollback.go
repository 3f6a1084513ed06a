package queue

import (
	"encoding/binary"

	"github.com/actionhero-go/actionhero/backend/local/internal/journal"
)

// rollback is what reverts a change if its record cannot be written.
type rollback struct {
	kind        rollbackKind
	nodeChanged bool // the change replaced the node, whose use is dropped once the change is durable
	job         slot
	was         entry
	schedule    string
	number      int64
}

type rollbackKind uint8

const (
	entryChanged rollbackKind = iota // restore the whole entry from was
	recordMoved                      // restore the positions of its records from was
	jobAdded
	jobRemoved   // the job is freed only once the removal is durable
	lastRunSet   // the last run of the schedule was number, or never
	clockShifted // the wall clock was set by number milliseconds
)

// write appends a record, and stores how to roll back its change.
func (q *Queue) write(r rollback, parts ...[]byte) pos {
	if q.log == nil {
		return 0
	}
	q.pending = append(q.pending, r)
	return q.log.Append(parts...)
}

// remove removes a job. Without a record, the job must be due for removal because of its age: it is removed again when the
// journal is read.
func (q *Queue) remove(i slot, record ...[]byte) {
	r := rollback{kind: jobRemoved, job: i, was: *q.jobs.at(i)}
	q.jobs.unlink(i)
	switch {
	case len(record) > 0 && q.log != nil:
		q.write(r, record...)
	case q.log != nil && q.log.LastPending() != nil: // an earlier change of it may still fail
		q.pending = append(q.pending, r)
	default:
		q.jobs.release(i)
	}
}

// PreambleSize implements journal.Owner.
func (q *Queue) PreambleSize() int {
	size := changeBytes
	for name := range q.jobs.lastRuns {
		size += changeBytes + len(name)
	}
	return size
}

// AppendPreamble implements journal.Owner: it writes everything that does not belong to a job.
func (q *Queue) AppendPreamble() {
	q.log.Append(binary.AppendUvarint(binary.AppendUvarint([]byte{recordHead}, format), q.jobs.lastID))
	for name, at := range q.jobs.lastRuns {
		q.log.Append(putLastRun(nil, name, at))
	}
	q.compact.due = true
}

// Sealed implements journal.Owner.
func (q *Queue) Sealed() { q.pending, q.sealed = q.sealed[:0], q.pending }

// Committed implements journal.Owner.
func (q *Queue) Committed() {
	for n := range q.sealed {
		switch r := &q.sealed[n]; {
		case r.kind == jobRemoved:
			q.jobs.release(r.job)
		case r.nodeChanged:
			q.jobs.nodes.drop(r.was.node)
		}
	}
	q.sealed = trim(q.sealed)
}

// trim empties a list, and frees its memory if it is large.
func trim(list []rollback) []rollback {
	if cap(list) > 4096 {
		return nil
	}
	clear(list)
	return list[:0]
}

// Failed implements journal.Owner: it rolls back all changes after the last durable batch, the last change first.
func (q *Queue) Failed() {
	now, _ := q.clock.now()
	for _, list := range [][]rollback{q.pending, q.sealed} {
		for n := len(list) - 1; n >= 0; n-- {
			q.rollBack(&list[n], now)
		}
	}
	q.pending, q.sealed = trim(q.pending), trim(q.sealed)
	q.setTimer(now)
}

// listPrev returns the previous entry of e in a list, or atEnd if e is not in a list.
func (e *entry) listPrev() slot {
	if e.in == inPriority || e.in == inCrashed || e.in == inFinished || e.in == inDead {
		return e.prevOrIndex
	}
	return atEnd
}

func (q *Queue) rollBack(r *rollback, now timestamps) {
	t := q.jobs
	switch r.kind {
	case entryChanged:
		e := t.at(r.job)
		t.detach(r.job)
		if r.nodeChanged {
			t.nodes.drop(e.node)
		}
		*e = r.was
		e.in, e.prevOrIndex, e.next = inNone, 0, 0
		t.attachAfter(r.job, now.wall, r.was.listPrev())
	case recordMoved:
		e := t.at(r.job)
		t.addCounts(e, -1)
		e.record, e.recordLen, e.failure, e.failureLen = r.was.record, r.was.recordLen, r.was.failure, r.was.failureLen
		t.addCounts(e, 1)
	case jobAdded:
		t.lastID = t.at(r.job).id - 1
		t.unlink(r.job)
		t.release(r.job)
	case jobRemoved:
		t.index.insert(r.was.id, r.job)
		t.attachAfter(r.job, now.wall, r.was.listPrev())
	case lastRunSet:
		if r.number == never {
			delete(t.lastRuns, r.schedule)
		} else {
			t.lastRuns[r.schedule] = r.number
		}
	case clockShifted:
		q.clock.offset -= r.number // so that the next call detects it again
		t.shiftClock(-r.number, now.wall)
	}
}

var _ journal.Owner = (*Queue)(nil)
