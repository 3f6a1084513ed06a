package queue

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/actionhero-go/actionhero/backend"
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

// prepare validates jobs and encodes their constant fields. It appends to list and fields, so that the caller can
// provide their memory. The caller must not hold the queue's lock, because prepare is slow for large jobs.
func prepare(jobs []backend.NewJob, list []spec, fields []byte) (specs, error) {
	size := 0
	for i := range jobs {
		list = append(list, spec{job: jobs[i]})
		job := &list[i].job
		if err := validate(job); err != nil {
			return specs{}, err
		}
		size += len(job.Params) + len(job.Task) + len(job.Queue) + len(job.Unique)
		if size > backend.MaxEnqueueBytes {
			return specs{}, fmt.Errorf("%d jobs at once have more than %d bytes: enqueue them in several calls: %w", len(jobs), backend.MaxEnqueueBytes, backend.ErrTooLarge)
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

// maxRunAt is the latest RunAt that a job can have. Text formats for times require a year of four digits.
var maxRunAt = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// validate sets the defaults of the job j. It returns an error if a field of j is out of range.
func validate(j *backend.NewJob) error {
	j.Queue = cmp.Or(j.Queue, backend.DefaultQueue)
	j.MaxCrashes = cmp.Or(j.MaxCrashes, backend.DefaultMaxCrashes)
	if j.Timeout < 0 {
		j.Timeout = noTimeout
	}
	if err := cmp.Or(tooLong("task", j.Task), tooLong("queue", j.Queue), tooLong("unique key", j.Unique)); err != nil {
		return err
	}
	switch {
	case j.Task == "":
		return invalid("a job has no task: set NewJob.Task")
	case len(j.Params) > backend.MaxParamsBytes:
		return fmt.Errorf("the parameters of a job of the task %q have %d bytes, %d are allowed: %w", j.Task, len(j.Params), backend.MaxParamsBytes, backend.ErrTooLarge)
	case j.MaxAttempts < 0 || j.MaxAttempts > math.MaxInt32:
		return invalid("MaxAttempts of a job of the task %q is %d: it must be from 0 to %d", j.Task, j.MaxAttempts, math.MaxInt32)
	case j.MaxCrashes < 0 || j.MaxCrashes > math.MaxInt16:
		return invalid("MaxCrashes of a job of the task %q is %d: it must be from 1 to %d, or 0 for the default of %d", j.Task, j.MaxCrashes, math.MaxInt16, backend.DefaultMaxCrashes)
	case j.Delay < 0 || j.UniqueFor < 0:
		return invalid("a job of the task %q has a Delay of %v and a UniqueFor of %v: neither may be negative", j.Task, j.Delay, j.UniqueFor)
	case j.UniqueFor > 0 && j.Unique == "":
		return invalid("a job of the task %q has a UniqueFor and no Unique: set the key in Unique", j.Task)
	case j.RunAt.After(maxRunAt):
		return invalid("the RunAt of a job of the task %q is %v: it must not be after %v", j.Task, j.RunAt.Format(time.RFC3339), maxRunAt.Format(time.RFC3339))
	}
	return nil
}

// noTimeout is the stored Timeout of a job whose runs have no time limit.
const noTimeout = -time.Millisecond

// invalid returns an error that wraps backend.ErrInvalid, with the given text.
func invalid(format string, args ...any) error {
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), backend.ErrInvalid)
}

// tooLong returns an error if name has more than MaxKeyBytes bytes. The error text calls the name by the word in the
// parameter what, for example "task".
func tooLong(what, name string) error {
	if len(name) <= backend.MaxKeyBytes {
		return nil
	}
	return fmt.Errorf("a %s of %d bytes, %.32q…, is refused: %w", what, len(name), name, backend.ErrKeyTooLong)
}

// truncate returns the error text, shortened to at most MaxErrorBytes bytes. It does not cut a character in two.
func truncate(text string) string {
	if len(text) <= backend.MaxErrorBytes {
		return text
	}
	end := backend.MaxErrorBytes
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

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
