package queue

import (
	"encoding/binary"

	"github.com/actionhero-go/actionhero/backend/local/internal/journal"
)

// undo is what to do if a record cannot be kept.
type undo struct {
	kind   undoKind
	named  bool // the change was one of the node, too
	i      slot
	was    entry
	text   string
	number int64
}

type undoKind uint8

const (
	changed undoKind = iota // the entry was was
	moved                   // so were the places of its records
	added
	removed // it is only freed once the removal is kept
	ticked  // the schedule's last time was number
	shifted // by number
)

// write appends a record, and remembers how to undo what it is about.
func (q *Queue) write(u undo, parts ...[]byte) pos {
	if q.log == nil {
		return 0
	}
	q.undos = append(q.undos, u)
	return q.log.Append(parts...)
}

// remove takes out a job for good. Unless it is gone by its age, which will be so when the journal is read again, there
// must be a record of it.
func (q *Queue) remove(i slot, record ...[]byte) {
	u := undo{kind: removed, i: i, was: *q.jobs.at(i)}
	q.jobs.unlink(i)
	switch {
	case len(record) > 0 && q.log != nil:
		q.write(u, record...)
	case q.log != nil && q.log.LastPending() != nil: // a change of it may yet fail
		q.undos = append(q.undos, u)
	default:
		q.jobs.drop(i)
	}
}

// PreambleSize is journal.Owner's.
func (q *Queue) PreambleSize() int {
	size := changeBytes
	for name := range q.jobs.ticks {
		size += changeBytes + len(name)
	}
	return size
}

// AppendPreamble is journal.Owner's: it writes down what is about no job.
func (q *Queue) AppendPreamble() {
	q.log.Append(binary.AppendUvarint(binary.AppendUvarint([]byte{recordHead}, format), q.jobs.lastID))
	for name, at := range q.jobs.ticks {
		q.log.Append(putTick(nil, name, at))
	}
	q.compact.due = true
}

// Sealed is journal.Owner's.
func (q *Queue) Sealed() { q.undos, q.sealed = q.sealed[:0], q.undos }

// Committed is journal.Owner's.
func (q *Queue) Committed() {
	for n := range q.sealed {
		switch u := &q.sealed[n]; {
		case u.kind == removed:
			q.jobs.drop(u.i)
		case u.named:
			q.jobs.nodes.drop(u.was.node)
		}
	}
	q.sealed = trim(q.sealed)
}

// trim empties a list, and gives its memory back if it is much.
func trim(undos []undo) []undo {
	if cap(undos) > 4096 {
		return nil
	}
	clear(undos)
	return undos[:0]
}

// Failed is journal.Owner's: it undoes, the last first, what was written since the last batch that was kept.
func (q *Queue) Failed() {
	now, _ := q.clock.now()
	for _, undos := range [][]undo{q.undos, q.sealed} {
		for n := len(undos) - 1; n >= 0; n-- {
			q.undo(&undos[n], now)
		}
	}
	q.undos, q.sealed = trim(q.undos), trim(q.sealed)
	q.setAlarm(now)
}

// behind returns the entry that e is behind in a list, or atEnd if it is in none.
func (e *entry) behind() slot {
	if e.where == lined || e.where == suspects || e.where == ended || e.where == buried {
		return e.place
	}
	return atEnd
}

func (q *Queue) undo(u *undo, now moments) {
	t := q.jobs
	switch u.kind {
	case changed:
		e := t.at(u.i)
		t.detach(u.i)
		if u.named {
			t.nodes.drop(e.node)
		}
		*e = u.was
		e.where, e.place, e.next = nowhere, 0, 0
		t.attachBehind(u.i, now.wall, u.was.behind())
	case moved:
		e := t.at(u.i)
		t.countUp(e, -1)
		e.record, e.recordLen, e.failure, e.failureLen = u.was.record, u.was.recordLen, u.was.failure, u.was.failureLen
		t.countUp(e, 1)
	case added:
		t.lastID = t.at(u.i).id - 1
		t.unlink(u.i)
		t.drop(u.i)
	case removed:
		t.index.insert(u.was.id, u.i)
		t.attachBehind(u.i, now.wall, u.was.behind())
	case ticked:
		if u.number == never {
			delete(t.ticks, u.text)
		} else {
			t.ticks[u.text] = u.number
		}
	case shifted:
		q.clock.offset -= u.number // so that it is seen again
		t.shift(-u.number, now.wall)
	}
}

var _ journal.Owner = (*Queue)(nil)
