// Package queue is the embedded backend.Queue: all jobs of one process, found through memory, and kept in a journal on
// disk if it is given a folder.
//
// A [table] has every job in the one list or heap where it is found when its turn comes: no call looks at jobs that it
// has nothing to do with. Each change is made in the table first, under the queue's one lock, and is written down as a
// record. The call then waits, without the lock, until the journal has brought its records to the disk, together with
// those of all other calls that wait. If that fails, the changes are taken back.
package queue

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/local/internal/journal"
)

// Config says where jobs are kept and for how long. All of it must be set.
type Config struct {
	KeepCompleted time.Duration // for how long completed and cancelled jobs are kept
	KeepFailed    time.Duration // for how long dead jobs are kept
	KeepMost      int           // how many completed and cancelled jobs are kept at most, and how many dead ones
	MaxJobs       int           // how many jobs there may be that have not ended
	MaxBytes      int64         // how many bytes the records of all jobs may take
	FS            journal.FS    // where jobs are kept; nil: in memory
	FileBytes     int64         // how long the shortest file is that they are kept in; journal.DefaultSize does well
}

// Queue is a backend.Queue. [New] makes one.
type Queue struct {
	cfg       Config
	cancelled atomic.Pointer[func(uint64)]

	mu       sync.Mutex // for all below
	open     bool
	clock    clock
	jobs     *table
	watchers watchers
	scratch  []byte
	alarm    alarm

	log        *journal.Log // nil: jobs are in memory only
	undos      []undo       // what to undo if the pending batch fails
	sealed     []undo       // and if the one fails that is on its way to the disk
	compacting sync.WaitGroup
	compact    compaction
}

var _ backend.Queue = (*Queue)(nil)

// New returns a queue that is not open yet.
func New() *Queue {
	q := &Queue{clock: newClock(), watchers: watchers{}}
	q.jobs = newTable(true, q.watchers)
	q.alarm.ring = q.wake
	return q
}

// Open makes the queue ready for use. Jobs that were running when it was closed, or when its process died, have crashed.
func (q *Queue) Open(cfg Config) error {
	q.cfg = cfg
	if cfg.FS != nil {
		if err := q.load(); err != nil {
			return err
		}
	}
	q.mu.Lock()
	q.open = true
	q.alarm.start()
	q.mu.Unlock()
	if err := q.recover(); err != nil {
		return errors.Join(err, q.Close())
	}
	return nil
}

// Close ends the use of the queue, and waits for what it does by itself.
func (q *Queue) Close() error {
	q.mu.Lock()
	q.open = false
	q.alarm.on = false
	q.alarm.unset()
	q.mu.Unlock()
	q.alarm.running.Wait()
	q.compacting.Wait()
	if q.log == nil {
		return nil
	}
	err := q.log.Close()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.log, q.jobs = nil, newTable(true, q.watchers) // what is on disk need not be in memory, too
	return err
}

// changeBytes is how long the record of a change is at most, besides the texts in it.
const changeBytes = 128 + journal.Overhead

// begin is the first thing that happens under the lock: it sees to the clock, and to room for records of need bytes.
// adding says whether they are about new jobs. It may give the lock back meanwhile.
func (q *Queue) begin(need int, adding bool) (moments, error) {
	if q.open && q.log != nil {
		if err := q.log.Reserve(need+changeBytes, adding); err != nil {
			return moments{}, err
		}
	}
	if !q.open {
		return moments{}, backend.ErrClosed
	}
	now, set := q.clock.now()
	if set {
		by := q.clock.follow()
		q.jobs.shift(by, now.wall)
		q.write(undo{kind: shifted, number: by}, putShift(q.scratch[:0], by))
	}
	q.jobs.becomeDue(now.wall)
	return now, nil
}

// look is begin for those who change nothing.
func (q *Queue) look() error {
	if !q.open {
		return backend.ErrClosed
	}
	now, _ := q.clock.now()
	q.jobs.becomeDue(now.wall)
	return nil
}

