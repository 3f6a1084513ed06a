package queue

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/internal/rules"
)

// running returns the slot of the job that executes this run, or 0 if the run has ended.
func (q *Queue) running(run backend.Run) slot {
	i := q.jobs.find(run.ID)
	if i == 0 || q.jobs.at(i).state != backend.Running || uint64(q.jobs.at(i).starts) != run.Fence {
		return 0
	}
	return i
}

// Finish implements [backend.Queue.Finish]. If an outcome has an invalid state, Finish fails and ends no run.
func (q *Queue) Finish(_ context.Context, outcomes ...backend.Outcome) (lost []backend.Run, err error) {
	for n := range outcomes {
		if o := &outcomes[n]; o.State == 0 || o.State == backend.Running || o.State > backend.Dead {
			return nil, fmt.Errorf("the run of job %d cannot end as %v: use completed, retryable, scheduled, available, cancelled or dead", o.ID, o.State)
		}
	}
	need := 0
	for n := range outcomes {
		need += changeBytes + crashBytes + min(len(outcomes[n].Error), backend.MaxErrorBytes)
	}
	q.mu.Lock()
	now, err := q.begin(need, false)
	if err != nil {
		q.mu.Unlock()
		return nil, err
	}
	for n := range outcomes {
		if i := q.running(outcomes[n].Run); i != 0 {
			q.finish(i, now, &outcomes[n])
		} else if !q.finishLate(now, &outcomes[n]) {
			lost = append(lost, outcomes[n].Run)
		}
	}
	return lost, q.commit(now)
}

// finishLate handles the outcome of a run that has ended already. If the run ended as a crash and nothing has happened
// to the job since, the outcome counts. If another run of the job has begun, finishLate only sets the number of crashes
// to 0, because the process of the run lives. finishLate returns false if the outcome is lost. The outcome of a run that
// has ended with Finish is a repetition, which changes nothing.
func (q *Queue) finishLate(now timestamps, o *backend.Outcome) bool {
	i := q.jobs.find(o.ID)
	if i == 0 {
		return false
	}
	e := q.jobs.at(i)
	if e.lostStart == 0 || uint64(e.lostStart) != o.Fence {
		return uint64(e.starts) == o.Fence && e.state != backend.Running
	}
	accept := e.starts == e.lostStart && (e.waits() || e.state == backend.Dead && q.keyIsFree(i, now))
	q.change(i, now, "", func(e *entry) {
		e.crashes, e.lostStart = 0, 0
		if accept {
			e.attempt++ // crash has subtracted the run
		}
	})
	if accept {
		q.finish(i, now, o)
	}
	return accept
}

// keyIsFree reports whether the job i has no unique key, or no other job holds that key.
func (q *Queue) keyIsFree(i slot, now timestamps) bool {
	key := q.jobs.keys.list[q.jobs.at(i).key].text
	if key == "" {
		return true
	}
	holder := q.jobs.holder(key, now.wall)
	return holder == 0 || holder == i
}

func (q *Queue) finish(i slot, now timestamps, o *backend.Outcome) {
	state, failure := o.State, rules.Truncate(o.Error)
	if q.jobs.at(i).has(cancelling) && !state.Finished() {
		state, failure = backend.Cancelled, cmp.Or(failure, "it was cancelled while it ran")
	}
	q.change(i, now, failure, func(e *entry) {
		e.flags &^= cancelling | draining
		if o.State != backend.Available {
			e.crashes = 0 // the run has an outcome, so the job does not crash the process
		}
		switch {
		case state.Finished():
			e.finish(state, now)
			return
		case state == backend.Retryable:
			e.flags |= retrying
		default:
			e.attempt--
		}
		delay := o.Delay
		if state == backend.Available {
			delay = 0
		}
		e.reschedule(now, delay)
	})
}

// finish sets the state of a job that has finished, and its finish time. The state is Completed, Cancelled or Dead.
func (e *entry) finish(state backend.State, now timestamps) {
	e.state = state
	e.endsAt = now.wall
	e.flags &^= cancelling | retrying | draining
}

// reschedule makes the job wait, so that the job is due after delay.
func (e *entry) reschedule(now timestamps, delay time.Duration) {
	e.state = backend.Scheduled
	e.endsAt = 0
	e.runAt = now.after(delay)
	e.flags = e.flags&^(draining|held) | relative
}

// crashBytes is the maximum length in bytes of the error text that the method crash writes.
const crashBytes = 200

// crash ends the current run of the job i without an outcome. If the job was cancelled during the run, it becomes
// cancelled. If the worker of the run stops, the job is due again. Otherwise the run counts as a crash: the job becomes
// dead if it has crashed too often, or else due again. The text why is the reason in the error text of the job.
func (q *Queue) crash(i slot, now timestamps, why string) {
	e := q.jobs.at(i)
	failure, state, counts := "", backend.Available, !e.has(draining)
	switch {
	case e.has(cancelling):
		state, failure = backend.Cancelled, "it was cancelled while it ran, then "+why
	case counts && e.crashes+1 >= e.maxCrashes:
		state, failure = backend.Dead, fmt.Sprintf("it crashed %d times, the last time because %s: find and fix the cause, then retry it", e.crashes+1, why)
	}
	q.change(i, now, failure, func(e *entry) {
		e.attempt--
		e.lostStart = e.starts
		if counts && e.crashes < math.MaxUint16 {
			e.crashes++
		}
		if state.Finished() {
			e.finish(state, now)
		} else {
			e.reschedule(now, 0)
		}
	})
}

// Drain implements [backend.Queue.Drain].
func (q *Queue) Drain(_ context.Context, runs ...backend.Run) error {
	q.mu.Lock()
	now, err := q.begin(len(runs)*changeBytes, false)
	if err != nil {
		q.mu.Unlock()
		return err
	}
	for _, run := range runs {
		if i := q.running(run); i != 0 && !q.jobs.at(i).has(draining) {
			q.change(i, now, "", func(e *entry) { e.flags |= draining })
		}
	}
	return q.commit(now)
}

// maxCrashesPerLock is the maximum number of crashed runs that are ended before other calls get the lock.
const maxCrashesPerLock = 100

// endRuns ends all runs that began in an earlier process or before the last Close. These runs count as crashes, unless
// Drain was called for them.
func (q *Queue) endRuns() error {
	var running []slot
	q.mu.Lock()
	q.jobs.walk(0, false, func(i slot) bool {
		if q.jobs.at(i).state == backend.Running {
			running = append(running, i)
		}
		return true
	})
	for some := range slices.Chunk(append(running, 0), maxCrashesPerLock) {
		now, err := q.begin(len(some)*(changeBytes+crashBytes), false)
		if err != nil {
			q.mu.Unlock()
			return err
		}
		for _, i := range some {
			if i != 0 {
				q.crash(i, now, "its process ended")
			}
		}
		if err := q.commit(now); err != nil {
			return err
		}
		q.mu.Lock()
	}
	q.mu.Unlock()
	return nil
}
