package queue

import (
	"cmp"
	"slices"
)

// rebuild inserts all jobs into their lists and heaps again. It is called after the jobs were read from disk, and when
// the wall clock was set.
func (t *table) rebuild(now int64) {
	t.waiting, t.uniqueHeld, t.finished, t.dead, t.crashedRunning = nil, nil, list{}, list{}, 0
	t.counts, t.bytes, t.work = counts{}, 0, 0
	clear(t.keys.holders)
	for i := range t.queues.list {
		s := &t.queues.list[i].value
		*s = queueState{watchers: s.watchers}
	}
	for i := range t.tasks.list {
		t.tasks.list[i].value = counts{}
	}
	var due, finished []slot
	t.walk(0, false, func(i slot) bool {
		e := t.at(i)
		e.in, e.prevOrIndex, e.next = inNone, 0, 0
		switch {
		case e.waits() && e.runAt <= now:
			due = append(due, i)
		case e.state.Finished():
			finished = append(finished, i)
		default:
			t.attach(i, now)
		}
		return true
	})
	t.attachSorted(due, now, func(e *entry) int64 { return e.runAt })
	t.attachSorted(finished, now, func(e *entry) int64 { return e.endsAt })
}

// attachSorted sorts the entries by a time, and attaches them to their lists and heaps in this order. The argument by
// is the function that returns this time of an entry. The caller passes the entries in the order of ids; entries with
// the same time stay in that order.
func (t *table) attachSorted(entries []slot, now int64, by func(e *entry) int64) {
	order := func(a, b slot) int { return cmp.Compare(by(t.at(a)), by(t.at(b))) }
	if !slices.IsSortedFunc(entries, order) {
		slices.SortStableFunc(entries, order)
	}
	for _, i := range entries {
		t.attach(i, now)
	}
}

// shiftClock adapts the table to a wall clock that was set forward by the given number of milliseconds, or back if the
// number is negative. The argument now is the wall time after the clock was set.
func (t *table) shiftClock(by, now int64) {
	t.shiftTimes(by)
	t.rebuild(now)
}

// shiftTimes adds a number of milliseconds to all times that came from a duration: the runAt of delayed jobs, and the
// times until which jobs hold unique keys. The caller must call rebuild afterwards.
func (t *table) shiftTimes(by int64) {
	t.walk(0, false, func(i slot) bool {
		if e := t.at(i); e.waits() && e.has(relative) {
			e.runAt += by
		}
		return true
	})
	for n := range t.keys.list {
		if k := &t.keys.list[n]; k.until != 0 {
			k.until += by
		}
	}
}
