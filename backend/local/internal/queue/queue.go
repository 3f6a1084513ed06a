// Package queue implements backend.Queue in one process. All jobs are in memory. They are also in a journal on disk, if
// the configuration names a folder.
//
// Begin reading at [Queue], then [table] and [entry]. The file record.go describes the format on disk.
//
// The invariants:
//
//   - A job is in at most one list or heap of the table, which the state of the job decides. So no call iterates over
//     jobs that it does not need. Exceptions are List, opening the queue and a wall clock that was set.
//   - A call makes a change in the table first, under the queue's only lock, and appends the change to the journal as a
//     record. The call then releases the lock and waits until the journal has written the records of all waiting calls
//     to the disk in one batch. If the write fails, the changes are rolled back.
//   - Background goroutines and List release the lock after at most 4096 jobs, so that other calls are not blocked for
//     long.
package queue

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/internal/rules"
	"github.com/actionhero-go/actionhero/backend/local/internal/journal"
)

// Config holds the storage and the limits of a queue. All fields except FS are required.
type Config struct {
	KeepCompleted time.Duration // the time for which completed and cancelled jobs are kept
	KeepFailed    time.Duration // the time for which dead jobs are kept
	KeepMost      int           // the maximum number of completed and cancelled jobs together; also the maximum number of dead jobs
	MaxJobs       int           // the maximum number of jobs that have not finished
	MaxBytes      int64         // the maximum size of the records of all jobs, in bytes
	FS            journal.FS    // the folder of the journal; nil: jobs are only in memory
	FileBytes     int64         // the minimum size of a journal file, in bytes; normally journal.DefaultSegmentSize
}

// Queue implements backend.Queue. [New] returns a Queue, which [Queue.Open] makes usable.
type Queue struct {
	cfg       Config
	listeners rules.StopListeners

	mu       sync.Mutex // guards all fields below
	open     bool
	clock    clock
	jobs     *table
	watchers watchers
	scratch  []byte
	timer    timer

	log        *journal.Log // nil: jobs are only in memory
	pending    []rollback   // how to revert the changes in the pending batch of the journal
	sealed     []rollback   // how to revert the changes in the batch that is being written to the disk
	compacting sync.WaitGroup
	compact    compaction
}

var _ backend.Queue = (*Queue)(nil)

// New returns a queue that is not open. Its jobs are only in memory until [Queue.Open] gets a configuration with a
// folder.
func New() *Queue {
	q := &Queue{clock: newClock(), watchers: watchers{}}
	q.jobs = newTable(true, q.watchers)
	q.timer.fire = q.timerFired
	return q
}

// Open makes the queue usable with the configuration cfg, and reads the journal if there is one. Each job that was
// running when the queue was closed, or when the process of the job died, counts as crashed.
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

// Close makes the queue unusable until the next Open. It waits until the timer function and the compaction of the
// journal have ended, and closes the journal.
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

// changeBytes is the maximum size of the record of one change, in bytes, without the texts in the record.
const changeBytes = 128 + journal.RecordOverhead

// begin starts a change of jobs, which commit ends. It returns the current time, or an error if the queue is closed or
// the journal has no room. The caller holds the lock, which begin may release temporarily. begin reserves journal space
// for records of need bytes. If the wall clock was set, begin adapts the times of all jobs. It then makes due jobs
// Available. The parameter adding is true if the records are about new jobs.
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

// beginRead starts a call that changes no job: it makes due jobs Available, and fails if the queue is closed. The
// caller holds the lock.
func (q *Queue) beginRead() error {
	if !q.open {
		return backend.ErrClosed
	}
	now, _ := q.clock.now()
	q.jobs.promoteDue(now.wall)
	return nil
}

// change calls edit on the entry i. It then moves the entry to the list or heap that the new state of the job requires,
// and writes a record of the changed fields. The text failure, unless empty, becomes the error of the job.
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

// commit ends a change of jobs that begin started. It releases the lock and blocks until all records of the change are
// durable. If they cannot be stored, commit returns an error, and the change is rolled back.
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

// Enqueue implements [backend.Queue.Enqueue]. It encodes the jobs before it takes the lock.
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
		err = q.makeRoom(&s, now)
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

// add adds a job and returns its id. If another job holds the unique key of the job, add returns the id of that other
// job instead. The argument fields has the constant fields of the job in the format of a record.
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

// startRecord returns the beginning of a record about the job with this id: the kind of the record and the id. The next
// record reuses the buffer of the result.
func (q *Queue) startRecord(kind byte, id uint64) []byte {
	q.scratch = binary.AppendUvarint(append(q.scratch[:0], kind), id)
	return q.scratch
}

// existing returns the slot of the job that holds the unique key of a new job, or 0 if no job holds the key.
func (q *Queue) existing(job *backend.NewJob, now timestamps) slot {
	if job.Unique == "" {
		return 0
	}
	return q.jobs.holder(job.Unique, now.wall)
}

// OnStop implements [backend.Queue.OnStop]. The only reason is a cancellation, because a run cannot lose its node. The
// goroutine that calls Cancel also calls the callback.
func (q *Queue) OnStop(f func(run backend.Run, why backend.StopReason)) (stop func()) {
	return q.listeners.Add(f)
}
