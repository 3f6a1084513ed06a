package queue

import (
	"encoding/binary"
	"errors"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/local/internal/journal"
)

// slack is how much longer the journal may be than twice what is needed of it, in files of the shortest kind.
const slack = 4

// compaction keeps the journal short: while it is more than twice as long as what is needed of it, what is needed of the
// oldest segment is written again, and the segment dropped. So whatever is written costs at most one more writing, on
// average, and nothing ever stops for it.
type compaction struct {
	due     bool // a segment began since it was looked at, or since it failed
	running bool
}

// compactIfNeeded is called with the lock held.
func (q *Queue) compactIfNeeded() {
	if !q.compact.due || q.compact.running || !q.open || !q.excess() {
		return
	}
	q.compact.due, q.compact.running = false, true
	q.compacting.Go(func() {
		for q.compactSegment() == nil {
			continue
		}
		// Whatever kept it from going on, it is tried again when the next segment begins.
		q.mu.Lock()
		q.compact.running = false
		q.mu.Unlock()
	})
}

// excess reports whether the journal is too long.
func (q *Queue) excess() bool {
	_, ok := q.log.Oldest()
	return ok && q.log.UsedBytes() > 2*q.jobs.bytes+slack*q.cfg.FileBytes
}

var errEnough = errors.New("there is nothing to compact")

// compactSegment gets rid of the oldest segment.
func (q *Queue) compactSegment() error {
	q.mu.Lock()
	number, ok := q.log.Oldest()
	enough := !ok || !q.open || !q.excess()
	log := q.log
	q.mu.Unlock()
	if enough {
		return errEnough
	}
	m := mover{q: q, log: log}
	if err := log.Scan(number, m.visit); err != nil {
		return err
	}
	if err := m.flush(); err != nil {
		return err
	}
	return log.Drop()
}

// mover writes again, some at a time, the jobs whose records are in one segment.
type mover struct {
	q     *Queue
	log   *journal.Log
	moves []move
	size  int
}

type move struct {
	id      uint64
	at      pos
	record  []byte
	failure pos // the newer error that was read
	text    string
}

func (m *mover) visit(at journal.Pos, record []byte) error {
	if record[0] != recordJob {
		return nil
	}
	f := fields{rest: record[1:]}
	m.moves = append(m.moves, move{id: f.uvarint(), at: at, record: record})
	if m.size += len(record); m.size > 64<<10 || len(m.moves) >= 256 {
		return m.flush()
	}
	return nil
}

// flush moves what was gathered.
func (m *mover) flush() error {
	for len(m.moves) > 0 {
		if err := m.readErrors(); err != nil {
			return err
		}
		if err := m.writeAgain(); err != nil {
			return err
		}
	}
	m.size = 0
	return nil
}

// readErrors leaves out the jobs that are elsewhere by now, and reads the last errors of the others.
func (m *mover) readErrors() error {
	left := m.moves[:0]
	for _, v := range m.moves {
		f, err := m.q.find(v.id)
		if err != nil || f.rest.record != v.at {
			continue // gone, or moved already
		}
		v.failure, v.text = f.rest.failure, errorIn(v.record)
		if f.rest.failure != 0 {
			b, err := m.log.Read(f.rest.failure, int(f.rest.failureLen))
			if err != nil {
				return err
			}
			v.text = errorIn(b)
		}
		left = append(left, v)
	}
	m.moves = left
	return nil
}

// writeAgain writes the jobs again, and leaves those that got a new error meanwhile for another round.
func (m *mover) writeAgain() error {
	q := m.q
	need := 0
	for _, v := range m.moves {
		need += len(v.record) + len(v.text) + changeBytes + backend.MaxKeyBytes
	}
	q.mu.Lock()
	now, err := q.begin(need, false)
	if err != nil {
		q.mu.Unlock()
		return err
	}
	left := m.moves[:0]
	for _, v := range m.moves {
		i := q.jobs.find(v.id)
		if i == 0 || q.jobs.at(i).record != v.at {
			continue
		}
		if q.jobs.at(i).failure != v.failure {
			left = append(left, v)
			continue
		}
		if err := q.move(i, &v); err != nil {
			q.mu.Unlock()
			return err
		}
	}
	m.moves = left
	return q.commit(now)
}

// move writes the whole record of a job as it is now.
func (q *Queue) move(i slot, v *move) error {
	e := q.jobs.at(i)
	record, err := putUnchanging(binary.AppendUvarint([]byte{recordJob}, v.id), v.record)
	if err != nil {
		return err
	}
	record = putSet(record, fieldKeyUntil, uint64(q.jobs.keys.list[e.key].until))
	record = putChanges(record, &entry{}, e, q.jobs.nodes.list[e.node].text)
	if v.text != "" {
		record = putText(record, fieldError, v.text)
	}
	at := q.write(undo{kind: moved, i: i, was: *e}, record)
	q.jobs.countUp(e, -1)
	e.record, e.recordLen, e.failure, e.failureLen = at, uint32(len(record)), 0, 0
	q.jobs.countUp(e, 1)
	return nil
}
