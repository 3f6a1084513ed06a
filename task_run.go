package actionhero

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// runNow runs the task with this name in this process, without a stored job. raw holds the params of the task as JSON.
// The returned error is nil or an *[Error].
func (t *Tasks) runNow(ctx context.Context, name string, raw []byte) error {
	calls := t.api.calls.enter()
	if calls == nil {
		return stopping(nil)
	}
	defer calls.leave()
	now := time.Now()
	job := Job{Task: name, Params: raw, State: backend.Running, Attempt: 1, MaxAttempts: 1, Enqueued: now, Started: now}
	reg := t.api.registry.Load()
	req, limit := t.request(reg, &job, 0)
	if declared := reg.tasks[name]; declared != nil && req.Err == nil {
		req.Err = declared.checkNames(req.Params.list)
	}
	outcome := backend.Outcome{State: backend.Dead, Error: errGoexit.Error()}
	defer func() { t.log(req, outcome) }() // deferred, so that it also runs after a Goexit
	if _, err := t.api.call(ctx, calls, reg, req, limit); err != nil {
		outcome.Error = failureText(err)
		return AsError(err)
	}
	outcome = backend.Outcome{State: backend.Completed}
	return nil
}

// request returns the request for one run of job, and the time limit of the run: the job's timeout, else the task's
// Timeout, else the argument limit.
func (t *Tasks) request(reg *registry, job *Job, limit time.Duration) (*Request, time.Duration) {
	req := &Request{Action: job.Task, Job: job}
	t.api.initRequest(req, "task")
	req.Params.all = true // the caller of Enqueue is trusted, and some tasks pass on params that they do not know
	if len(job.Params) > 0 {
		if err := (*paramsWriter)(&req.Params).AddObject(job.Params); err != nil {
			req.Err = err
		}
	}
	if declared := reg.tasks[job.Task]; declared != nil {
		req.act = &declared.act
		limit = cmp.Or(declared.info.Timeout, limit)
	}
	return req, cmp.Or(job.Timeout, limit)
}

// log writes the log line of a run with the outcome o, if the run failed or if Config.LogRequests is set. A failed run
// is one whose job is dead or retryable.
func (t *Tasks) log(req *Request, o backend.Outcome) {
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
	s, now := newLogScratch(log), time.Now()
	defer s.free()
	attrs := append(s.attrs[:0],
		slog.String("request_id", req.ID()),
		slog.String("task", shortened(req.Action, maxLoggedName)),
		slog.Uint64("job", req.Job.ID),
		slog.Int("attempt", req.Job.Attempt),
		slog.String("params", req.loggedParams(s)),
		slog.Float64("duration", milliseconds(now.Sub(req.Started))),
		slog.String("state", o.State.String()))
	if o.Delay > 0 {
		attrs = append(attrs, slog.Float64("again_in", milliseconds(o.Delay)))
	}
	if o.Error != "" {
		attrs = append(attrs, slog.String("error", shortened(o.Error, maxLoggedCause)))
	}
	s.write(log, now, level, "[task]", attrs)
}
