package queue

import (
	"encoding/binary"
	"errors"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/local/internal/journal"
)

// slack is the length by which the journal may exceed twice the size of its needed records, as a number of files of the
// minimum size.
const slack = 4

// compaction is the state of the goroutine that limits the size of the journal. While the journal is more than twice as
// long as its needed records, the goroutine rewrites the needed records of the oldest segment at the end of the
// journal, and drops that segment. So each record is rewritten at most once on average, and no call waits for a
// compaction.
type compaction struct {
	due     bool // the journal was opened or began a new segment since the last compaction started
	running bool
}

// compactIfNeeded starts a compaction in a goroutine if a new segment began and the journal is too long. The caller
// holds the lock.
func (q *Queue) compactIfNeeded() {
	if !q.compact.due || q.compact.running || !q.open || !q.excess() {
		return
	}
	q.compact.due, q.compact.running = false, true
	q.compacting.Go(func() {
		for q.compactSegment() == nil {
			continue
		}
		// After an error, too, the compaction is retried when the next segment begins.
		q.mu.Lock()
		q.compact.running = false
		q.mu.Unlock()
	})
}

// excess reports whether the journal is longer than compaction allows and its oldest segment can be dropped.
func (q *Queue) excess() bool {
	_, ok := q.log.Oldest()
	return ok && q.log.UsedBytes() > 2*q.jobs.bytes+slack*q.cfg.FileBytes
}

var errNothingToDo = errors.New("there is nothing to compact")

// compactSegment rewrites the needed records of the oldest segment and drops the segment. It returns errNothingToDo if
// the journal is short enough.
func (q *Queue) compactSegment() error {
	q.mu.Lock()
	number, ok := q.log.Oldest()
	enough := !ok || !q.open || !q.excess()
	log := q.log
	q.mu.Unlock()
	if enough {
		return errNothingToDo
	}
	m := rewriter{q: q, log: log}
	if err := log.Scan(number, m.visit); err != nil {
		return err
	}
	if err := m.flush(); err != nil {
		return err
	}
	return log.Drop()
}

// rewriter writes the records of jobs again at the end of the journal. It collects jobs and rewrites them in groups.
type rewriter struct {
	q    *Queue
	log  *journal.Log
	jobs []rewrite
	size int
}

type rewrite struct {
	id        uint64
	at        pos
	record    []byte
	errorPos  pos // the position of the record from which errorText was read, or 0
	errorText string
}

func (m *rewriter) visit(at journal.Pos, record []byte) error {
	if record[0] != recordJob {
		return nil
	}
	f := fields{rest: record[1:]}
	m.jobs = append(m.jobs, rewrite{id: f.uvarint(), at: at, record: record})
	if m.size += len(record); m.size > 64<<10 || len(m.jobs) >= 256 {
		return m.flush()
	}
	return nil
}

// flush rewrites all collected jobs, in several rounds if needed. It stops at the first error.
func (m *rewriter) flush() error {
	for len(m.jobs) > 0 {
		if err := m.readErrors(); err != nil {
			return err
		}
		if err := m.write(); err != nil {
			return err
		}
	}
	m.size = 0
	return nil
}

// readErrors drops the collected jobs that were removed or whose record is at another position by now. It then reads
// the last error texts of the remaining jobs.
func (m *rewriter) readErrors() error {
	left := m.jobs[:0]
	for _, v := range m.jobs {
		f, err := m.q.find(v.id)
		if err != nil || f.refs.record != v.at {
			continue // the job was removed, or rewritten already
		}
		v.errorPos, v.errorText = f.refs.failure, errorOf(v.record)
		if f.refs.failure != 0 {
			b, err := m.log.Read(f.refs.failure, int(f.refs.failureLen))
			if err != nil {
				return err
			}
			v.errorText = errorOf(b)
		}
		left = append(left, v)
	}
	m.jobs = left
	return nil
}

// write rewrites the collected jobs. A job that got a new error after readErrors stays in m.jobs for another round.
func (m *rewriter) write() error {
	q := m.q
	need := 0
	for _, v := range m.jobs {
		need += len(v.record) + len(v.errorText) + changeBytes + backend.MaxKeyBytes
	}
	q.mu.Lock()
	now, err := q.begin(need, false)
	if err != nil {
		q.mu.Unlock()
		return err
	}
	left := m.jobs[:0]
	for _, v := range m.jobs {
		i := q.jobs.find(v.id)
		if i == 0 || q.jobs.at(i).record != v.at {
			continue
		}
		if q.jobs.at(i).failure != v.errorPos {
			left = append(left, v)
			continue
		}
		if err := q.rewrite(i, &v); err != nil {
			q.mu.Unlock()
			return err
		}
	}
	m.jobs = left
	return q.commit(now)
}

// rewrite writes a complete record of the job i in its current state, and stores the position of the new record in the
// entry. The argument v has the old record and the last error text.
func (q *Queue) rewrite(i slot, v *rewrite) error {
	e := q.jobs.at(i)
	record, err := putConstant(binary.AppendUvarint([]byte{recordJob}, v.id), v.record)
	if err != nil {
		return err
	}
	record = putNonzero(record, fieldKeyUntil, uint64(q.jobs.keys.list[e.key].until))
	record = putChanges(record, &entry{}, e, q.jobs.nodes.list[e.node].text)
	if v.errorText != "" {
		record = putText(record, fieldError, v.errorText)
	}
	at := q.write(rollback{kind: recordMoved, job: i, was: *e}, record)
	q.jobs.addCounts(e, -1)
	e.record, e.recordLen, e.failure, e.failureLen = at, uint32(len(record)), 0, 0
	q.jobs.addCounts(e, 1)
	return nil
}
