package queue

import (
	"cmp"
	"fmt"
	"math"
	"time"
	"unicode/utf8"

	"github.com/actionhero-go/actionhero/backend"
)

// spec is a job to be added: the defaults filled in, and its unchanging fields as they are written.
type spec struct {
	job    backend.NewJob
	fields []byte
}

// specsOf checks jobs. It is done before the lock is taken.
func specsOf(jobs []backend.NewJob) ([]spec, error) {
	specs := make([]spec, len(jobs))
	size := 0
	for i := range jobs {
		s := &specs[i]
		s.job = jobs[i]
		if err := complete(&s.job); err != nil {
			return nil, err
		}
		size += len(s.job.Params) + len(s.job.Task) + len(s.job.Queue) + len(s.job.Unique)
		if size > backend.MaxEnqueueBytes {
			return nil, fmt.Errorf("%d jobs at once have more than %d bytes: enqueue them in several calls: %w", len(jobs), backend.MaxEnqueueBytes, backend.ErrTooLarge)
		}
	}
	buffer := make([]byte, 0, size+40*len(jobs))
	for i := range specs {
		from := len(buffer)
		buffer = putSpec(buffer, &specs[i].job)
		specs[i].fields = buffer[from:]
	}
	return specs, nil
}

// sizeOf is how long the records of jobs are at most.
func sizeOf(specs []spec) int {
	size := 0
	for i := range specs {
		size += changeBytes + len(specs[i].fields)
	}
	return size
}

// latest is the last time for which a job may be planned. It has four digits for the year, as all formats demand.
var latest = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// complete fills in the defaults of j, or returns what is wrong with it.
func complete(j *backend.NewJob) error {
	j.Queue = cmp.Or(j.Queue, backend.DefaultQueue)
	j.MaxCrashes = cmp.Or(j.MaxCrashes, backend.DefaultMaxCrashes)
	for what, name := range map[string]string{"task": j.Task, "queue": j.Queue, "unique key": j.Unique} {
		if err := tooLong(what, name); err != nil {
			return err
		}
	}
	switch {
	case j.Task == "":
		return fmt.Errorf("a job has no task: set NewJob.Task")
	case len(j.Params) > backend.MaxParamsBytes:
		return fmt.Errorf("the parameters of a job of the task %q have %d bytes, %d are allowed: %w", j.Task, len(j.Params), backend.MaxParamsBytes, backend.ErrTooLarge)
	case j.MaxAttempts < 0 || j.MaxAttempts > math.MaxInt32:
		return fmt.Errorf("MaxAttempts of a job of the task %q is %d: it must be from 0 to %d", j.Task, j.MaxAttempts, math.MaxInt32)
	case j.MaxCrashes < 0 || j.MaxCrashes > math.MaxInt16:
		return fmt.Errorf("MaxCrashes of a job of the task %q is %d: it must be from 1 to %d, or 0 for the default of %d", j.Task, j.MaxCrashes, math.MaxInt16, backend.DefaultMaxCrashes)
	case j.Timeout < 0 || j.Delay < 0 || j.UniqueFor < 0:
		return fmt.Errorf("a job of the task %q has a Timeout of %v, a Delay of %v and a UniqueFor of %v: none may be negative", j.Task, j.Timeout, j.Delay, j.UniqueFor)
	case j.UniqueFor > 0 && j.Unique == "":
		return fmt.Errorf("a job of the task %q has a UniqueFor and no Unique: name the key that it is to have", j.Task)
	case j.RunAt.After(latest):
		return fmt.Errorf("a job of the task %q is planned for %v: the last time is %v", j.Task, j.RunAt, latest)
	}
	return nil
}

// tooLong returns the error for a name that has too many bytes, or nil.
func tooLong(what, name string) error {
	if len(name) <= backend.MaxKeyBytes {
		return nil
	}
	return fmt.Errorf("a %s of %d bytes, %.32q…, is refused: %w", what, len(name), name, backend.ErrKeyTooLong)
}

// cut returns as much of an error as is kept.
func cut(text string) string {
	if len(text) <= backend.MaxErrorBytes {
		return text
	}
	end := backend.MaxErrorBytes
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

// room returns an error if there is none for these jobs.
func (q *Queue) room(specs []spec, now moments) error {
	jobs, bytes := 0, int64(0)
	for i := range specs {
		if q.taken(&specs[i], now) == 0 {
			jobs++
			bytes += int64(len(specs[i].fields)) + jobBytes
		}
	}
	switch {
	case jobs == 0:
		return nil
	case q.jobs.active()+jobs > q.cfg.MaxJobs:
		return fmt.Errorf("there is no room for %d jobs: %d of the %d that tasks.maxJobs allows have not ended: %w", jobs, q.jobs.active(), q.cfg.MaxJobs, backend.ErrFull)
	case q.jobs.bytes+bytes > q.cfg.MaxBytes:
		return fmt.Errorf("there is no room for jobs of %d bytes: %d of the %d bytes that tasks.maxBytes allows are in use: %w", bytes, q.jobs.bytes, q.cfg.MaxBytes, backend.ErrFull)
	}
	return nil
}
