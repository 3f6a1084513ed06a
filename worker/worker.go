// Package worker runs tasks. Its [Worker] fetches due jobs from the queue of the API's backend. It dispatches each job
// through the same middleware, checks and recovery as a request of a client. Then it stores the outcome of the job.
//
// Begin reading with [Worker], then read producer.go (one start of the worker to its stop), executor.go (the runs),
// completer.go (the outcomes) and scheduler.go (tasks with a schedule).
//
// The worker fetches jobs after the whole API has started, and runs up to [Config.Workers] jobs concurrently. If no job
// is due, the worker waits for a signal of the queue, so an idle worker uses no CPU time. If there are several queues,
// each fetch looks into them in a random order. A queue with a greater weight comes first more often.
//
// In a cluster, while runs take less than 0.5 ms on average, the worker fetches up to 64 jobs more than it has free slots:
// see ahead.go. A job that has no slot after 20 ms goes back to the queue.
//
// The scheduler starts the tasks with a Frequency or a Cron. A task of ScopeAnyNode is enqueued by the node that first
// records the due time in the backend; all times that passed while no node was up lead to one run. A task of
// ScopeAllNodes runs on every node without the queue; a node that was down skips the due times that passed meanwhile. A
// task of either scope does not start while its previous run has not ended.
//
// The worker reads the registered tasks when it starts. If a task is registered later, its jobs run when they are in a
// queue that the worker fetches from. The task's own queue and its schedule are in effect from the next start.
//
// When the API stops, the worker fetches no more jobs, and running tasks have [Config.Grace] to end. Then their
// contexts are cancelled. If a task fails because of that, its job is requeued as if the job had not been started. The
// queue stores at the beginning of a stop which runs it may cut short. So if the process is killed during the stop,
// their jobs are requeued, too, and no crash is counted.
//
// If this node is cut off from the queue for backend.NodeLease while other nodes reach it, they may run the node's jobs.
// When the worker hears of that, it cancels the contexts of its own runs and drops their outcomes.
//
// A worker fetches only jobs of tasks that are registered in its API. Jobs of other tasks wait for a node that knows them.
//
// An API can have several workers, for example one for each queue. Workers of the same node share the tasks of
// ScopeAllNodes: each of these tasks runs once on that node.
package worker

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/bridge"
)

// Worker fetches jobs from the queue of an API's backend and runs them. Add the Worker to the API as the last Component,
// so that the Worker stops first and the transports serve while running tasks end.
type Worker struct {
	api   *actionhero.API
	host  bridge.Worker
	queue backend.Queue
	cfg   Config
	now   func() time.Time // the wall clock

	mu      sync.Mutex
	current *producer // nil while the worker is stopped
	report  []slog.Attr
}

var (
	_ actionhero.Component = (*Worker)(nil)
	_ actionhero.StartHook = (*Worker)(nil)
	_ actionhero.StopHook  = (*Worker)(nil)

	_ actionhero.StopReporter = (*Worker)(nil)
)

// New returns a Worker for api. Pass it to API.Add. The Worker fetches no job before the API has started.
func New(api *actionhero.API, cfg Config) *Worker {
	cfg.complete()
	host := bridge.WorkerOf(api)
	if *cfg.Enable {
		host.DeclareNode(cfg.Node)
	}
	return &Worker{api: api, host: host, queue: api.Config().Backend.Queue(), cfg: cfg, now: time.Now}
}

// Start returns an error if a setting of the worker is out of range. Start does not fetch jobs yet; Started does.
func (w *Worker) Start(context.Context) error { return w.cfg.Check() }

// Started starts the fetching of jobs, unless Config.Enable is false. The API calls Started after all its components
// have started.
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

// Stopping stops the fetching of jobs and starts the grace period of running tasks. It makes the queue store that these
// tasks may be cut short. Stopping returns Config.Grace, the length of the grace period.
func (w *Worker) Stopping() (grace time.Duration) {
	if p := w.running(); p != nil {
		p.drain(w.cfg.Grace)
	}
	return w.cfg.Grace
}

// Stop waits for the running tasks to end, but not longer than the grace period that began with Stopping, and not after
// ctx is done. Then Stop cancels the tasks that still run and requeues their jobs.
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
	w.mu.Lock()
	w.report = p.report()
	w.mu.Unlock()
	return nil
}

// StopReport returns the number of tasks that finished during the last stop, and the number of tasks that the stop cut
// short, so that their jobs were requeued. The API adds the attributes to its log record about the stop.
func (w *Worker) StopReport() []slog.Attr {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.report
}

// running returns the current producer, or nil if the worker is stopped.
func (w *Worker) running() *producer {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.current
}
