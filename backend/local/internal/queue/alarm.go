package queue

import (
	"sync"
	"time"
)

// The longest that the alarm waits, in milliseconds: nobody tells when the wall clock is set, so it is looked at while
// jobs wait for it. A job due sooner is not kept waiting by this.
const (
	longestWait  = 1000
	longestSweep = 60_000 // while jobs only wait to be removed
)

// atOnce is how many jobs at most are looked at because of the time, before others get the lock. The alarm rings at once
// if there are more.
const atOnce = 4096

// alarm is the one timer of a queue. It is set only while there is something to come. The queue's lock guards it.
type alarm struct {
	ring    func()
	on      bool
	at      int64 // the moment for which it is set, or never
	timer   *time.Timer
	running sync.WaitGroup // one while it is set or rings
}

func (a *alarm) start() { a.on, a.at = true, never }

// set makes it ring at a moment, or earlier.
func (a *alarm) set(at, now int64) {
	if !a.on || at >= a.at {
		return
	}
	a.unset()
	a.at = at
	a.running.Add(1)
	a.timer = time.AfterFunc(time.Duration(max(at-now, 0))*time.Millisecond, func() {
		defer a.running.Done()
		a.ring()
	})
}

func (a *alarm) unset() {
	if a.at = never; a.timer != nil && a.timer.Stop() {
		a.running.Done()
	}
	a.timer = nil
}

// setAlarm sets the alarm for what comes next.
func (q *Queue) setAlarm(now moments) {
	t, at := q.jobs, int64(never)
	in := func(wall, longest int64) { at = min(at, now.moment+min(wall-now.wall, longest)) }
	if len(t.waiting) > 0 {
		in(t.waiting.next(), longestWait)
	}
	if len(t.leases) > 0 {
		at = min(at, t.leases.next())
	}
	if len(t.holding) > 0 {
		in(t.holding.next(), longestSweep)
	}
	if t.ended.n > q.cfg.KeepMost || t.buried.n > q.cfg.KeepMost {
		at = now.moment
	}
	if t.ended.n > 0 {
		in(t.at(t.ended.first).until+q.cfg.KeepCompleted.Milliseconds(), longestSweep)
	}
	if t.buried.n > 0 {
		in(t.at(t.buried.first).until+q.cfg.KeepFailed.Milliseconds(), longestSweep)
	}
	if at != never {
		q.alarm.set(at, now.moment)
	}
}

// crashesAtOnce is how many leases end at once before others get the lock.
const crashesAtOnce = 100

// wake is called when the alarm rings.
func (q *Queue) wake() {
	q.mu.Lock()
	q.alarm.at = never
	need := 0
	if now, _ := q.clock.now(); q.jobs.leases.next() <= now.moment {
		need = min(crashesAtOnce, len(q.jobs.leases)) * (changeBytes + crashBytes)
	}
	now, err := q.begin(need, false)
	if err != nil {
		// The disk is full, say: see whether that is over.
		now, _ = q.clock.now()
		q.alarm.set(now.moment+longestWait, now.moment)
		q.mu.Unlock()
		return
	}
	for range need / (changeBytes + crashBytes) {
		if q.jobs.leases.next() > now.moment {
			break
		}
		q.crash(q.jobs.leases[0].i, now, "its lease ended")
	}
	_ = q.commit(now) // a lease whose end could not be kept has not ended, and the alarm rings again
}

// sweep removes jobs that were kept for long enough, and some that are too many.
func (q *Queue) sweep(now moments) {
	t := q.jobs
	for _, l := range []struct {
		list *list
		keep time.Duration
	}{{&t.ended, q.cfg.KeepCompleted}, {&t.buried, q.cfg.KeepFailed}} {
		for range atOnce {
			if l.list.n == 0 || l.list.n <= q.cfg.KeepMost && t.at(l.list.first).until+l.keep.Milliseconds() > now.wall {
				break
			}
			q.retire(l.list.first, now)
		}
	}
	for range atOnce {
		if t.holding.next() > now.wall {
			break
		}
		q.remove(t.holding[0].i)
	}
}

// retire removes a job that has ended, at once or when its unique key is free.
func (q *Queue) retire(i slot, now moments) {
	t, e := q.jobs, q.jobs.at(i)
	until := t.keys.list[e.key].until
	if t.keys.holders[t.keys.list[e.key].text] != i || until <= now.wall {
		q.remove(i)
		return
	}
	t.detach(i)
	t.countUp(e, 1)
	e.where = holding
	t.holding.push(&t.slab, i, until)
}
