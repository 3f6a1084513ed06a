package worker

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend"
)

// cancelWait is the time that a stop waits for tasks to return after their contexts were cancelled.
const cancelWait = 5 * time.Second

// shortWait is the time that a stop waits instead of cancelWait if the context of the stop ends before the grace period
// of the tasks. The API goes on without the worker soon after that context has ended.
const shortWait = 250 * time.Millisecond

// producer fetches and runs the jobs of a worker. Each start of the API makes a new producer, which ends with the stop
// of the API.
type producer struct {
	*Worker
	node   string
	shared bool // other nodes may run the jobs, too
	queues *queues

	fetchCtx     context.Context // done after drain
	stopFetching context.CancelFunc
	runCtx       context.Context // the parent of the contexts of all runs; done when the grace period is over
	cancelRuns   context.CancelCauseFunc
	graceTimer   *time.Timer     // nil before drain
	graceEnd     time.Time       // when the grace period of running tasks is over
	first        func() bool     // reports whether no older worker of this API has the same node
	unregister   func()          // removes this node from the nodes that run tasks of ScopeAllNodes
	unlisten     func()          // ends the calls of stopRun
	due          <-chan struct{} // has a value after a job became due
	unwatch      func()
	slotFreed    chan struct{} // has a value after a run ended

	completer *completer
	loops     sync.WaitGroup // goroutines that end with fetchCtx or runCtx
	runs      sync.WaitGroup // goroutines that run tasks, or wait for the next run
	handoff   chan *run      // hands a run to a goroutine that waits for one
	idle      atomic.Int32   // the number of goroutines that wait for a run

	mu                   sync.Mutex
	busy                 int // the number of runs of jobs that have started and not ended
	ahead                aheadRuns
	running              map[backend.Run]*run // the runs whose outcomes are not stored yet
	finished, requeued   int                  // the runs since drain with an outcome of their own, and the others
	fetching             bool                 // a Fetch has not returned yet
	cancelledDuringFetch map[backend.Run]bool // runs whose jobs were cancelled while fetching was true
}

// run is one run of a fetched job, with the context of the task.
type run struct {
	job     backend.Job
	ctx     context.Context
	cancel  context.CancelCauseFunc
	outcome backend.Outcome
	fetched time.Time
	waited  bool // for a slot
	ended   bool // the task has returned, or does not start; guarded by producer.mu
}

func (w *Worker) newProducer() *producer {
	p := &producer{
		Worker: w, node: cmp.Or(w.cfg.Node, w.api.Stats.ID()), shared: w.api.Cluster.Shared(), ahead: aheadRuns{average: firstAverage},
		slotFreed: make(chan struct{}, 1), handoff: make(chan *run),
		running: map[backend.Run]*run{}, cancelledDuringFetch: map[backend.Run]bool{},
	}
	p.fetchCtx, p.stopFetching = context.WithCancel(context.Background())
	p.runCtx, p.cancelRuns = context.WithCancelCause(context.Background())
	p.completer = newCompleter(p.storeOutcomes)
	p.queues = newQueues(backend.NodeQueue(p.node), w.weights())
	return p
}

// weights returns the names of the queues to fetch from, each with its weight. If Config.Queues is empty, these are the
// default queue and the queues of the registered tasks, with equal weights. The queue of the node itself is not
// included.
func (w *Worker) weights() map[string]int {
	if len(w.cfg.Queues) > 0 {
		return w.cfg.Queues
	}
	weights := map[string]int{backend.DefaultQueue: 1}
	for _, info := range w.api.Tasks.Registered() {
		weights[info.Queue] = 1
	}
	return weights
}

func (p *producer) start() {
	p.first, p.unregister = p.host.RegisterNode(p.node)
	p.unlisten = p.queue.OnStop(p.stopRun)
	p.due, p.unwatch = p.queue.Watch(p.queues.names()...)
	p.completer.start()
	p.loops.Go(p.fetchLoop)
	if s := newScheduler(p); s != nil {
		p.loops.Go(s.run)
	}
}

