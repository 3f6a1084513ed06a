package check

import (
	"cmp"
	"slices"
	"time"

	"github.com/actionhero-go/actionhero/internal/chaos/history"
)

// newT4: no start while a run of the job has a node with a fresh pulse.
func newT4(w *world) observer {
	return observer{see: func(e, _ *history.Event) {
		j := w.jobs.byNumber[e.Number]
		if e.Kind != history.KindStart || j == nil || j.another(e.ID) {
			return
		}
		for i := range j.runs {
			r := &j.runs[i]
			// A lower fence is a late start, which T3 judges. A dead process runs nothing.
			if r.asked == 0 && r.fence < e.Fence && !w.deadBy(r.proc, e.At) {
				w.judgePulse(j, r, e)
			}
		}
	}}
}

// deadBy reports whether the process may be dead: its kill has begun, or it has stopped.
func (w *world) deadBy(proc int32, at time.Duration) bool {
	if w.procs[proc].bye {
		return true
	}
	for _, i := range w.faults.byProc[proc] {
		if f := &w.faults.list[i]; f.Kind == history.FaultKill && f.from <= at {
			return true
		}
	}
	return false
}

// standstill returns how much of the time from…to the guarded clock may have stood still: the servers had an outage, and no
// pulse of any node was answered for a second. A fault of a server may end for nodes before the fault heals.
func (w *world) standstill(from, to time.Duration) (sum time.Duration) {
	const pulsing = time.Second
	first, _ := slices.BinarySearch(w.beats, from)
	for _, beat := range append(slices.Clip(w.beats[first:]), to) {
		if beat-from > pulsing {
			sum += w.faults.outage(from, min(beat, to))
		}
		from = beat
	}
	return sum
}

// judgePulse subtracts outages, because the guarded clock stands still meanwhile. Each jump beyond the first may move
// that clock by 2 s.
func (w *world) judgePulse(j *job, r *run, e *history.Event) {
	pulse, ok := w.pulses[r.inc]
	if !ok {
		return
	}
	age := e.At - pulse - w.standstill(pulse, e.At)
	if age >= freshPulse {
		return
	}
	if e.At-pulse >= freshPulse && w.faults.severalServers() {
		w.except("T4", "one of several servers was away, and the run may belong to another one", r.ref, refOf(e))
		return
	}
	jumps := w.faults.jumps(pulse-reconnecting, e.At)
	if age >= leaseTime-pulseMargin-time.Duration(jumps)*jumpCost {
		w.except("T4", "several jumps of the clock within one lease", r.ref, refOf(e))
		return
	}
	if f := w.forgetsRun(certain{at: r.at}); f != nil && w.faults.ofNode(r.proc, r.at, f.settled()) != nil {
		w.except("T4", "servers lost the run, and its node could not tell them", r.ref, f.ref, refOf(e))
		return
	}
	w.accuse("T4", "a job starts although its run had a pulse "+age.Round(time.Millisecond).String()+" before, outages subtracted", r.ref, refOf(e))
}

// newT5: without a fault of the run's own node there is one start for each outcome, no lost run and no crash.
func newT5(w *world) observer {
	return observer{see: func(e, intent *history.Event) {
		switch e.Kind {
		case history.KindStart:
			if j := w.jobs.byNumber[e.Number]; j != nil && !j.another(e.ID) {
				w.judgeRestart(j, e)
			}
		case history.KindFinish:
			if e.Outcome != history.Lost && e.Outcome != history.Absent {
				return
			}
			if j := w.jobs.byID[e.ID]; j != nil {
				if r := j.run(e.Fence); r != nil && w.undisturbed(r, e.At) && j.end == 0 {
					w.judgeLost(j, r, e, intent)
				}
			}
		}
	}}
}

func (w *world) judgeLost(j *job, r *run, e, intent *history.Event) {
	if intent != nil && r.askedRef != refOf(intent) && !r.asked.Ended() && j.maxFence > r.fence {
		w.except("T5", "a result was stored without an answer, and its repeat came after a later run", r.askedRef, refOf(e))
		return
	}

	if f := w.forgetsRun(certain{at: r.at}); f != nil && j.wanted[history.Cancelled] {
		w.except("T5", "servers lost a run, and a Cancel came before its node could give it back", r.ref, f.ref, refOf(e))
		return
	}
	w.accuseLate("T5", "a run is lost although its node had no fault", r.ref, refOf(e))
}

// undisturbed reports whether the node of a run has had no fault since the run, or the lease before it, began.
func (w *world) undisturbed(r *run, until time.Duration) bool {
	return !w.deadBy(r.proc, until) && w.faults.ofNode(r.proc, w.leaseBefore(r.at), until) == nil
}

// leaseBefore returns the begin of the lease that may end at this time. Outages stretch it, and a command of a dead node
// may lie in a socket meanwhile.
func (w *world) leaseBefore(at time.Duration) time.Duration {
	return at - leaseTime - reconnecting - w.faults.outage(at-time.Minute, at)
}

