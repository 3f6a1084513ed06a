package worker

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend"
)

// startRuns marks the current fetch as ended, and starts runs of the fetched jobs. The runs without a free slot wait for one.
func (p *producer) startRuns(jobs []backend.Job) {
	p.requeue(p.startFree(jobs))
}

// startFree does what startRuns does, and returns the runs for which a worker that drains has no slots.
func (p *producer) startFree(jobs []backend.Job) (rest []*run) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fetching = false
	now := time.Now()
	for i := range jobs {
		r := &run{job: jobs[i], fetched: now}
		r.ctx, r.cancel = context.WithCancelCause(p.runCtx)
		if p.cancelledDuringFetch[r.job.Run()] {
			r.cancel(actionhero.ErrJobCancelled)
		}
		p.running[r.job.Run()] = r
		if p.busy >= p.cfg.Workers {
			p.addAhead(r)
			continue
		}
		p.busy++
		select {
		case p.handoff <- r:
		default:
			p.runs.Go(func() { p.execute(r) })
		}
	}
	clear(p.cancelledDuringFetch)
	if p.graceTimer != nil {
		rest = p.takeAhead()
		p.requeued += len(rest)
	}
	return rest
}

// maxIdle is the maximum number of goroutines that wait for the next run. A goroutine is reused because a new one is
// slower: its stack has to grow first.
const maxIdle = 64

// execute runs the job of r, then those that are ahead, and then the job of each run that startRuns hands to this goroutine.
func (p *producer) execute(r *run) {
	for r != nil {
		if r = p.executeOne(r); r == nil {
			r = p.nextRun()
		}
	}
}

// nextRun blocks until startRuns hands over a run, and returns that run. If maxIdle goroutines wait already, or drain
// is called, nextRun returns nil and the goroutine must end.
func (p *producer) nextRun() *run {
	defer p.idle.Add(-1)
	if p.idle.Add(1) > maxIdle {
		return nil
	}
	select {
	case r := <-p.handoff:
		return r
	case <-p.fetchCtx.Done():
		return nil
	}
}

// executeOne runs the job of r and adds the outcome to the completer. It returns the run that takes the slot, or nil.
func (p *producer) executeOne(r *run) (next *run) {
	began, returned := time.Now(), false
	defer func() { // deferred, so that it also runs after a Goexit
		v := recover()
		if v != nil {
			r.outcome = backend.Outcome{State: backend.Retryable, Delay: time.Minute, Error: fmt.Sprintf("a fault of the worker: %v\n%s", v, debug.Stack())}
		}
		next = p.end(r, time.Since(began))
		if next != nil && v == nil && !returned { // after a Goexit, the caller gets no result
			p.runs.Go(func() { p.execute(next) })
		}
	}()
	if r.overtaken() {
		r.outcome = backend.Outcome{State: backend.Available}
	} else {
		p.host.RunJob(r.ctx, &r.job, p.cfg.Timeout, &r.outcome)
	}
	returned = true
	return nil
}

// end adds the outcome of a run to the completer, and frees its slot. It returns the run that takes the slot, or nil.
func (p *producer) end(r *run, took time.Duration) (next *run) {
	r.outcome.Run = r.job.Run()
	setFinalState(&r.outcome, context.Cause(r.ctx))
	r.cancel(nil)
	p.mu.Lock()
	r.ended = true
	p.countEnd(&r.outcome)
	p.mu.Unlock()
	p.completer.add(r.outcome)
	p.mu.Lock()
	p.busy--
	p.ahead.average += (took - p.ahead.average) / 8
	next = p.nextAhead()
	wanted := p.wanted() > 0
	p.mu.Unlock()
	if wanted {
		select {
		case p.slotFreed <- struct{}{}:
		default:
		}
	}
	return next
}

// countEnd counts a run that ends during a stop. The caller holds p.mu.
func (p *producer) countEnd(o *backend.Outcome) {
	switch {
	case p.graceTimer == nil:
	case o.State == backend.Available:
		p.requeued++
	default:
		p.finished++
	}
}

// setFinalState changes the outcome o of a task to the outcome that the worker stores. cause is the cause with which the
// run's context was cancelled, or nil. If the task did not fail, setFinalState does nothing. If the task failed after
// its job was cancelled, the state becomes cancelled. If the task failed because the server stops or because the run
// is lost, the job is requeued without the error.
func setFinalState(o *backend.Outcome, cause error) {
	failed := o.State == backend.Retryable || o.State == backend.Dead
	switch {
	case !failed:
	case errors.Is(cause, actionhero.ErrJobCancelled):
		o.State, o.Delay = backend.Cancelled, 0
	case errors.Is(cause, actionhero.ErrJobRequeued), errors.Is(cause, actionhero.ErrJobLost):
		o.State, o.Delay, o.Error = backend.Available, 0, ""
	}
}
