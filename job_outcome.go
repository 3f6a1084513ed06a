package actionhero

import (
	"errors"
	"fmt"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// The causes with which a worker ends the context of a task before the task's timeout. context.Cause(ctx) returns one
// of them. If the task then fails, the error counts no attempt.
var (
	// ErrJobCancelled means that the job was cancelled. It does not run again.
	ErrJobCancelled = errors.New("the job was cancelled")
	// ErrJobLost means that this node was cut off from the other nodes for too long, so another node may run the job.
	ErrJobLost = errors.New("this node was cut off for too long: another node may run the job")
	// ErrJobRequeued means that the server stops. The job runs again after the next start, or on another node.
	ErrJobRequeued = errors.New("the server stops: the job is requeued")
)

// CancelJob returns an error for the Run of a task to return. That error ends the job: the job is cancelled, stores the
// text of err as the reason, and is not retried.
func CancelJob(err error) error {
	if err == nil {
		err = errCancelled
	}
	return &cancelError{err}
}

var errCancelled = errors.New("the task ended it")

type cancelError struct{ err error }

func (e *cancelError) Error() string { return e.err.Error() }
func (e *cancelError) Unwrap() error { return e.err }

// SnoozeJob returns an error for the Run of a task to return. That error reschedules the job: the job runs again after
// d, and the ended run does not count as an attempt. If d is shorter than 100ms, the job runs again after 100ms.
func SnoozeJob(d time.Duration) error { return &snoozeError{max(d, minRepeat)} }

// minRepeat is the minimum delay before a job runs again that may run without a limit: after a snooze, and after a
// failure of a job with unlimited attempts. Without the minimum, the job would run in a tight loop.
const minRepeat = 100 * time.Millisecond

type snoozeError struct{ d time.Duration }

func (e *snoozeError) Error() string { return fmt.Sprintf("it is to be run again in %v", e.d) }

// outcome returns the outcome that the queue stores for a run of job that ended with the error err, or nil. If the task
// is unknown, t is nil.
func (t *task) outcome(job *Job, err error) backend.Outcome {
	o := backend.Outcome{Run: job.Run(), State: backend.Completed}
	if err == nil {
		return o
	}
	if snooze, ok := errors.AsType[*snoozeError](err); ok {
		o.State, o.Delay = backend.Scheduled, snooze.d
		return o
	}
	o.Error = failureText(err)
	if _, ok := errors.AsType[*cancelError](err); ok {
		o.State = backend.Cancelled
		return o
	}
	if job.MaxAttempts > 0 && job.Attempt >= job.MaxAttempts {
		o.State = backend.Dead
		return o
	}
	if o.State, o.Delay = backend.Retryable, t.delay(job.Attempt); job.MaxAttempts == 0 {
		o.Delay = max(o.Delay, minRepeat)
	}
	return o
}

var defaultBackoff = Exponential(time.Second, 6*time.Hour)

// delay returns the time between a failed attempt of a job and the next attempt, as the task's Backoff returns it. If
// Backoff panics, delay uses the default Backoff, because a panic must not stop the worker.
func (t *task) delay(attempt int) (d time.Duration) {
	if t == nil {
		return defaultBackoff(attempt)
	}
	defer func() {
		if recover() != nil {
			d = defaultBackoff(attempt)
		}
	}()
	return max(t.backoff(attempt), 0)
}

// failureText returns the text of err that the queue stores with a job. The text includes internal causes, because
// operators read it, not clients.
func failureText(err error) string {
	e := AsError(err)
	switch e.Code {
	case CodeInternal, CodeDeadlineExceeded, CodeCanceled:
		if e.Err != nil {
			return causeText(e.Err)
		}
	}
	return e.Message
}
