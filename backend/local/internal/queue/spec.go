package queue

import (
	"fmt"
	"slices"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/internal/rules"
)

// spec is a job to add, after its defaults were set. The constant fields of the job, in the format of a record, are the
// bytes specs.fields[from:to].
type spec struct {
	job      backend.NewJob
	from, to int
}

// specs has the jobs to add in one call of Enqueue or EnqueueScheduled.
type specs struct {
	list   []spec
	fields []byte
}

// stackBytes is the size in bytes of the buffer for encoded fields on the stack of Enqueue. The buffer is large enough
// for most jobs, so that Enqueue need not allocate one.
const stackBytes = 512

// prepare checks jobs and encodes their constant fields. It appends to list and fields, so that the caller can
// provide their memory. The caller must not hold the queue's lock, because prepare is slow for large jobs.
func prepare(jobs []backend.NewJob, list []spec, fields []byte) (specs, error) {
	size := 0
	for i := range jobs {
		list = append(list, spec{job: jobs[i]})
		job := &list[i].job
		if err := rules.Complete(job); err != nil {
			return specs{}, err
		}
		size += rules.Size(job)
		if err := rules.CheckSize(len(jobs), size); err != nil {
			return specs{}, err
		}
	}
	fields = slices.Grow(fields, size+40*len(jobs))
	for i := range list {
		list[i].from = len(fields)
		fields = putSpec(fields, &list[i].job)
		list[i].to = len(fields)
	}
	return specs{list, fields}, nil
}

func (s *specs) fieldsOf(n int) []byte { return s.fields[s.list[n].from:s.list[n].to] }

// size returns the maximum size of the records of all jobs in s, in bytes.
func (s *specs) size() int { return len(s.list)*changeBytes + len(s.fields) }

// makeRoom returns an error if the queue would exceed MaxJobs or MaxBytes with the jobs in s. Jobs whose unique key is
// held do not count. If finished jobs take the room, makeRoom removes the oldest of them: first completed and cancelled
// jobs, then dead ones. Jobs that hold their unique key longer stay.
func (q *Queue) makeRoom(s *specs, now timestamps) error {
	jobs, bytes := 0, int64(0)
	for i := range s.list {
		if q.existing(&s.list[i].job, now) == 0 {
			jobs++
			bytes += int64(s.list[i].to-s.list[i].from) + jobBytes
		}
	}
	t := q.jobs
	switch {
	case jobs == 0:
		return nil
	case t.active()+jobs > q.cfg.MaxJobs:
		return fmt.Errorf("there is no room for %d jobs: %d of the %d that tasks.maxJobs allows have not finished: %w", jobs, t.active(), q.cfg.MaxJobs, backend.ErrFull)
	case t.work+bytes <= q.cfg.MaxBytes:
		for _, l := range []*list{&t.finished, &t.dead} {
			for l.n > 0 && t.bytes+bytes > q.cfg.MaxBytes {
				q.removeFinished(l.first, now)
			}
		}
	}
	if t.bytes+bytes > q.cfg.MaxBytes {
		return fmt.Errorf("there is no room for jobs of %d bytes: jobs that have not finished or hold a unique key use %d of the %d bytes that tasks.maxBytes allows: %w", bytes, t.bytes, q.cfg.MaxBytes, backend.ErrFull)
	}
	return nil
}
