package actionhero

import (
	"context"
	"slices"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/bridge"
)

// workerHost implements bridge.Worker for Tasks. Package worker calls the methods of workerHost through package bridge,
// which documents each method.
type workerHost Tasks

func (t *workerHost) tasks() *Tasks { return (*Tasks)(t) }

func (t *workerHost) RegisterNode(node string) (first func() bool, release func()) {
	added := &node
	t.mu.Lock()
	defer t.mu.Unlock()
	t.nodes = append(t.nodes, added)
	first = func() bool {
		t.mu.Lock()
		defer t.mu.Unlock()
		return t.nodes[slices.IndexFunc(t.nodes, func(n *string) bool { return *n == node })] == added
	}
	return first, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.nodes = slices.DeleteFunc(t.nodes, func(n *string) bool { return n == added })
	}
}

func (t *workerHost) DeclareNode(node string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !slices.Contains(t.declared, node) {
		t.declared = append(t.declared, node)
	}
}

func (t *workerHost) RunJob(ctx context.Context, job *backend.Job, limit time.Duration, outcome *backend.Outcome) {
	reg := t.api.registry.Load()
	req, limit := t.tasks().request(reg, job, limit)
	err := errGoexit
	defer func() { // deferred, so that it also runs after a Goexit
		*outcome = reg.tasks[job.Task].outcome(job, err)
		t.tasks().log(req, *outcome)
	}()
	_, err = t.api.call(ctx, jobCalls, reg, req, limit)
}

func (t *workerHost) TaskNames() []string { return t.api.registry.Load().taskNames }

func (t *workerHost) Exclusive(task string) bool {
	declared := t.api.registry.Load().tasks[task]
	return declared != nil && declared.exclusive
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