// change lets edit change an entry, moves it to where it belongs then, and writes down what changed.
func (q *Queue) change(i slot, now moments, failure string, edit func(e *entry)) {
	e := q.jobs.at(i)
	was := *e
	q.jobs.detach(i)
	edit(e)
	if q.log != nil {
		record := putChanges(q.startRecord(recordChange, e.id), &was, e, q.jobs.nodes.list[e.node].text)
		if failure != "" {
			record = putText(record, fieldError, failure)
		}
		pos := q.write(undo{kind: changed, i: i, was: was, named: was.node != e.node}, record)
		if failure != "" {
			e.failure, e.failureLen = pos, uint32(len(record))
		}
	} else {
		if failure != "" {
			q.jobs.kept(i).failure = failure
		}
		if was.node != e.node {
			q.jobs.nodes.drop(was.node)
		}
	}
	q.jobs.attach(i, now.wall)
}

// commit ends what begin began: it gives the lock back, and waits until all is kept.
func (q *Queue) commit(now moments) error {
	q.sweep(now)
	q.setAlarm(now)
	if q.log == nil {
		q.mu.Unlock()
		return nil
	}
	log, last := q.log, q.log.Last()
	q.compactIfNeeded()
	q.mu.Unlock()
	return log.Wait(last)
}

// Enqueue is backend.Queue's.
func (q *Queue) Enqueue(_ context.Context, jobs ...backend.NewJob) ([]backend.Enqueued, error) {
	var one [1]spec
	var few [fewBytes]byte
	s, err := read(jobs, one[:0], few[:0])
	if err != nil {
		return nil, err
	}
	q.mu.Lock()
	now, err := q.begin(s.size(), true)
	if err == nil {
		err = q.room(&s, now)
	}
	if err != nil {
		q.mu.Unlock()
		return nil, err
	}
	added := make([]backend.Enqueued, len(jobs))
	for n := range s.list {
		added[n] = q.add(&s.list[n].job, s.fieldsOf(n), now)
	}
	return added, q.commit(now)
}

// add adds a job, unless its key is taken. fields are its unchanging ones, as they are written.
func (q *Queue) add(job *backend.NewJob, fields []byte, now moments) backend.Enqueued {
	if i := q.taken(job, now); i != 0 {
		return backend.Enqueued{ID: q.jobs.at(i).id, Existing: true}
	}
	i := q.jobs.alloc()
	e := q.jobs.at(i)
	until := int64(0)
	if job.UniqueFor > 0 {
		until = now.after(job.UniqueFor)
	}
	q.jobs.lastID++
	*e = entry{
		id: q.jobs.lastID, enqueued: now.wall, state: backend.Scheduled, priority: job.Priority,
		task: q.jobs.tasks.use(job.Task), queue: q.jobs.useQueue(q.jobs.queues.use(job.Queue)), key: q.jobs.keys.use(job.Unique, until),
		maxAttempts: uint32(job.MaxAttempts), maxCrashes: uint16(job.MaxCrashes),
	}
	e.runAt = ceil(job.RunAt)
	if job.RunAt.IsZero() || e.runAt <= now.wall {
		e.runAt, e.flags = now.after(job.Delay), relative
	}
	record := q.startRecord(recordJob, e.id)
	record = putNumber(record, fieldEnqueued, uint64(e.enqueued))
	record = putSet(record, fieldKeyUntil, uint64(until))
	record = putChanges(record, &entry{}, e, "")
	e.recordLen = uint32(len(record) + len(fields))
	if q.log != nil {
		e.record = q.write(undo{kind: added, i: i}, record, fields)
	} else {
		q.jobs.kept(i).record = slices.Concat(record, fields)
	}
	q.jobs.insert(i, now.wall)
	return backend.Enqueued{ID: e.id}
}

// startRecord begins a record about a job, in memory that the next record will use, too.
func (q *Queue) startRecord(kind byte, id uint64) []byte {
	q.scratch = binary.AppendUvarint(append(q.scratch[:0], kind), id)
	return q.scratch
}

// taken returns the job that has the key of a new one, or 0.
func (q *Queue) taken(job *backend.NewJob, now moments) slot {
	if job.Unique == "" {
		return 0
	}
	return q.jobs.holder(job.Unique, now.wall)
}

// OnCancel is backend.Queue's.
func (q *Queue) OnCancel(f func(id uint64)) { q.cancelled.Store(&f) }
