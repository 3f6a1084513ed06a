package worker_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/worker"
)

// If the queue fails, the worker retries, and no job is lost.
func TestQueueErrors(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		q := &faultyQueue{Queue: b.Queue()}
		n := newNode(t, backendWithQueue{b, q}, worker.Config{}, task("it", func(context.Context) error { return nil }))
		q.failFetch.Store(true)
		n.start()
		id := n.enqueue("it")
		time.Sleep(time.Minute)
		n.want(id, backend.Available)
		q.failFetch.Store(false)
		time.Sleep(time.Minute)
		n.want(id, backend.Completed)
		q.failFinish.Store(true)
		id = n.enqueue("it")
		time.Sleep(10 * time.Minute)
		n.want(id, backend.Running)
		q.failFinish.Store(false)
		time.Sleep(time.Minute)
		n.want(id, backend.Completed)
		// A stop retries until the grace period is over.
		q.failFinish.Store(true)
		n.want(n.enqueue("it"), backend.Running)
		begun := time.Now()
		n.stop()
		if took := time.Since(begun); took < 30*time.Second || took > 31*time.Second {
			t.Errorf("the stop took %v", took)
		}
	})
}

// backendWithQueue is a backend whose queue is replaced.
type backendWithQueue struct {
	backend.Backend
	queue backend.Queue
}

func (b backendWithQueue) Queue() backend.Queue { return b.queue }

// faultyQueue is a queue whose methods fail on demand.
type faultyQueue struct {
	backend.Queue
	failFetch, failFinish, failDrain atomic.Bool
	failSchedule                     atomic.Bool // LastRuns, SetLastRun and EnqueueScheduled
}

var errFault = errors.New("the disk is on fire")

func (q *faultyQueue) Fetch(ctx context.Context, req backend.FetchRequest) ([]backend.Job, error) {
	if q.failFetch.Load() {
		return nil, errFault
	}
	return q.Queue.Fetch(ctx, req)
}

func (q *faultyQueue) Finish(ctx context.Context, outcomes ...backend.Outcome) ([]backend.Run, error) {
	if q.failFinish.Load() {
		return nil, errFault
	}
	return q.Queue.Finish(ctx, outcomes...)
}

func (q *faultyQueue) Drain(ctx context.Context, runs ...backend.Run) error {
	if q.failDrain.Load() {
		return errFault
	}
	return q.Queue.Drain(ctx, runs...)
}

func (q *faultyQueue) SetLastRun(ctx context.Context, schedule string, before, at time.Time) (bool, error) {
	if q.failSchedule.Load() {
		return false, errFault
	}
	return q.Queue.SetLastRun(ctx, schedule, before, at)
}

func (q *faultyQueue) LastRuns(ctx context.Context) (map[string]time.Time, error) {
	if q.failSchedule.Load() {
		return nil, errFault
	}
	return q.Queue.LastRuns(ctx)
}

func (q *faultyQueue) EnqueueScheduled(ctx context.Context, schedule string, at time.Time, jobs ...backend.NewJob) (bool, error) {
	if q.failSchedule.Load() {
		return false, errFault
	}
	return q.Queue.EnqueueScheduled(ctx, schedule, at, jobs...)
}

// cancellingQueue cancels each job that a Fetch returns, before it returns.
type cancellingQueue struct {
	backend.Queue
	t testing.TB
}

func (q *cancellingQueue) Fetch(ctx context.Context, req backend.FetchRequest) ([]backend.Job, error) {
	jobs, err := q.Queue.Fetch(ctx, req)
	for i := range jobs {
		if _, err := q.Cancel(ctx, jobs[i].ID); err != nil {
			q.t.Error(err)
		}
	}
	return jobs, err
}

func TestCancelDuringFetch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		n := newNode(t, backendWithQueue{b, &cancellingQueue{b.Queue(), t}}, worker.Config{}, task("slow", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }))
		n.start()
		n.want(n.enqueue("slow"), backend.Cancelled)
	})
}
