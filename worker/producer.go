package worker

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// These errors are the causes with which the worker cancels the context of a run.
var (
	errCancelled = errors.New("the job was cancelled")
	errStopping  = errors.New("the server stops: the job is requeued")
)

// cancelWait is the time that a stop waits for tasks to return after their contexts were cancelled.
const cancelWait = 5 * time.Second

// producer fetches and runs the jobs of a worker. Each start of the API makes a new producer, which ends with the stop
// of the API.
type producer struct {
	*Worker
	node   string
	queues *queues

	fetchCtx     context.Context // done after drain
	stopFetching context.CancelFunc
	runCtx       context.Context // the parent of the contexts of all runs; done when the grace period is over
	cancelRuns   context.CancelCauseFunc
	graceTimer   *time.Timer     // nil before drain
	unregister   func()          // removes this node from the nodes that run tasks of ScopeAllNodes
	due          <-chan struct{} // has a value after a job became due
	unwatch      func()
	slotFreed    chan struct{} // has a value after a run ended

	completer *completer
	loops     sync.WaitGroup // goroutines that end with fetchCtx
	runs      sync.WaitGroup // goroutines that run tasks, or wait for the next run
	handoff   chan *run      // hands a run to a goroutine that waits for one
	idle      atomic.Int32   // the number of goroutines that wait for a run
	renewStop chan struct{}  // closed at the end of the stop
	renewer   sync.WaitGroup

	mu                   sync.Mutex
	busy                 int             // the number of runs of jobs that have not ended
	running              map[uint64]*run // the runs whose outcomes are not stored yet, by the ids of their jobs
	fetching             bool            // a Fetch has not returned yet
	cancelledDuringFetch map[uint64]bool // ids of jobs that were cancelled while fetching was true
}

// run is one run of a fetched job, with the context of the task.
type run struct {
	job    backend.Job
	ctx    context.Context
	cancel context.CancelCauseFunc
}

func (w *Worker) newProducer() *producer {
	p := &producer{
		Worker: w, node: cmp.Or(w.cfg.Node, w.api.Stats.ID()),
		slotFreed: make(chan struct{}, 1), handoff: make(chan *run), renewStop: make(chan struct{}),
		running: map[uint64]*run{}, cancelledDuringFetch: map[uint64]bool{},
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
	p.unregister = p.host.RegisterNode(p.node)
	p.due, p.unwatch = p.queue.Watch(p.queues.names()...)
	p.completer.start()
	p.loops.Go(p.fetchLoop)
	if s := newScheduler(p); s != nil {
		p.loops.Go(s.run)
	}
	if p.cfg.Lease > 0 {
		p.renewer.Go(p.renewLeases)
	}
}

// drain stops the fetching of jobs and starts the grace period of running tasks. When the grace period is over, the
// contexts of tasks that still run are cancelled. A second call does nothing.
func (p *producer) drain(grace time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.graceTimer == nil {
		p.stopFetching()
		p.graceTimer = time.AfterFunc(grace, func() { p.cancelRuns(errStopping) })
	}
}

// stop waits for the running tasks to end, but not longer than the grace period and not after ctx is done. Then stop
// cancels the tasks that still run. If a task does not return within cancelWait after that, stop requeues the job of
// that task.
func (p *producer) stop(ctx context.Context) {
	p.loops.Wait()
	p.unwatch()
	done := make(chan struct{})
	go func() {
		p.runs.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		p.cancelRuns(errStopping)
	case <-p.runCtx.Done():
	}
	timer := time.NewTimer(cancelWait)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		p.requeueRest()
	}
	p.graceTimer.Stop()
	p.cancelRuns(errStopping)
	p.completer.close(ctx)
	close(p.renewStop)
	p.renewer.Wait()
	p.unregister()
}

// requeueRest requeues the jobs whose tasks have not returned. If one of these tasks returns later, its outcome is
// dropped, because the completer is closed or the run has ended in the queue.
func (p *producer) requeueRest() {
	p.mu.Lock()
	runs := slices.Collect(maps.Values(p.running))
	p.mu.Unlock()
	var names []string
	for _, r := range runs {
		if p.completer.add(backend.Outcome{Run: r.job.Run(), State: backend.Available}) {
			names = append(names, r.job.Task)
		}
	}
	slices.Sort(names)
	p.api.Log().Warn("some tasks ignore that their context was cancelled: their jobs are requeued, and the stop does not wait for them", "tasks", strings.Join(slices.Compact(names), ", "))
}

// cancelJob cancels the context of a job that runs on this worker. If a call of Queue.Fetch has not returned yet, the
// job may be among the fetched jobs, so cancelJob stores the id for startRuns.
func (p *producer) cancelJob(id uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r := p.running[id]; r != nil {
		r.cancel(errCancelled)
	} else if p.fetching {
		p.cancelledDuringFetch[id] = true
	}
}
