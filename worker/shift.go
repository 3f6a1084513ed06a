package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// Why the context of a run ends before its time.
var (
	errCancelled = errors.New("the job was cancelled")
	errStopping  = errors.New("the server stops: the job is put back")
)

// late is how long a task may take to notice that its context ended before the stop goes on without it.
const late = 5 * time.Second

// shift is a worker at work, from one start of the API to its stop.
type shift struct {
	*Worker
	node   string
	queues *queues

	taking  context.Context // ends when nothing more is to be taken
	retired context.CancelFunc
	base    context.Context // of all runs; ends when the grace is over
	stop    context.CancelCauseFunc
	grace   *time.Timer
	release func() // tells the API that this node serves no more
	due     <-chan struct{}
	unwatch func()
	freed   chan struct{} // a run ended

	outcomes *outcomes
	loops    sync.WaitGroup // what ends with taking
	runs     sync.WaitGroup // goroutines that run tasks, or wait for the next one
	handover chan *run      // to those that wait
	idle     atomic.Int32   // how many these are
	renewing chan struct{}  // closed at the end
	renewer  sync.WaitGroup

	mu       sync.Mutex
	busy     int             // runs of jobs under way
	running  map[uint64]*run // the runs of jobs that the queue does not know the end of
	inTake   bool            // a Take is under way
	tooEarly map[uint64]bool // jobs that were cancelled during it
}

// run is one run of a job.
type run struct {
	job    backend.Job
	ctx    context.Context
	cancel context.CancelCauseFunc
}

func (w *Worker) newShift() *shift {
	s := &shift{
		Worker: w, node: cmp.Or(w.cfg.Node, w.api.Stats.ID()),
		freed: make(chan struct{}, 1), handover: make(chan *run), running: map[uint64]*run{}, tooEarly: map[uint64]bool{}, renewing: make(chan struct{}),
	}
	s.taking, s.retired = context.WithCancel(context.Background())
	s.base, s.stop = context.WithCancelCause(context.Background())
	s.outcomes = newOutcomes(s.finish)
	s.queues = newQueues(backend.NodeQueue(s.node), w.weights())
	return s
}

// weights are the queues to serve, without the node's own.
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

func (s *shift) begin() {
	s.release = s.host.RegisterNode(s.node)
	s.due, s.unwatch = s.queue.Watch(s.queues.names()...)
	s.outcomes.start()
	s.loops.Go(s.takeAll)
	if table := newTimetable(s); table != nil {
		s.loops.Go(table.keep)
	}
	if s.cfg.Lease > 0 {
		s.renewer.Go(s.renew)
	}
}

// retire takes nothing more from now on, and lets what runs go on for the grace. A second call does nothing.
func (s *shift) retire(grace time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.grace == nil {
		s.retired()
		s.grace = time.AfterFunc(grace, func() { s.stop(errStopping) })
	}
}

// end waits for what runs, and puts back what ignores that its context ended.
func (s *shift) end(ctx context.Context) {
	s.loops.Wait()
	s.unwatch()
	done := make(chan struct{})
	go func() {
		s.runs.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		s.stop(errStopping)
	case <-s.base.Done():
	}
	patience := time.NewTimer(late)
	defer patience.Stop()
	select {
	case <-done:
	case <-patience.C:
		s.abandon()
	}
	s.grace.Stop()
	s.stop(errStopping)
	s.outcomes.end(ctx)
	close(s.renewing)
	s.renewer.Wait()
	s.release()
}

// abandon puts back what still runs. When it ends after all, nobody cares.
func (s *shift) abandon() {
	s.mu.Lock()
	runs := slices.Collect(maps.Values(s.running))
	s.mu.Unlock()
	var names []string
	for _, r := range runs {
		if s.outcomes.add(backend.Outcome{Run: r.job.Run(), State: backend.Available}) {
			names = append(names, r.job.Task)
		}
	}
	slices.Sort(names)
	s.api.Log().Warn("some tasks ignore that their context was cancelled; they are put back, and the stop goes on without them", "tasks", strings.Join(slices.Compact(names), ", "))
}

// cancelJob ends the context of a job that runs here.
func (s *shift) cancelJob(id uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.running[id]; r != nil {
		r.cancel(errCancelled)
	} else if s.inTake {
		s.tooEarly[id] = true
	}
}

// start ends a Take: it begins the runs of the jobs that were taken, if any.
func (s *shift) start(jobs []backend.Job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inTake = false
	s.busy += len(jobs)
	for i := range jobs {
		r := &run{job: jobs[i]}
		r.ctx, r.cancel = context.WithCancelCause(s.base)
		if s.tooEarly[r.job.ID] {
			r.cancel(errCancelled)
		}
		s.running[r.job.ID] = r
		select {
		case s.handover <- r:
		default:
			s.runs.Go(func() { s.perform(r) })
		}
	}
	clear(s.tooEarly)
}

// maxIdle is how many goroutines wait for the next run at most. A new one would have to grow its stack first.
const maxIdle = 64

// perform does one run after the other.
func (s *shift) perform(r *run) {
	for r != nil {
		s.performOne(r)
		r = s.next()
	}
}

// next waits for a run, and returns nil if this goroutine is not needed any more.
func (s *shift) next() *run {
	defer s.idle.Add(-1)
	if s.idle.Add(1) > maxIdle {
		return nil
	}
	select {
	case r := <-s.handover:
		return r
	case <-s.taking.Done():
		return nil
	}
}

// performOne runs a job and hands in its outcome.
func (s *shift) performOne(r *run) {
	outcome := backend.Outcome{Run: r.job.Run(), State: backend.Retryable, Delay: time.Minute, Error: "the task ended its goroutine with runtime.Goexit: it must return instead"}
	defer func() { // whatever ends this goroutine
		if p := recover(); p != nil {
			outcome.Error = fmt.Sprintf("a fault of the worker: %v\n%s", p, debug.Stack())
		}
		r.cancel(nil)
		s.outcomes.add(outcome)
		s.mu.Lock()
		s.busy--
		s.mu.Unlock()
		select {
		case s.freed <- struct{}{}:
		default:
		}
	}()
	outcome = judge(s.host.RunJob(r.ctx, &r.job, s.cfg.Timeout), context.Cause(r.ctx))
}

// judge says what becomes of a job whose context ended for some cause while it ran.
func judge(o backend.Outcome, cause error) backend.Outcome {
	failed := o.State == backend.Retryable || o.State == backend.Dead
	switch {
	case !failed:
	case errors.Is(cause, errCancelled):
		o.State, o.Delay = backend.Cancelled, 0
	case errors.Is(cause, errStopping):
		o.State, o.Delay, o.Error = backend.Available, 0, ""
	}
	return o
}
