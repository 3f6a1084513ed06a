package queue

import (
	"sync"
	"time"
)

// The maximum waits of the timer, in milliseconds. A change of the wall clock has no notification, so the timer checks the
// clock while jobs wait for it. These waits do not delay a job that is due sooner.
const (
	maxWait      = 1000
	maxSweepWait = 60_000 // if jobs only wait for their removal
)

// maxDuePerLock is the maximum number of jobs that are promoted or removed before other calls get the lock. If there are
// more, the timer fires again at once.
const maxDuePerLock = 4096

// timer calls fire at a time on the monotonic clock. A queue has one, which is set only while a job waits for a time. The
// queue's lock guards it.
type timer struct {
	fire    func()
	enabled bool
	at      int64 // the monotonic time for which it is set, or never
	timer   *time.Timer
	running sync.WaitGroup // 1 while it is set or fire runs
}

func (t *timer) start() { t.enabled, t.at = true, never }

// set lets the timer fire at a monotonic time. If it is already set for an earlier time, that one remains.
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

// setTimer sets the timer for the next due job, expired lease or removal.
func (q *Queue) setTimer(now timestamps) {
	t, at := q.jobs, int64(never)
	atWall := func(wall, longest int64) { at = min(at, now.mono+min(wall-now.wall, longest)) }
	if len(t.waiting) > 0 {
		atWall(t.waiting.earliest(), maxWait)
	}
	if len(t.leases) > 0 {
		at = min(at, t.leases.earliest())
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

// maxCrashesPerLock is the maximum number of crashes that are handled before other calls get the lock.
const maxCrashesPerLock = 100

// timerFired is called by the timer, without the lock.
func (q *Queue) timerFired() {
	q.mu.Lock()
	q.timer.at = never
	need := 0
	if now, _ := q.clock.now(); q.jobs.leases.earliest() <= now.mono {
		need = min(maxCrashesPerLock, len(q.jobs.leases)) * (changeBytes + crashBytes)
	}
	now, err := q.begin(need, false)
	if err != nil {
		// The disk may be full: try again later.
		now, _ = q.clock.now()
		q.timer.set(now.mono+maxWait, now.mono)
		q.mu.Unlock()
		return
	}
	for range need / (changeBytes + crashBytes) {
		if q.jobs.leases.earliest() > now.mono {
			break
		}
		q.crash(q.jobs.leases[0].i, now, "its lease expired")
	}
	_ = q.commit(now) // if it fails, the crashes are rolled back and the timer fires again
}

// sweep removes finished jobs if they are older than their retention or if there are more than KeepMost. It removes at most
// maxDuePerLock jobs of each kind.
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

// removeFinished removes a finished job now or, if it still holds its unique key, when that is free.
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
