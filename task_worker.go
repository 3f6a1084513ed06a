package actionhero

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/bridge"
)

// workerHost implements bridge.Worker for Tasks. Package worker calls the methods of workerHost through package bridge,
// which documents each method.
type workerHost Tasks

func (t *workerHost) tasks() *Tasks { return (*Tasks)(t) }

func (t *workerHost) RegisterNode(node string) (release func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.nodes = append(t.nodes, node)
	return sync.OnceFunc(func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if i := slices.Index(t.nodes, node); i >= 0 {
			t.nodes = slices.Delete(t.nodes, i, i+1)
		}
	})
}

func (t *workerHost) RunJob(ctx context.Context, job *backend.Job, limit time.Duration) backend.Outcome {
	reg := t.api.registry.Load()
	req, limit := t.tasks().request(reg, job, limit)
	_, err := t.api.call(ctx, context.Background(), reg, req, limit)
	outcome := reg.tasks[job.Task].outcome(job, err)
	t.tasks().log(req, outcome)
	return outcome
}

func (t *workerHost) Schedule(task string) bridge.Schedule {
	declared := t.api.registry.Load().tasks[task]
	if declared == nil || declared.info.Schedule.isZero() {
		return nil
	}
	return &declared.info.Schedule.due
}

func (t *workerHost) EnqueueScheduled(ctx context.Context, task string, at time.Time) (won bool, err error) {
	declared := t.api.registry.Load().tasks[task]
	if declared == nil {
		return false, unknownTask(task)
	}
	info := &declared.info
	won, err = t.queue.EnqueueScheduled(ctx, scheduleName(info), at, backend.NewJob{
		Task: task, Queue: info.Queue, Priority: info.Priority, Params: []byte("{}"), Timeout: max(info.Timeout, 0),
		MaxAttempts: storedAttempts(declared.attempts, 1), Unique: task + " schedule",
	})
	return won, queueError(err)
}

func (t *workerHost) LastRuns(ctx context.Context) (map[string]time.Time, error) {
	runs, err := t.queue.LastRuns(ctx)
	if err != nil {
		return nil, queueError(err)
	}
	last := map[string]time.Time{}
	for name, declared := range t.api.registry.Load().tasks {
		if at, ok := runs[scheduleName(&declared.info)]; ok {
			last[name] = at
		}
	}
	return last, nil
}

func (t *workerHost) SetLastRun(ctx context.Context, task string, before, at time.Time) (done bool, err error) {
	declared := t.api.registry.Load().tasks[task]
	if declared == nil {
		return false, unknownTask(task)
	}
	done, err = t.queue.SetLastRun(ctx, scheduleName(&declared.info), before, at)
	return done, queueError(err)
}
