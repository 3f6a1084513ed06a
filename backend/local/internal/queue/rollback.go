package queue

import (
	"encoding/binary"

	"github.com/actionhero-go/actionhero/backend/local/internal/journal"
)

// rollback has the data to revert one change of the table if the record of the change cannot be written.
type rollback struct {
	kind        rollbackKind
	nodeChanged bool // the change replaced the node of the entry; the use of the old node is dropped once the change is durable
	job         slot
	was         entry
	schedule    string
	number      int64
}

type rollbackKind uint8

const (
	entryChanged rollbackKind = iota // the rollback restores the whole entry from the field was
	recordMoved                      // the rollback restores the positions of the job's records from the field was
	jobAdded
	jobRemoved   // the entry of the job is freed only once the removal is durable
	lastRunSet   // the field number is the previous last run of the schedule, or never
	clockShifted // the wall clock was set by the milliseconds in the field number
)

// write appends a record, the concatenation of parts, to the journal, and stores the data r to revert the change. It
// returns the position of the record. If jobs are only in memory, write does nothing and returns 0.
func (q *Queue) write(r rollback, parts ...[]byte) pos {
	if q.log == nil {
		return 0
	}
	q.pending = append(q.pending, r)
	return q.log.Append(parts...)
}

// remove removes the job i and writes the record, if given. If remove is called without a record, the job must have
// passed its retention time: the removal is not stored, so the job is removed again after the journal is read.
func (q *Queue) remove(i slot, record ...[]byte) {
	r := rollback{kind: jobRemoved, job: i, was: *q.jobs.at(i)}
	q.jobs.unlink(i)
	switch {
	case len(record) > 0 && q.log != nil:
		q.write(r, record...)
	case q.log != nil && q.log.LastPending() != nil: // an earlier change of the job may still fail
		q.pending = append(q.pending, r)
	default:
		q.jobs.release(i)
	}
}

// PreambleSize implements [journal.Owner.PreambleSize]. It returns the maximum size in bytes of the records that
// AppendPreamble appends.
func (q *Queue) PreambleSize() int {
	size := changeBytes
	for name := range q.jobs.lastRuns {
		size += changeBytes + len(name)
	}
	return size
}

// AppendPreamble implements [journal.Owner.AppendPreamble]. It appends the data that does not belong to a job: the
// format, the last id and the last runs of the schedules.
func (q *Queue) AppendPreamble() {
	q.appendHead()
	for name, at := range q.jobs.lastRuns {
		q.log.Append(putLastRun(nil, name, at))
	}
	q.compact.due = true
}

func (q *Queue) appendHead() {
	q.log.Append(binary.AppendUvarint(binary.AppendUvarint([]byte{recordHead}, format), q.jobs.lastID))
}

// Sealed implements [journal.Owner.Sealed]. It keeps the rollback data of the sealed batch apart from the data of the
// next batch.
func (q *Queue) Sealed() { q.pending, q.sealed = q.sealed[:0], q.pending }

// Committed implements [journal.Owner.Committed]. It frees the jobs and node names that the durable batch removed, and
// drops the rollback data of the batch.
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

// trim returns the list without its items. If the list has a large capacity, trim returns nil, so that its memory is
// freed.
func trim(list []rollback) []rollback {
	if cap(list) > 4096 {
		return nil
	}
	clear(list)
	return list[:0]
}

// Failed implements [journal.Owner.Failed]. It rolls back all changes after the last durable batch, beginning with the
// newest change.
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

// listPrev returns the slot before the entry e in its list. If e is not in a list, listPrev returns atEnd.
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
		q.clock.offset -= r.number // so that the next call detects again that the wall clock was set
		t.shiftClock(-r.number, now.wall)
	}
}

var _ journal.Owner = (*Queue)(nil)
