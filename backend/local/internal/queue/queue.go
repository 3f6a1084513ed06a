// Package queue implements backend.Queue in one process. All jobs are in memory, and in a journal on disk if the
// configuration names a folder.
//
// Begin reading at [Queue], then [table] and [entry]. record.go has the format on disk.
//
// The invariants:
//
//   - A job is in at most one list or heap of the table, which its state decides. So no call iterates over jobs that it does
//     not need. Exceptions are List, opening the queue and a wall clock that was set.
//   - A change is made in the table first, under the queue's only lock, and appended to the journal as a record. The call
//     then releases the lock and waits until the journal has written the records of all waiting calls to the disk in one
//     batch. If that fails, the changes are rolled back.
//   - Background work and List release the lock after at most 4096 jobs, so that other calls are not blocked for long.
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

// Config is the storage and the limits of a queue. All fields except FS are required.
type Config struct {
	KeepCompleted time.Duration // how long completed and cancelled jobs are kept
	KeepFailed    time.Duration // how long dead jobs are kept
	KeepMost      int           // the maximum number of completed and cancelled jobs together, and of dead jobs
	MaxJobs       int           // the maximum number of jobs that have not finished
	MaxBytes      int64         // the maximum size of the records of all jobs, in bytes
	FS            journal.FS    // the folder of the journal; nil: jobs are only in memory
	FileBytes     int64         // the minimum size of a journal file, in bytes; normally journal.DefaultSegmentSize
}

// Queue implements backend.Queue. Create one with [New].
type Queue struct {
	cfg       Config
	cancelled atomic.Pointer[func(uint64)]

	mu       sync.Mutex // guards all fields below
	open     bool
	clock    clock
	jobs     *table
	watchers watchers
	scratch  []byte
	timer    timer

	log        *journal.Log // nil: jobs are only in memory
	pending    []rollback   // for the pending batch of the journal
	sealed     []rollback   // for the batch that is being written to the disk
	compacting sync.WaitGroup
	compact    compaction
}

var _ backend.Queue = (*Queue)(nil)

// New returns a queue that is not open.
func New() *Queue {
	q := &Queue{clock: newClock(), watchers: watchers{}}
	q.jobs = newTable(true, q.watchers)
	q.timer.fire = q.timerFired
	return q
}

// Open makes the queue usable. Each job that was running when the queue was closed, or when its process died, counts as
// crashed.
func (q *Queue) Open(cfg Config) error {
	q.cfg = cfg
	if cfg.FS != nil {
		if err := q.load(); err != nil {
			return err
		}
	}
	q.mu.Lock()
	q.open = true
	q.timer.start()
	q.mu.Unlock()
	if err := q.endRuns(); err != nil {
		return errors.Join(err, q.Close())
	}
	return nil
}

// Close ends the use of the queue, and waits for its timer and its compaction.
func (q *Queue) Close() error {
	q.mu.Lock()
	q.open = false
	q.timer.enabled = false
	q.timer.stop()
	q.mu.Unlock()
	q.timer.running.Wait()
	q.compacting.Wait()
	if q.log == nil {
		return nil
	}
	err := q.log.Close()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.log, q.jobs = nil, newTable(true, q.watchers) // the jobs are on disk, so their memory is freed
	return err
}

// changeBytes is the maximum size of the record of a change, without the texts in it.
const changeBytes = 128 + journal.RecordOverhead

// begin starts a change; commit ends it. The caller holds the lock. begin reserves journal space for records of need bytes,
// reacts to a wall clock that was set, and promotes due jobs. adding is true if the records are about new jobs. begin may
// release the lock temporarily.
func (q *Queue) begin(need int, adding bool) (timestamps, error) {
	if q.open && q.log != nil {
		if err := q.log.Reserve(need+changeBytes, adding); err != nil {
			return timestamps{}, err
		}
	}
	if !q.open {
		return timestamps{}, backend.ErrClosed
	}
	now, set := q.clock.now()
	if set {
		by := q.clock.resync()
		q.jobs.shiftClock(by, now.wall)
		q.write(rollback{kind: clockShifted, number: by}, putShift(q.scratch[:0], by))
	}
	q.jobs.promoteDue(now.wall)
	return now, nil
}

