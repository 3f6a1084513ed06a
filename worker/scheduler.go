package worker

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/bridge"
)

const (
	// maxSleep is the longest sleep of the scheduler. The operating system does not notify a process when the wall
	// clock is set, so the scheduler has to compare the clocks at least this often.
	maxSleep = 10 * time.Second
	// maxEnqueues is the maximum number of due tasks that the scheduler enqueues concurrently.
	maxEnqueues = 16
	// If a clock was set back, the last run of a task may lie in the future. The task is rescheduled if the last run is
	// at least minSetBack ahead, or minSetBackCalendar for a calendar schedule. A calendar schedule needs the larger
	// distance, because its run has been done, and a small correction of the clock must not repeat that run.
	minSetBack         = time.Minute
	minSetBackCalendar = 3 * time.Hour
)

// scheduler starts the tasks that have a Frequency or a Cron when they are due.
type scheduler struct {
	*producer
	entries     []*entry
	started     time.Time     // read from the monotonic clock
	lastWall    time.Time     // the wall clock at the previous check
	lastElapsed time.Duration // the time since started at the previous check
	resetFailed bool          // the last call of resetFutureRuns could not change a task
}

// entry is a task with a schedule and the state of that schedule on this node.
type entry struct {
	name     string
	schedule bridge.Schedule
	local    bool // the task has ScopeAllNodes: every node runs it, without the queue
	queue    string
	last     time.Time   // when the task was last due
	next     time.Time   // when to check the task; zero: never
	running  atomic.Bool // a local run has not ended
}

// newScheduler returns the scheduler of all registered tasks that have a schedule. If there are none, it returns nil.
func newScheduler(p *producer) *scheduler {
	s := &scheduler{producer: p, started: time.Now(), lastWall: p.now()}
	for _, info := range p.api.Tasks.Registered() {
		if schedule := p.host.Schedule(info.Name); schedule != nil {
			s.entries = append(s.entries, &entry{name: info.Name, schedule: schedule, local: info.Scope == actionhero.ScopeAllNodes, queue: info.Queue})
		}
	}
	if len(s.entries) == 0 {
		return nil
	}
	return s
}

// run starts tasks when they are due. run returns when drain is called.
func (s *scheduler) run() {
	s.load()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-s.fetchCtx.Done():
			return
		}
		timer.Reset(s.startDue())
	}
}

// load reads the last due times of all scheduled tasks from the backend. If the read fails, load retries until the read
// succeeds or drain is called.
func (s *scheduler) load() {
	retry := backoff{log: s.api.Log(), failure: "the last runs of scheduled tasks cannot be read", success: "the last runs of scheduled tasks are read again"}
	for s.fetchCtx.Err() == nil {
		err := s.readLastRuns(s.entries)
		if err == nil {
			retry.reset()
			break
		}
		retry.wait(s.fetchCtx, err)
	}
	s.resetFutureRuns(s.now())
}

// readLastRuns reads the last due times of the given tasks from the backend. If the backend has none for a task,
// readLastRuns stores the current time, so that the task first runs at its next due time.
func (s *scheduler) readLastRuns(entries []*entry) error {
	last, err := s.host.LastRuns(s.runCtx)
	if err != nil {
		return err
	}
	for _, e := range entries {
		at, known := last[e.name]
		if !known || e.local {
			at = s.now().Truncate(time.Millisecond)
		}
		if !known && !e.local {
			if _, err := s.host.SetLastRun(s.runCtx, e.name, time.Time{}, at); err != nil {
				return err
			}
		}
		e.setLast(at)
	}
	return nil
}

// setLast sets e.last, the time when the task was last due, and computes e.next from that time.
func (e *entry) setLast(at time.Time) {
	e.last, e.next = at, e.schedule.Next(at)
}

// startDue starts the tasks that are due, and returns the time until the next task is due, at most maxSleep.
func (s *scheduler) startDue() time.Duration {
	now := s.now()
	if s.clockSetBack(now) || s.resetFailed {
		s.resetFutureRuns(now)
	}
	var due []*entry
	for _, e := range s.entries {
		if !e.next.IsZero() && !e.next.After(now) {
			due = append(due, e)
		}
	}
	s.startAll(due, now)
	sleep := maxSleep
	now = s.now()
	for _, e := range s.entries {
		if !e.next.IsZero() {
			sleep = min(sleep, e.next.Sub(now))
		}
	}
	return max(sleep, 0)
}

