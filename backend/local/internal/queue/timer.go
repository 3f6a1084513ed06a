package queue

import (
	"sync"
	"time"
)

// These are the maximum waits of the timer, in milliseconds. The operating system does not notify the process when the
// wall clock is set. So the timer checks the wall clock at least this often while jobs wait for a wall time. These
// waits do not delay a job that is due sooner.
const (
	maxWait      = 1000
	maxSweepWait = 60_000 // the maximum wait if finished jobs only wait for their removal
)

// maxDuePerLock is the maximum number of jobs that are promoted to Available or removed before other calls get the
// lock. If there are more jobs, the timer fires again at once.
const maxDuePerLock = 4096

// timer calls the function fire at a time on the monotonic clock. Each queue has one timer, which is set only while a
// job waits for a time. The queue's lock guards the timer.
type timer struct {
	fire    func()
	enabled bool
	at      int64 // the monotonic time at which the timer fires, or never
	timer   *time.Timer
	running sync.WaitGroup // counts 1 while the timer is set or fire runs
}

func (t *timer) start() { t.enabled, t.at = true, never }

// set lets the timer fire at a time on the monotonic clock, which is the argument at, in milliseconds. If the timer is
// already set for an earlier time, set does nothing.
func (t *timer) set(at, now int64) {
	if !t.enabled || at >= t.at {
		return
	}
	t.stop()
	t.at = at
	t.running.Add(1)
	t.timer = time.AfterFunc(time.Duration(max(at-now, 0))*time.Millisecond, func() {
		defer t.running.Done()
		t.fire()
	})
}

func (t *timer) stop() {
	if t.at = never; t.timer != nil && t.timer.Stop() {
		t.running.Done()
	}
	t.timer = nil
}

// setTimer sets the timer for the earlier of these times: the next job becomes due, or the next finished job must be
// removed.
func (q *Queue) setTimer(now timestamps) {
	t, at := q.jobs, int64(never)
	atWall := func(wall, longest int64) { at = min(at, now.mono+min(wall-now.wall, longest)) }
	if len(t.waiting) > 0 {
		atWall(t.waiting.earliest(), maxWait)
	}
	if len(t.uniqueHeld) > 0 {
		atWall(t.uniqueHeld.earliest(), maxSweepWait)
	}
	if t.finished.n > q.cfg.KeepMost || t.dead.n > q.cfg.KeepMost {
		at = now.mono
	}
	if t.finished.n > 0 {
		atWall(t.at(t.finished.first).endsAt+q.cfg.KeepCompleted.Milliseconds(), maxSweepWait)
	}
	if t.dead.n > 0 {
		atWall(t.at(t.dead.first).endsAt+q.cfg.KeepFailed.Milliseconds(), maxSweepWait)
	}
	if at != never {
		q.timer.set(at, now.mono)
	}
}

// timerFired makes waiting jobs Available that are due, and removes finished jobs whose retention time has passed. The
// timer calls timerFired without the lock.
func (q *Queue) timerFired() {
	q.mu.Lock()
	q.timer.at = never
	now, err := q.begin(0, false)
	if err != nil {
		// The disk may be full: try again later.
		now, _ = q.clock.now()
		q.timer.set(now.mono+maxWait, now.mono)
		q.mu.Unlock()
		return
	}
	_ = q.commit(now) // if the commit fails, the timer fires again
}

// sweep removes completed, cancelled and dead jobs whose retention time has passed. If there are more than KeepMost
// jobs in the list of finished or of dead jobs, it also removes the oldest jobs of that list. It then removes jobs that
// were only kept for a unique key that is free now. One call removes at most maxDuePerLock jobs of each of these three
// kinds.
func (q *Queue) sweep(now timestamps) {
	t := q.jobs
	for _, l := range []struct {
		list *list
		keep time.Duration
	}{{&t.finished, q.cfg.KeepCompleted}, {&t.dead, q.cfg.KeepFailed}} {
		for range maxDuePerLock {
			if l.list.n == 0 || l.list.n <= q.cfg.KeepMost && t.at(l.list.first).endsAt+l.keep.Milliseconds() > now.wall {
				break
			}
			q.removeFinished(l.list.first, now)
		}
	}
	for range maxDuePerLock {
		if t.uniqueHeld.earliest() > now.wall {
			break
		}
		q.remove(t.uniqueHeld[0].i)
	}
}

// removeFinished removes the finished job i. If the job still holds its unique key, removeFinished keeps the job until
// the key is free.
func (q *Queue) removeFinished(i slot, now timestamps) {
	t, e := q.jobs, q.jobs.at(i)
	until := t.keys.list[e.key].until
	if t.keys.holders[t.keys.list[e.key].text] != i || until <= now.wall {
		q.remove(i)
		return
	}
	t.detach(i)
	t.addCounts(e, 1)
	e.in = inUniqueHeld
	t.uniqueHeld.push(&t.slab, i, until)
}