// drain stops the fetching of jobs and starts the grace period of running tasks. When the grace period is over, the
// contexts of tasks that still run are cancelled. A second call does nothing.
func (p *producer) drain(grace time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.graceTimer != nil {
		return
	}
	p.stopFetching()
	p.graceEnd = time.Now().Add(grace)
	p.graceTimer = time.AfterFunc(grace, func() { p.cancelRuns(actionhero.ErrJobRequeued) })
	ahead := p.takeAhead()
	p.requeued += len(ahead)
	if runs := p.currentRuns(); len(runs) > 0 {
		p.loops.Go(func() {
			p.requeue(ahead)
			p.markDraining(runs)
		})
	}
}

// markDraining makes the queue store that this worker stops. If the process is killed before the runs have ended, their
// jobs are then requeued, and no crash is counted.
func (p *producer) markDraining(runs []backend.Run) {
	if err := p.queue.Drain(p.runCtx, runs...); err != nil {
		p.api.Log().Warn("the queue cannot store that the server stops: if the process is killed now, its running jobs count as crashed", "error", err.Error())
	}
}

// currentRuns returns the runs whose outcomes are not stored yet. The caller holds p.mu.
func (p *producer) currentRuns() []backend.Run {
	return slices.Collect(maps.Keys(p.running))
}

// stop waits for the running tasks to end, but not longer than the grace period and not after ctx is done. Then stop
// cancels the tasks that still run. If a task does not return within cancelWait or shortWait after that, stop requeues
// the job of that task.
func (p *producer) stop(ctx context.Context) {
	defer context.AfterFunc(ctx, func() { p.cancelRuns(actionhero.ErrJobRequeued) })()
	p.loops.Wait()
	p.unwatch()
	done := make(chan struct{})
	go func() {
		p.runs.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-p.runCtx.Done():
	}
	wait := cancelWait
	if ctx.Err() != nil && time.Until(p.graceEnd) > time.Second {
		wait = shortWait
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		p.requeueRest()
	}
	p.graceTimer.Stop()
	p.cancelRuns(actionhero.ErrJobRequeued)
	p.completer.close(ctx)
	p.unlisten()
	p.unregister()
}

// requeueRest requeues the jobs whose tasks have not returned. If one of these tasks returns later, its outcome is
// dropped, because the completer is closed or the run has ended in the queue.
func (p *producer) requeueRest() {
	p.mu.Lock()
	var rest []*run
	for _, r := range p.running {
		if !r.ended {
			rest = append(rest, r)
		}
	}
	p.mu.Unlock()
	var names []string
	for _, r := range rest {
		if p.completer.add(backend.Outcome{Run: r.job.Run(), State: backend.Available}) {
			names = append(names, r.job.Task)
		}
	}
	p.mu.Lock()
	p.requeued += len(names)
	p.mu.Unlock()
	slices.Sort(names)
	p.api.Log().Warn("some tasks ignore that their context was cancelled: their jobs are requeued, and the stop does not wait for them", "tasks", strings.Join(slices.Compact(names), ", "))
}

// report returns what has become of the tasks that ran when drain was called, as attributes for the log.
func (p *producer) report() []slog.Attr {
	p.mu.Lock()
	defer p.mu.Unlock()
	return []slog.Attr{slog.Int("tasksFinished", p.finished), slog.Int("tasksRequeued", p.requeued)}
}

// stopRun cancels the context of a run of this worker. If a call of Queue.Fetch has not returned yet, the run may be
// among the fetched ones, so stopRun stores a cancellation for startRuns.
func (p *producer) stopRun(run backend.Run, why backend.StopReason) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.running[run]
	switch {
	case r == nil:
		if p.fetching && why == backend.RunCancelled {
			p.cancelledDuringFetch[run] = true
		}
	case why == backend.RunCancelled:
		r.cancel(actionhero.ErrJobCancelled)
	case why == backend.RunLost, p.host.Exclusive(r.job.Task):
		r.cancel(actionhero.ErrJobLost)
	}
}