// clockSetBack reports whether the wall clock was set back by minSetBack or more since the previous call.
func (s *scheduler) clockSetBack(now time.Time) bool {
	elapsed := time.Since(s.started)
	shown, passed := now.Round(0).Sub(s.lastWall.Round(0)), elapsed-s.lastElapsed
	s.lastWall, s.lastElapsed = now, elapsed
	return passed-shown >= minSetBack
}

// resetFutureRuns handles tasks whose last due time lies in the future, because a clock was ahead. It sets the last due
// time of each of these tasks to now. Without this change, the task would not run before that future time. If the change
// of a task fails, the next check of the scheduler calls resetFutureRuns again.
func (s *scheduler) resetFutureRuns(now time.Time) {
	now = now.Truncate(time.Millisecond)
	s.resetFailed = false
	for _, e := range s.entries {
		limit := minSetBack
		if e.schedule.Calendar() {
			limit = minSetBackCalendar
		}
		if e.last.Sub(now) < limit {
			continue
		}
		if !e.local {
			done, err := s.host.SetLastRun(s.runCtx, e.name, e.last, now)
			if err != nil || !done {
				s.resetFailed = s.reread(e, err) != nil || s.resetFailed
				continue
			}
		}
		s.api.Log().Warn("the clock was set back, so a task is rescheduled", "task", e.name, "was due", e.last.Format(time.RFC3339))
		e.setLast(now)
	}
}

// startAll starts the tasks in due. startAll enqueues at most maxEnqueues tasks concurrently and blocks until all are
// enqueued. Tasks of ScopeAllNodes run on this node without the queue.
func (s *scheduler) startAll(due []*entry, now time.Time) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, maxEnqueues)
	for _, e := range due {
		at := e.schedule.Latest(e.last, now)
		switch {
		case at.IsZero(): // only the check was due, after an error
			e.setLast(e.last)
		case e.local:
			s.startLocal(e)
			e.setLast(at)
		default:
			slots <- struct{}{}
			wg.Go(func() {
				s.enqueue(e, at)
				<-slots
			})
		}
	}
	wg.Wait()
}

// enqueue enqueues the task of e for the due time at, so that one node of the cluster runs the task. If another node
// has enqueued the task for that time, enqueue only reads the last due time again.
func (s *scheduler) enqueue(e *entry, at time.Time) {
	won, err := s.host.EnqueueScheduled(s.runCtx, e.name, at)
	if err != nil || !won {
		_ = s.reread(e, err) // the next check tries again
		return
	}
	e.setLast(at)
}

// reread is called after the task of e was not enqueued. If err is nil, another node has changed the last due time, and
// reread reads that time from the backend. If err is not nil or the read fails, reread logs and returns the error, and
// the scheduler checks the task again after one second.
func (s *scheduler) reread(e *entry, err error) error {
	if err == nil {
		err = s.readLastRuns([]*entry{e})
	}
	if err != nil {
		s.api.Log().Error("a scheduled task cannot be enqueued", "task", e.name, "error", err.Error())
		e.next = s.now().Add(time.Second)
	}
	return err
}

// startLocal runs a task of ScopeAllNodes on this node, without the queue. If the previous run of the task has not
// ended, or another worker of this node runs the task, startLocal does nothing.
func (s *scheduler) startLocal(e *entry) {
	if !s.first() || !e.running.CompareAndSwap(false, true) {
		return
	}
	now := s.now()
	job := backend.Job{Task: e.name, Queue: e.queue, Params: []byte("{}"), State: backend.Running, RunAt: now, Enqueued: now, Started: now, Attempt: 1, MaxAttempts: 1, Node: s.node}
	s.runs.Go(func() {
		defer e.running.Store(false)
		s.host.RunJob(s.runCtx, &job, s.cfg.Timeout, new(backend.Outcome))
	})
}
