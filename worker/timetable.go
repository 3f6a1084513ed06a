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
	// longestNap is the longest that the timetable waits without a look at the clock: nobody tells when it is set.
	longestNap = 10 * time.Second
	// atOnce is how many tasks are enqueued side by side when their times come together.
	atOnce = 16
	// By how much a clock must have been set back for tasks to follow it. What follows the calendar has been done
	// already: it is not repeated unless the clock was wrong by far.
	followElapsed  = time.Minute
	followCalendar = 3 * time.Hour
)

// timetable starts the tasks that run by themselves.
type timetable struct {
	*shift
	entries []*entry
	before  time.Time     // what the wall clock showed last
	elapsed time.Duration // and since when, by a clock that nobody sets
	begun   time.Time
}

// entry is one of these tasks.
type entry struct {
	name     string
	schedule bridge.Schedule
	local    bool // it runs on every node
	queue    string
	last     time.Time // when it was due last
	next     time.Time // when to look at it; zero: never
	runs     atomic.Bool
}

// newTimetable returns the timetable of all registered tasks, nil if none runs by itself.
func newTimetable(s *shift) *timetable {
	t := &timetable{shift: s, begun: time.Now(), before: s.now()}
	for _, info := range s.api.Tasks.Registered() {
		if schedule := s.host.Schedule(info.Name); schedule != nil {
			t.entries = append(t.entries, &entry{name: info.Name, schedule: schedule, local: info.Scope == actionhero.ScopeAllNodes, queue: info.Queue})
		}
	}
	if len(t.entries) == 0 {
		return nil
	}
	return t
}

// keep starts tasks as their times come.
func (t *timetable) keep() {
	t.open()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-t.taking.Done():
			return
		}
		timer.Reset(t.look())
	}
}

// open learns when the tasks were due last. One that is seen for the first time is due from now on.
func (t *timetable) open() {
	trouble := retry{log: t.api.Log(), doing: "the times of tasks cannot be read"}
	for t.taking.Err() == nil {
		err := t.read(t.entries)
		if err == nil {
			break
		}
		trouble.wait(t.taking, err)
	}
	t.follow(t.now())
}

// read reads when tasks were due last.
func (t *timetable) read(entries []*entry) error {
	last, err := t.host.LastRuns(t.base)
	if err != nil {
		return err
	}
	for _, e := range entries {
		at, known := last[e.name]
		if !known || e.local {
			at = t.now().Truncate(time.Millisecond)
		}
		if !known && !e.local {
			if _, err := t.host.SetLastRun(t.base, e.name, time.Time{}, at); err != nil {
				return err
			}
		}
		e.was(at)
	}
	return nil
}

// was notes when the task was due last.
func (e *entry) was(at time.Time) {
	e.last, e.next = at, e.schedule.Next(at)
}

// look starts what is due, and returns how long to wait.
func (t *timetable) look() time.Duration {
	now := t.now()
	if t.setBack(now) {
		t.follow(now)
	}
	var due []*entry
	for _, e := range t.entries {
		if !e.next.IsZero() && !e.next.After(now) {
			due = append(due, e)
		}
	}
	t.startAll(due, now)
	nap := longestNap
	now = t.now()
	for _, e := range t.entries {
		if !e.next.IsZero() {
			nap = min(nap, e.next.Sub(now))
		}
	}
	return max(nap, 0)
}

// setBack reports whether the wall clock was set back since the last look.
func (t *timetable) setBack(now time.Time) bool {
	elapsed := time.Since(t.begun)
	shown, passed := now.Round(0).Sub(t.before.Round(0)), elapsed-t.elapsed
	t.before, t.elapsed = now, elapsed
	return passed-shown >= followElapsed
}

// follow sees to it that tasks whose last time is to come, by a clock that was set back, do not wait for it.
func (t *timetable) follow(now time.Time) {
	now = now.Truncate(time.Millisecond)
	for _, e := range t.entries {
		most := followElapsed
		if e.schedule.Calendar() {
			most = followCalendar
		}
		if e.last.Sub(now) < most {
			continue
		}
		if !e.local {
			done, err := t.host.SetLastRun(t.base, e.name, e.last, now)
			if err != nil || !done {
				t.again(e, err)
				continue
			}
		}
		t.api.Log().Warn("the clock was set back, and a task follows it", "task", e.name, "was due", e.last.Format(time.RFC3339))
		e.was(now)
	}
}

// startAll starts what is due, some at a time.
func (t *timetable) startAll(due []*entry, now time.Time) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	for _, e := range due {
		at := e.schedule.Latest(e.last, now)
		switch {
		case at.IsZero(): // it was put off
			e.was(e.last)
		case e.local:
			t.startHere(e)
			e.was(at)
		default:
			slots <- struct{}{}
			wg.Go(func() {
				t.enqueue(e, at)
				<-slots
			})
		}
	}
	wg.Wait()
}

// enqueue enqueues a task for whichever node is free, unless another node has done so.
func (t *timetable) enqueue(e *entry, at time.Time) {
	won, err := t.host.EnqueueScheduled(t.base, e.name, at)
	if err != nil || !won {
		t.again(e, err)
		return
	}
	e.was(at)
}

// again is what happens when something could not be done: because another node has, or because it failed.
func (t *timetable) again(e *entry, err error) {
	if err == nil {
		err = t.read([]*entry{e})
	}
	if err != nil {
		t.api.Log().Error("a task that runs by itself cannot be enqueued", "task", e.name, "error", err.Error())
		e.next = t.now().Add(time.Second)
	}
}

// startHere runs a task of every node, unless its last run is under way.
func (t *timetable) startHere(e *entry) {
	if !e.runs.CompareAndSwap(false, true) {
		return
	}
	now := t.now()
	job := backend.Job{Task: e.name, Queue: e.queue, Params: []byte("{}"), State: backend.Running, RunAt: now, Enqueued: now, Started: now, Attempt: 1, MaxAttempts: 1, Node: t.node}
	t.runs.Go(func() {
		defer e.runs.Store(false)
		t.host.RunJob(t.base, &job, t.cfg.Timeout)
	})
}