// beginRead is begin for calls that change nothing.
func (q *Queue) beginRead() error {
	if !q.open {
		return backend.ErrClosed
	}
	now, _ := q.clock.now()
	q.jobs.promoteDue(now.wall)
	return nil
}

// change calls edit on an entry, moves the entry to the container that its new state requires, and writes a record of the
// changed fields. failure, unless empty, is the new error of the job.
func (q *Queue) change(i slot, now timestamps, failure string, edit func(e *entry)) {
	e := q.jobs.at(i)
	was := *e
	q.jobs.detach(i)
	edit(e)
	if q.log != nil {
		record := putChanges(q.startRecord(recordChange, e.id), &was, e, q.jobs.nodes.list[e.node].text)
		if failure != "" {
			record = putText(record, fieldError, failure)
		}
		pos := q.write(rollback{kind: entryChanged, job: i, was: was, nodeChanged: was.node != e.node}, record)
		if failure != "" {
			e.failure, e.failureLen = pos, uint32(len(record))
		}
	} else {
		if failure != "" {
			q.jobs.memRecord(i).failure = failure
		}
		if was.node != e.node {
			q.jobs.nodes.drop(was.node)
		}
	}
	q.jobs.attach(i, now.wall)
}

// commit ends a change. It releases the lock and blocks until all records are durable.
func (q *Queue) commit(now timestamps) error {
	q.sweep(now)
	q.setTimer(now)
	if q.log == nil {
		q.mu.Unlock()
		return nil
	}
	log, last := q.log, q.log.LastPending()
	q.compactIfNeeded()
	q.mu.Unlock()
	return log.Wait(last)
}

// Enqueue implements backend.Queue.
func (q *Queue) Enqueue(_ context.Context, jobs ...backend.NewJob) ([]backend.Enqueued, error) {
	var one [1]spec
	var few [stackBytes]byte
	s, err := prepare(jobs, one[:0], few[:0])
	if err != nil {
		return nil, err
	}
	q.mu.Lock()
	now, err := q.begin(s.size(), true)
	if err == nil {
		err = q.checkLimits(&s, now)
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

// add adds a job, unless another job holds its key. fields are its constant fields in the format of a record.
func (q *Queue) add(job *backend.NewJob, fields []byte, now timestamps) backend.Enqueued {
	if i := q.existing(job, now); i != 0 {
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
	e.runAt = ceilMillis(job.RunAt)
	if job.RunAt.IsZero() || e.runAt <= now.wall {
		e.runAt, e.flags = now.after(job.Delay), relative
	}
	record := q.startRecord(recordJob, e.id)
	record = putNumber(record, fieldEnqueued, uint64(e.enqueued))
	record = putNonzero(record, fieldKeyUntil, uint64(until))
	record = putChanges(record, &entry{}, e, "")
	e.recordLen = uint32(len(record) + len(fields))
	if q.log != nil {
		e.record = q.write(rollback{kind: jobAdded, job: i}, record, fields)
	} else {
		q.jobs.memRecord(i).record = slices.Concat(record, fields)
	}
	q.jobs.insert(i, now.wall)
	return backend.Enqueued{ID: e.id}
}

// startRecord begins a record about a job in a buffer that the next record reuses.
func (q *Queue) startRecord(kind byte, id uint64) []byte {
	q.scratch = binary.AppendUvarint(append(q.scratch[:0], kind), id)
	return q.scratch
}

// existing returns the job that holds the unique key of a new job, or 0.
func (q *Queue) existing(job *backend.NewJob, now timestamps) slot {
	if job.Unique == "" {
		return 0
	}
	return q.jobs.holder(job.Unique, now.wall)
}

// OnCancel implements backend.Queue.
func (q *Queue) OnCancel(f func(id uint64)) { q.cancelled.Store(&f) }