func (w *world) judgeRestart(j *job, e *history.Event) {
	for i := range j.runs {
		r := &j.runs[i]
		if r.fence >= e.Fence || !w.undisturbed(r, e.At) {
			continue
		}
		if r.asked == 0 {
			w.accuseLate("T5", "a job starts again although the node of its run had no fault", r.ref, refOf(e))
		} else if r.asked == history.Completed {
			w.accuseLate("T5", "a job starts again although its run is completed and its node had no fault", r.askedRef, refOf(e))
		}
	}
	if e.Count > 0 && w.faults.anyNode(w.leaseBefore(j.asked.at), e.At) == nil {
		w.accuseLate("T5", "a job has crashed although no node had a fault", j.asked.ref, refOf(e))
	}
}

// orphan is a run whose process was killed.
type orphan struct {
	job    *job
	run    run
	kill   ref
	waited time.Duration
}

// over reports whether the process still finished its run before it died.
func (o *orphan) over() bool {
	r := o.job.run(o.run.fence)
	return r == nil || r.asked != 0
}

// newT6: orphans start again, and exclusive runs do not overlap.
func newT6(w *world) observer {
	var waiting []orphan
	next := 0 // the next kill of the list of faults
	var looked time.Duration
	look := func(at time.Duration) {
		if at-looked < sampling && at != w.last {
			return
		}
		step := at - looked
		looked = at
		waiting = w.wait(waiting, step, at)
	}
	return observer{see: func(e, _ *history.Event) {
		for ; next < len(w.faults.list) && w.faults.list[next].from <= e.At; next++ {
			// Kills join when they have begun; the wait counts from their end.
			if f := &w.faults.list[next]; f.Kind == history.FaultKill {
				waiting = append(waiting, w.orphansOf(f)...)
			}
		}
		if len(waiting) > 0 {
			look(e.At)
		} else {
			looked = e.At
		}
		if e.Kind != history.KindStart {
			return
		}
		kept := waiting[:0]
		for _, o := range waiting {
			if o.job.number != e.Number {
				kept = append(kept, o)
			} else if !o.over() {
				w.report.Orphans++
				w.report.LongestOrphan = max(w.report.LongestOrphan, o.waited)
			}
		}
		waiting = kept
		if j := w.jobs.byNumber[e.Number]; j != nil && w.tasks[j.task].Exclusive {
			w.judgeExclusive(j, e)
		}
	}}
}

// orphansOf lists the runs that a kill ends. It walks over all jobs, which kills are rare enough for.
func (w *world) orphansOf(f *window) (list []orphan) {
	for _, j := range w.jobs.byNumber {
		if j.end != 0 || j.wanted[history.Cancelled] {
			continue
		}
		for _, r := range j.runs {
			if r.proc == f.proc && r.asked == 0 && r.fence == j.maxFence {
				list = append(list, orphan{job: j, run: r, kill: f.ref})
			}
		}
	}
	slices.SortFunc(list, func(a, b orphan) int { return cmp.Compare(a.job.number, b.job.number) })
	return list
}

// wait adds the time in which a worker was free and servers answered, and accuses those that waited too long.
func (w *world) wait(list []orphan, step, at time.Duration) []orphan {
	answering := w.faults.answering(at) && w.faults.answering(at-step)
	kept := list[:0]
	for _, o := range list {
		if answering && at-step >= w.procs[o.run.proc].died && w.canRun(o.job.task, at) {
			o.waited += max(0, step-w.faults.stalledIn(at-step, at))
		}
		switch {
		case o.job.end != 0 || o.job.wanted[history.Cancelled] || o.over():
		case o.waited <= orphanTime:
			kept = append(kept, o)
		case w.diedByCrashes(o.job):
			w.except("T6", "the orphan is dead after its last crash, which T8 judges", o.run.ref, o.kill)
		default:
			if g := w.forgotten(taken(certain{at: o.run.at, proc: o.run.proc})); g != nil {
				w.except("T6", "servers lost the run, together with its node", o.run.ref, o.kill, g.ref)
				continue
			}
			w.accuseLate("T6", "an orphan does not start within 12 s although a worker was free", o.run.ref, o.kill)
		}
	}
	return kept
}

func (w *world) diedByCrashes(j *job) bool {
	if w.lastCrash(j) {
		return true
	}
	if w.options.Dump == nil {
		return false
	}
	for s := range w.options.Dump.Shards {
		for i := range w.options.Dump.Shards[s].Jobs {
			if r := &w.options.Dump.Shards[s].Jobs[i]; r.Number == j.number {
				return r.State == "dead"
			}
		}
	}
	return false
}

// lastCrash reports whether the node of the last run had a fault, and one more crash makes the job dead.
func (w *world) lastCrash(j *job) bool {
	limit := w.tasks[j.task].MaxCrashes
	return limit > 0 && j.crashes+1 >= limit && j.starts > 0 && w.faults.ofNode(j.lastStart.proc, j.lastStart.at, w.last) != nil
}

// judgeExclusive looks at the runs of an exclusive task that are still under way when another starts.
func (w *world) judgeExclusive(j *job, e *history.Event) {
	for i := range j.runs {
		r := &j.runs[i]
		if r.asked != 0 || r.ctxEnded || r.fence >= e.Fence || w.deadBy(r.proc, e.At) {
			continue
		}
		if f := w.faults.stopped(r.proc, w.pulses[r.inc], e.At); f != nil {
			w.except("T6", "an exclusive run overlaps because its process was stopped", r.ref, f.ref, refOf(e))
			continue
		}
		w.accuseLate("T6", "an exclusive job starts before the context of its run has ended", r.ref, refOf(e))
	}
}
