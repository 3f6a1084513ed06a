package actionhero

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// CancelJob returns an error with which a task ends its job for good: it is cancelled for the reason err, and not run again.
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

// SnoozeJob returns an error with which a task puts its job off: it is run again after d, and no attempt is counted.
func SnoozeJob(d time.Duration) error { return &snoozeError{max(d, 0)} }

type snoozeError struct{ d time.Duration }

func (e *snoozeError) Error() string { return fmt.Sprintf("it is to be run again in %v", e.d) }

// runNow runs a task outside of the queue.
func (t *Tasks) runNow(ctx context.Context, name string, raw []byte) error {
	calls, ok := t.api.enter()
	if !ok {
		return &Error{Code: CodeUnavailable, Message: stoppingText}
	}
	defer t.api.inFlight.Done()
	now := time.Now()
	job := Job{Task: name, Params: raw, State: backend.Running, Attempt: 1, MaxAttempts: 1, Enqueued: now, Started: now}
	reg := t.api.registry.Load()
	req, limit := t.request(reg, &job, 0)
	_, err := t.api.call(ctx, calls, reg, req, limit)
	if err != nil {
		t.log(req, Outcome{State: backend.Dead, Error: failureText(err)})
		return AsError(err)
	}
	t.log(req, Outcome{State: backend.Completed})
	return nil
}

// Outcome is how a run of a job ended.
type Outcome = backend.Outcome

// Perform runs a job that a worker has taken, and returns how its run ended. The task gets a context that ends with ctx
// and at its timeout; limit is that of a task that declares none, 0 for none. A stop of the API does not end it: that is
// the worker's business. It is for workers.
func (t *Tasks) Perform(ctx context.Context, job *Job, limit time.Duration) Outcome {
	reg := t.api.registry.Load()
	req, limit := t.request(reg, job, limit)
	_, err := t.api.call(ctx, context.Background(), reg, req, limit)
	outcome := reg.tasks[job.Task].outcome(job, err)
	t.log(req, outcome)
	return outcome
}

// request makes the request of a job, and returns how long it may take.
func (t *Tasks) request(reg *registry, job *Job, limit time.Duration) (*Request, time.Duration) {
	req := &Request{Action: job.Task, Job: job}
	t.api.InitRequest(req, "task")
	req.Params.accepted = nil // who enqueued it is trusted, and some tasks pass on what they do not know
	if len(job.Params) > 0 {
		if err := req.Params.AddObject(job.Params); err != nil {
			req.Refused = err
		}
	}
	if declared := reg.tasks[job.Task]; declared != nil {
		req.act = &declared.act
		limit = cmp.Or(declared.info.Timeout, limit)
	}
	return req, cmp.Or(job.Timeout, limit)
}

// outcome decides what becomes of a job whose run returned err. t is nil if its task is unknown.
func (t *task) outcome(job *Job, err error) Outcome {
	o := Outcome{Run: job.Run(), State: backend.Completed}
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

// delay is how long to wait after an attempt that failed. A Backoff that panics must not take the worker along.
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

// failureText is what is kept of the error of a run: all that is known, because operators read it, not clients.
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

// log writes the one line that a run gets: always when it failed, else when requests are logged.
func (t *Tasks) log(req *Request, o Outcome) {
	level := slog.LevelInfo
	switch {
	case o.State == backend.Dead:
		level = slog.LevelError
	case o.State == backend.Retryable:
		level = slog.LevelWarn
	}
	log := t.api.log
	if level == slog.LevelInfo && !t.api.cfg.LogRequests || !log.Enabled(context.Background(), level) {
		return
	}
	buf := logBuffers.Get().(*[]byte)
	*buf = req.Params.AppendJSON((*buf)[:0], t.api.Secret)
	attrs := append(make([]slog.Attr, 0, 8),
		slog.String("task", req.Action),
		slog.Uint64("job", req.Job.ID),
		slog.Int("attempt", req.Job.Attempt),
		slog.String("params", string(*buf)),
		slog.String("duration", strconv.FormatInt(time.Since(req.Started).Milliseconds(), 10)),
		slog.String("state", o.State.String()))
	logBuffers.Put(buf)
	if o.Delay > 0 {
		attrs = append(attrs, slog.String("again in", o.Delay.Round(time.Millisecond).String()))
	}
	if o.Error != "" {
		attrs = append(attrs, slog.String("error", o.Error))
	}
	log.LogAttrs(context.Background(), level, "[task]", attrs...)
}
