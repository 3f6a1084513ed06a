package queue

import (
	"errors"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/local/internal/journal"
)

// recordRefs refers to the records of a job. The records have the fields of the job that are not in its entry.
type recordRefs struct {
	memory  memRecord // the records, if they are in memory
	record  pos       // the position of the job's record, if it is on disk
	failure pos

	recordLen, failureLen uint32
}

func (q *Queue) refs(i slot) recordRefs {
	if q.log == nil {
		return recordRefs{memory: *q.jobs.memRecord(i)}
	}
	e := q.jobs.at(i)
	return recordRefs{record: e.record, failure: e.failure, recordLen: e.recordLen, failureLen: e.failureLen}
}

// snapshot is a copy of a job that was made under the lock, with references to the records of the job.
type snapshot struct {
	job  backend.Job
	log  *journal.Log // nil: the records are in memory
	refs recordRefs
}

func (q *Queue) snapshot(i slot) snapshot { return snapshot{q.jobs.job(i), q.log, q.refs(i)} }

// find returns a snapshot of the job with this id once all records of the job are durable. It fails if there is no job
// with this id. The caller must not hold the lock.
func (q *Queue) find(id uint64) (snapshot, error) {
	for {
		q.mu.Lock()
		if err := q.beginRead(); err != nil {
			q.mu.Unlock()
			return snapshot{}, err
		}
		i := q.jobs.find(id)
		if i == 0 {
			q.mu.Unlock()
			return snapshot{}, notFound(id)
		}
		f := q.snapshot(i)
		var unwritten *journal.Batch
		if f.log != nil {
			if unwritten = f.log.PendingAt(f.refs.record); unwritten == nil {
				unwritten = f.log.PendingAt(f.refs.failure)
			}
		}
		q.mu.Unlock()
		if unwritten == nil {
			return f, nil
		}
		_ = f.log.Wait(unwritten) // an error is returned to the call that made the change
	}
}

// read returns the job of the snapshot f with all fields. It reads the records of the job. The caller must not hold the
// lock.
func (q *Queue) read(f *snapshot) (backend.Job, error) {
	j := f.job
	return j, q.fill(&j, f.log, &f.refs)
}

// fill sets the fields of the job j that are only in its records, to which r refers. If a record has moved in the
// journal, fill reads it at the new position. The caller must not hold the lock.
func (q *Queue) fill(j *backend.Job, log *journal.Log, r *recordRefs) error {
	record, failure, err := r.read(log)
	for errors.Is(err, journal.ErrMoved) {
		var again snapshot
		if again, err = q.find(j.ID); err == nil {
			record, failure, err = again.refs.read(log)
		}
	}
	if err == nil {
		err = fill(j, record)
	}
	if failure != "" {
		j.Error = failure
	}
	return err
}

func (r *recordRefs) read(log *journal.Log) (record []byte, failure string, err error) {
	if log == nil {
		return r.memory.record, r.memory.failure, nil
	}
	record, err = log.Read(r.record, int(r.recordLen))
	if err == nil && r.failure != 0 {
		var b []byte
		if b, err = log.Read(r.failure, int(r.failureLen)); err == nil {
			failure = errorOf(b)
		}
	}
	return record, failure, err
}
