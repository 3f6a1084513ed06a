package queue

import (
	"errors"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/local/internal/journal"
)

// rest is where that part of a job is which is only in its records.
type rest struct {
	kept    kept // in memory
	record  pos  // on disk
	failure pos

	recordLen, failureLen uint32
}

func (q *Queue) rest(i slot) rest {
	if q.log == nil {
		return rest{kept: *q.jobs.kept(i)}
	}
	e := q.jobs.at(i)
	return rest{record: e.record, failure: e.failure, recordLen: e.recordLen, failureLen: e.failureLen}
}

// found is a job as it was under the lock.
type found struct {
	job  backend.Job
	log  *journal.Log // where the rest is, or nil
	rest rest
}

func (q *Queue) found(i slot) found { return found{q.jobs.job(i), q.log, q.rest(i)} }

// find finds a job with all of its records on disk. It takes the lock.
func (q *Queue) find(id uint64) (found, error) {
	for {
		q.mu.Lock()
		if err := q.look(); err != nil {
			q.mu.Unlock()
			return found{}, err
		}
		i := q.jobs.find(id)
		if i == 0 {
			q.mu.Unlock()
			return found{}, notFound(id)
		}
		f := q.found(i)
		var unwritten *journal.Batch
		if f.log != nil {
			if unwritten = f.log.PendingAt(f.rest.record); unwritten == nil {
				unwritten = f.log.PendingAt(f.rest.failure)
			}
		}
		q.mu.Unlock()
		if unwritten == nil {
			return f, nil
		}
		_ = f.log.Wait(unwritten) // what becomes of it is told to those who made the change
	}
}

// read returns the whole of a job. The lock must not be held.
func (q *Queue) read(f *found) (backend.Job, error) {
	j := f.job
	return j, q.fill(&j, f.log, &f.rest)
}

// fill reads the rest of a job. The lock must not be held.
func (q *Queue) fill(j *backend.Job, log *journal.Log, r *rest) error {
	record, failure, err := r.read(log)
	for errors.Is(err, journal.ErrMoved) {
		var again found
		if again, err = q.find(j.ID); err == nil {
			record, failure, err = again.rest.read(log)
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

func (r *rest) read(log *journal.Log) (record []byte, failure string, err error) {
	if log == nil {
		return r.kept.record, r.kept.failure, nil
	}
	record, err = log.Read(r.record, int(r.recordLen))
	if err == nil && r.failure != 0 {
		var b []byte
		if b, err = log.Read(r.failure, int(r.failureLen)); err == nil {
			failure = errorIn(b)
		}
	}
	return record, failure, err
}
