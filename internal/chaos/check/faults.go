package check

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/actionhero-go/actionhero/internal/chaos/history"
)

const forever = time.Duration(math.MaxInt64)

// window is a fault with its begin and end.
type window struct {
	history.Fault
	from, to time.Duration
	proc     int32 // the target if it is a process of the history, else −1
	ref      ref
}

func (f *window) overlaps(from, to time.Duration) bool { return f.from <= to && from <= f.to }

// settled returns the time from which the servers and nodes work as before an outage: nodes have connected and pulsed
// again, and settling after a new server process is over.
func (f *window) settled() time.Duration {
	if f.to == forever {
		return forever
	}
	switch f.Kind {
	case history.FaultRedisRestart, history.FaultFailover, history.FaultSplit:
		return f.to + settling
	}
	return f.to + reconnecting
}

// clockStep is a new offset of Redis' wall clock, valid from a time on.
type clockStep struct{ from, offset time.Duration }

// faults are known before the laws see the first event.
type faults struct {
	list    []window // in the order of their begins, once sealed
	stalls  []window // times in which a process or a server got no processor, in the order of their ends
	clock   []clockStep
	lastEnd time.Duration // of all faults, forever if one never ends
	byProc  map[int32][]int
	outages []int
	lossy   []int
	steps   []int
	stalled time.Duration // the time in which at least one process or server got no processor; no fault of the plan included
}

// index adds the i-th fault to the lists by kind.
func (f *faults) index(i int) {
	w := &f.list[i]
	if w.proc >= 0 {
		f.byProc[w.proc] = append(f.byProc[w.proc], i)
	}
	if w.Kind.Outage() {
		f.outages = append(f.outages, i)
	}
	if w.Lossy {
		f.lossy = append(f.lossy, i)
	}
	if w.Kind == history.FaultStep || w.Kind.Outage() {
		f.steps = append(f.steps, i)
	}
}

// seal is called when all windows have their ends. A long stall counts as a pause that the machine has made, unless its
// process was stopped, or its server was away, anyway.
func (f *faults) seal() {
	made := len(f.list)
	f.stalls = slices.DeleteFunc(f.stalls, func(s window) bool { return f.made(s, made) })
	for _, s := range f.stalls {
		if s.to-s.from >= longStall {
			f.list = append(f.list, s)
		}
	}
	f.stalled = union(f.stalls)
	slices.SortStableFunc(f.list, func(a, b window) int { return cmp.Compare(a.from, b.from) })
	for i := range f.list {
		f.index(i)
		f.lastEnd = max(f.lastEnd, f.list[i].to)
	}
}

// union returns the length of all windows together, in which each moment counts once.
func union(windows []window) (sum time.Duration) {
	list := slices.Clone(windows)
	slices.SortFunc(list, func(a, b window) int { return cmp.Compare(a.from, b.from) })
	covered := time.Duration(math.MinInt64)
	for _, w := range list {
		if begin := max(w.from, covered); w.to > begin {
			sum += w.to - begin
			covered = w.to
		}
	}
	return sum
}

// made reports whether one of the first n faults has caused the stall.
func (f *faults) made(stall window, n int) bool {
	for i := range f.list[:n] {
		if w := &f.list[i]; w.overlaps(stall.from, stall.to) && (w.proc == stall.proc && w.proc >= 0 || w.Kind.Outage() && stall.proc < 0) {
			return true
		}
	}
	return false
}

// stalledIn returns how much of the time from…to some process or server got no processor.
func (f *faults) stalledIn(from, to time.Duration) (sum time.Duration) {
	for i := len(f.stalls) - 1; i >= 0 && f.stalls[i].to > from; i-- {
		if s := &f.stalls[i]; s.from < to {
			sum += min(s.to, to) - max(s.from, from)
		}
	}
	return sum
}

// quiet reports whether no fault lasts, begins or ended within the time before from.
func (f *faults) quiet(from, to, before time.Duration) bool {
	for i := range f.list {
		w := &f.list[i]
		if w.from <= to && (w.to == forever || w.to+before > from) {
			return false
		}
	}
	return true
}

// answering reports whether the servers work for nodes at this time.
func (f *faults) answering(at time.Duration) bool {
	for _, i := range f.outages {
		if w := &f.list[i]; w.from <= at && at < w.settled() {
			return false
		}
	}
	return true
}

// outage returns how much of the time from…to servers did not answer.
func (f *faults) outage(from, to time.Duration) (sum time.Duration) {
	covered := from
	for _, i := range f.outages { // in the order of their begins
		w := &f.list[i]
		begin, end := max(w.from, covered), min(w.to, to)
		if end > begin {
			sum += end - begin
			covered = end
		}
	}
	return sum
}

// severalServers reports whether outages hit more than one server, as in a Cluster, where each has the runs of other shards.
func (f *faults) severalServers() bool {
	for _, i := range f.outages {
		if f.list[i].Target != f.list[f.outages[0]].Target {
			return true
		}
	}
	return false
}

// jumps counts the faults that can move the guarded clock by up to 2 s each.
func (f *faults) jumps(from, to time.Duration) (n int) {
	for _, i := range f.steps {
		if f.list[i].overlaps(from, to) {
			n++
		}
	}
	return n
}

// ofNode returns a fault of the process that can cost it its runs and that touches the time from…to, or nil.
func (f *faults) ofNode(proc int32, from, to time.Duration) *window {
	for _, i := range f.byProc[proc] {
		if w := &f.list[i]; w.Kind.Node() && w.overlaps(from, to) {
			return w
		}
	}
	return nil
}

// stopped returns a pause of the process that touches the time from…to, or nil.
func (f *faults) stopped(proc int32, from, to time.Duration) *window {
	for _, i := range f.byProc[proc] {
		if w := &f.list[i]; w.Kind == history.FaultPause && w.overlaps(from, to) {
			return w
		}
	}
	return nil
}

// anyNode returns a fault of any node that touches the time from…to, or nil.
func (f *faults) anyNode(from, to time.Duration) *window {
	for i := range f.list {
		if w := &f.list[i]; w.Kind.Node() && w.overlaps(from, to) {
			return w
		}
	}
	return nil
}

// forgets returns the fault by which servers may have lost an effect that happened between two times, or nil.
func (f *faults) forgets(from, to time.Duration) *window {
	for _, i := range f.lossy {
		if w := &f.list[i]; w.from-lossBefore <= to && from <= w.to {
			return w
		}
	}
	return nil
}

// wall returns the latest time that Redis' wall clock showed in the minute before at, in Unix nanoseconds. It returns
// false if no clock is recorded.
func (f *faults) wall(at time.Duration) (int64, bool) {
	latest, found := int64(math.MinInt64), false
	for i, c := range f.clock {
		until := at
		if i+1 < len(f.clock) {
			until = min(at, f.clock[i+1].from)
		}
		if c.from > at || until < at-time.Minute {
			continue
		}
		// A step is recorded after it was made, so it counts from the begin of its fault.
		latest, found = max(latest, int64(until+c.offset)), true
	}
	for _, i := range f.steps {
		if w := &f.list[i]; w.Kind == history.FaultStep && w.overlaps(at-time.Minute, at) && found {
			latest = max(latest, int64(at+f.offsetAfter(w)))
		}
	}
	return latest, found
}

// offsetAfter returns the largest offset that is recorded within the fault.
func (f *faults) offsetAfter(w *window) time.Duration {
	offset := time.Duration(math.MinInt64) / 2
	for _, c := range f.clock {
		if w.from <= c.from && c.from <= w.to {
			offset = max(offset, c.offset)
		}
	}
	return offset
}
