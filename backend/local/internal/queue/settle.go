package queue

import (
	"cmp"
	"slices"
)

// settle puts all jobs where they belong, whatever their places were: after they were read from disk, and when the wall
// clock was set. It is the only thing that looks at all jobs.
func (t *table) settle(now int64) {
	t.waiting, t.leases, t.holding, t.ended, t.buried, t.probing = nil, nil, nil, list{}, list{}, 0
	t.counts, t.bytes = counts{}, 0
	clear(t.keys.holders)
	for i := range t.queues.list {
		s := &t.queues.list[i].value
		*s = queueState{watchers: s.watchers}
	}
	for i := range t.tasks.list {
		t.tasks.list[i].value = counts{}
	}
	var due, over []slot
	t.walk(0, false, func(i slot) bool {
		e := t.at(i)
		e.where, e.place, e.next = nowhere, 0, 0
		switch {
		case e.waits() && e.runAt <= now:
			due = append(due, i)
		case e.state.Finished():
			over = append(over, i)
		default:
			t.attach(i, now)
		}
		return true
	})
	t.attachBy(due, now, func(e *entry) int64 { return e.runAt })
	t.attachBy(over, now, func(e *entry) int64 { return e.until })
}

// attachBy attaches entries in the order of a time, and those of one time by id, which is how they come.
func (t *table) attachBy(entries []slot, now int64, by func(e *entry) int64) {
	order := func(a, b slot) int { return cmp.Compare(by(t.at(a)), by(t.at(b))) }
	if !slices.IsSortedFunc(entries, order) {
		slices.SortStableFunc(entries, order)
	}
	for _, i := range entries {
		t.attach(i, now)
	}
}

// shift follows the wall clock, which was set by some milliseconds.
func (t *table) shift(by, now int64) {
	t.move(by)
	t.settle(now)
}

// move moves along what waits for a time to pass. The table must be settled then.
func (t *table) move(by int64) {
	t.walk(0, false, func(i slot) bool {
		if e := t.at(i); e.waits() && e.is(relative) {
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
