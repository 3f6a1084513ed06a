package actionhero

import (
	"errors"
	"fmt"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// CancelJob returns an error with which a task ends its job: the job is cancelled with the reason err and not retried.
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

// SnoozeJob returns an error with which a task reschedules its job: it runs again after d, and no attempt is counted.
func SnoozeJob(d time.Duration) error { return &snoozeError{max(d, 0)} }

type snoozeError struct{ d time.Duration }

func (e *snoozeError) Error() string { return fmt.Sprintf("it is to be run again in %v", e.d) }

// outcome returns the outcome of a run that returned err. t is nil if the task is unknown.
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
	o.State, o.Delay = backend.Retryable, t.delay(job.Attempt)
	return o
}

var defaultBackoff = Exponential(time.Second, 6*time.Hour)

// delay returns the delay after a failed attempt. It recovers from a panic of Backoff, which must not stop the worker.
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

// failureText returns the stored error text of a run. It includes internal causes, because operators read it, not
// clients.
func failureText(err error) string {
	e := AsError(err)
	switch e.Code {
	case CodeInternal, CodeDeadlineExceeded, CodeCanceled:
		if e.Err != nil {
			return e.Err.Error()
		}
	}
	return e.Message
}
