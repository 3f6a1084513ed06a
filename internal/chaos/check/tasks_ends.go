package check

import (
	"github.com/actionhero-go/actionhero/internal/chaos/history"
)

// newT1: each acknowledged job has an end that a run or a Cancel wanted.
func newT1(w *world) observer {
	return observer{end: func() {
		if w.options.Dump == nil && !w.options.Partial {
			w.accuse("T1", "there is no dump of the store")
			return
		}
		records := recordsOf(w.options.Dump)
		w.jobs.all(func(j *job) {
			if j.ack == acknowledged && j.end == 0 {
				w.judgeEnd(j, records[j.number])
			}
		})
	}}
}

func recordsOf(d *history.Dump) map[uint64]*history.Job {
	records := map[uint64]*history.Job{}
	if d != nil {
		for s := range d.Shards {
			for i := range d.Shards[s].Jobs {
				j := &d.Shards[s].Jobs[i]
				records[j.Number] = j
			}
		}
	}
	return records
}

// judgeEnd judges an acknowledged job without an outcome that ends it.
func (w *world) judgeEnd(j *job, record *history.Job) {
	state := ""
	if record != nil {
		state = record.State
	}
	lastRun := ref{}
	if len(j.runs) > 0 {
		lastRun = j.runs[len(j.runs)-1].ref
	}
	switch {
	case state == "completed" && j.wanted[history.Completed], state == "cancelled" && j.wanted[history.Cancelled],
		state == "dead" && j.wanted[history.Dead]:
		w.except("T1", "the outcome is unknown to its node, and the store has it", j.acked.ref, lastRun)
	case state == "dead" && record.Crashes >= max(1, w.tasks[j.task].MaxCrashes):
		w.except("T1", "dead by crashes, which T8 judges", j.acked.ref, lastRun)
	case state != "" && state != "completed" && state != "cancelled" && state != "dead":
		w.accuseLate("T1", "an acknowledged job is "+state+" in the store at the end", j.acked.ref, lastRun)
	case state != "":
		w.accuse("T1", "an acknowledged job is "+state+" in the store at the end, which no run or Cancel stored", j.acked.ref, lastRun)
	case j.wanted[history.Completed] || j.wanted[history.Cancelled] || j.wanted[history.Dead]:
		w.except("T1", "the outcome is unknown, and the store has dropped the record", j.acked.ref, lastRun)
	case w.lastCrash(j):
		w.except("T1", "the job has crashed for the last time, and the store has dropped the record", j.acked.ref, lastRun)
	default:
		// The node of a run that the servers lost gives the job back, as the node that enqueued it does.
		if f := w.forgotten(j.acked); f != nil && (j.starts == 0 || w.forgotten(taken(j.lastStart)) != nil) {
			w.except("T1", "servers lost the job, together with its node", j.acked.ref, f.ref)
			return
		}
		w.accuse("T1", "an acknowledged job has no end and no record", j.acked.ref, lastRun)
	}
}

// newT2: no start after a recorded end.
func newT2(w *world) observer {
	return observer{see: func(e, _ *history.Event) {
		if e.Kind != history.KindStart {
			return
		}
		j := w.jobs.byNumber[e.Number]
		if j == nil || j.end != history.Completed && j.end != history.Dead || j.another(e.ID) {
			return
		}
		if e.Fence < j.endFence {
			w.lateStart("T2", e, j.ended)
			return
		}
		if f := w.forgotten(j.ended); f != nil {
			w.except("T2", "servers lost the end, together with its node", j.ended.ref, f.ref, refOf(e))
			return
		}
		w.accuse("T2", "a job starts after its end was recorded", j.ended.ref, refOf(e))
	}}
}

// lateStart judges a start whose fence is lower than the fence of an event before. The servers gave out this run before
// that event, so the start is late: its process was stopped or cut off in between.
func (w *world) lateStart(law string, e *history.Event, before certain) {
	if f := w.faults.ofNode(e.Proc, before.at-leaseTime-reconnecting, e.At); f != nil {
		w.except(law, "a start that its process recorded late", before.ref, f.ref, refOf(e))
		return
	}
	w.accuse(law, "a run with a lower fence starts, and its process was never stopped", before.ref, refOf(e))
}

// newT3: fences rise, a run starts once, and no result of a lower fence is stored.
func newT3(w *world) observer {
	started := map[[2]uint64]ref{}
	return observer{see: func(e, intent *history.Event) {
		switch e.Kind {
		case history.KindStart:
			key := [2]uint64{e.ID, e.Fence}
			if first, twice := started[key]; twice {
				w.accuse("T3", "a run starts twice", first, refOf(e))
				return
			}
			started[key] = refOf(e)
			if j := w.jobs.byNumber[e.Number]; j != nil && e.Fence <= j.maxFence && !j.another(e.ID) {
				w.judgeLowFence(j, e)
			}
		case history.KindFinish:
			j := w.jobs.byID[e.ID]
			if intent == nil || e.Outcome != history.OK || j == nil || j.maxFence <= e.Fence || j.lastStart.at >= intent.At {
				return
			}
			if f := w.forgetsRun(j.lastStart); f != nil {
				w.except("T3", "servers lost a later run", j.maxRef, f.ref, refOf(e))
				return
			}
			w.accuse("T3", "the result of a run is stored although a later run has started", j.maxRef, refOf(intent), refOf(e))
		}
	}}
}

func (w *world) judgeLowFence(j *job, e *history.Event) {
	if f := w.forgetsRun(j.lastStart); f != nil && w.stepNear(f) {
		w.except("T3", "a failover lost the fence, and the new server's clock was behind", j.maxRef, f.ref, refOf(e))
		return
	}
	w.lateStart("T3", e, certain{ref: j.maxRef, from: j.lastStart.from, at: j.lastStart.at, proc: j.lastStart.proc})
}

// forgetsRun returns the fault by which servers may have lost the Take of a run, or nil.
func (w *world) forgetsRun(start certain) *window {
	c := taken(start)
	return w.faults.forgets(c.from, c.at)
}

// stepNear reports whether a clock step touches the fault and its settling.
func (w *world) stepNear(f *window) bool {
	for _, i := range w.faults.steps {
		if s := &w.faults.list[i]; s.Kind == history.FaultStep && s.overlaps(f.from-lossBefore, f.settled()) {
			return true
		}
	}
	return false
}
