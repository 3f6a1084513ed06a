package queue

import (
	"errors"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/local/internal/journal"
)

// found is a job as it was under the lock, and where the rest of it is.
type found struct {
	job     backend.Job
	kept    kept         // if log is nil
	log     *journal.Log // where the records are
	record  pos
	failure pos

	recordLen, failureLen uint32
}

func (q *Queue) found(i slot) found {
	e := q.jobs.at(i)
	f := found{job: q.jobs.job(i), log: q.log, record: e.record, failure: e.failure, recordLen: e.recordLen, failureLen: e.failureLen}
	if q.log == nil {
		f.kept = *q.jobs.kept(i)
	}
	return f
}

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
			if unwritten = f.log.Unwritten(f.record); unwritten == nil {
				unwritten = f.log.Unwritten(f.failure)
			}
		}
		q.mu.Unlock()
		if unwritten == nil {
			return f, nil
		}
		_ = f.log.Wait(unwritten) // what becomes of it is told to those who made the change
	}
}

// read reads what is only in the records of a job. The lock must not be held.
func (q *Queue) read(f *found) (backend.Job, error) {
	j := f.job
	record, failure, err := f.records()
	for errors.Is(err, journal.ErrMoved) {
		var again found
		if again, err = q.find(j.ID); err == nil {
			record, failure, err = again.records()
		}
	}
	if err == nil {
		err = fill(&j, record)
	}
	if failure != "" {
		j.Error = failure
	}
	return j, err
}

func (f *found) records() (record []byte, failure string, err error) {
	if f.log == nil {
		return f.kept.record, f.kept.failure, nil
	}
	record, err = f.log.Read(f.record, int(f.recordLen))
	if err == nil && f.failure != 0 {
		var b []byte
		if b, err = f.log.Read(f.failure, int(f.failureLen)); err == nil {
			failure = errorIn(b)
		}
	}
	return record, failure, err
}
