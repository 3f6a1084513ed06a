// Package worker runs tasks: it is a transport whose wire is the queue. It fetches due jobs from the API's backend and
// dispatches each through the same middleware, checks and recovery as any other request. Then it stores the outcome.
//
// Begin reading with [Worker], then read producer.go (one start of the worker to its stop), executor.go (the runs),
// completer.go (the outcomes) and scheduler.go (tasks with a schedule).
//
// The worker fetches jobs after the whole API has started, and runs up to [Config.Workers] of them at a time. If no job
// is due, it waits for a signal of the queue, so an idle worker uses no CPU time. Several queues are fetched from in a
// random order in which a queue of greater weight comes first more often.
//
// The scheduler starts the tasks with a Frequency or a Cron. A task of ScopeAnyNode is enqueued by the node that first
// records the due time in the backend; times that passed while no node was up lead to one run. A task of ScopeAllNodes
// runs on every node without the queue; a node that was down does not run it for the times that it missed. A task of
// either scope does not start while its previous run has not ended.
//
// The worker reads the registered tasks when it starts. If a task is registered later, its jobs run when they are in a
// queue that the worker fetches from. The task's own queue and its schedule are in effect from the next start.
//
// When the API stops, the worker fetches no more jobs, and running tasks have [Config.Grace] to end. Then their contexts
// are cancelled. The jobs of tasks that fail because of it are requeued as if they had not been started.
package worker

import (
	"context"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/bridge"
)

// Worker fetches and runs jobs. Add it to an API as the first Component, so that it is the last to stop.
type Worker struct {
	api   *actionhero.API
	host  bridge.Worker
	queue backend.Queue
	cfg   Config
	now   func() time.Time // the wall clock

	mu      sync.Mutex
	current *producer // nil while the worker is stopped
}

var (
	_ actionhero.Component = (*Worker)(nil)
	_ actionhero.StartHook = (*Worker)(nil)
	_ actionhero.StopHook  = (*Worker)(nil)
)

// New returns a Worker for an API. It fetches no job before the API has started.
func New(api *actionhero.API, cfg Config) *Worker {
	cfg.complete()
	w := &Worker{api: api, host: bridge.WorkerOf(api), queue: api.Config().Backend.Queue(), cfg: cfg, now: time.Now}
	if *cfg.Enable {
		w.queue.OnCancel(w.cancelJob)
	}
	return w
}

// Start checks the configuration. It returns an error if a setting is out of range.
func (w *Worker) Start(context.Context) error { return w.cfg.Check() }

// Started begins to fetch jobs.
func (w *Worker) Started() {
	if !*w.cfg.Enable {
		return
	}
	p := w.newProducer()
	w.mu.Lock()
	w.current = p
	w.mu.Unlock()
	p.start()
}

// Stopping ends the fetching of jobs and starts the grace period, whose length it returns.
func (w *Worker) Stopping() (grace time.Duration) {
	if p := w.running(); p != nil {
		p.drain(w.cfg.Grace)
	}
	return w.cfg.Grace
}

// Stop waits for running tasks until the grace period that began with Stopping ends or ctx is done. It then cancels the
// remaining tasks and requeues their jobs.
func (w *Worker) Stop(ctx context.Context) error {
	p := w.running()
	if p == nil {
		return nil
	}
	w.mu.Lock()
	w.current = nil
	w.mu.Unlock()
	p.drain(w.cfg.Grace)
	p.stop(ctx)
	return nil
}

// running returns the current producer, nil while the worker is stopped.
func (w *Worker) running() *producer {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.current
}

// cancelJob cancels a job if it runs here. The queue calls it.
func (w *Worker) cancelJob(id uint64) {
	if p := w.running(); p != nil {
		p.cancelJob(id)
	}
}
