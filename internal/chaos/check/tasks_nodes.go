package check

import (
	"time"

	"github.com/actionhero-go/actionhero/internal/chaos/history"
)

// newT9: cancelled jobs, and tasks that only some nodes know.
func newT9(w *world) observer {
	a := &arrivals{w: w, waiting: map[string]int{}, demands: map[string]*arrival{}}
	return observer{see: func(e, intent *history.Event) {
		if e.Kind == history.KindStart {
			w.judgeCancelled(e)
			if _, knows := w.procs[e.Proc].knows[e.Subject]; !knows {
				w.accuse("T9", "a node starts a task that it does not know", refOf(e))
			}
		}
		a.see(e, intent)
	}}
}

func (w *world) judgeCancelled(e *history.Event) {
	j := w.jobs.byNumber[e.Number]
	if j == nil || j.cancelState == 0 || j.cancelState == history.Running && e.Fence <= j.cancelFence {
		return
	}
	if j.cancelState != history.Running && j.cancelState != history.Cancelled {
		return // it had ended before, which T2 judges
	}
	if f := w.faults.forgets(j.cancelled.from, j.cancelled.at); f != nil {
		w.except("T9", "servers lost the Cancel", j.cancelled.ref, f.ref, refOf(e))
		return
	}
	w.accuse("T9", "a cancelled job starts", j.cancelled.ref, refOf(e))
}

// arrival is a demand: a node knows a task for which jobs wait and that no other node knew.
type arrival struct {
	proc   int32
	since  certain
	waited time.Duration
	looked time.Duration
}

// arrivals counts for each task the jobs that wait and have never started.
type arrivals struct {
	w       *world
	waiting map[string]int
	demands map[string]*arrival
}

func (a *arrivals) see(e, intent *history.Event) {
	switch e.Kind {
	case history.KindEnqueue:
		if intent != nil && e.Outcome == history.OK && intent.Time == 0 {
			for i, n := range intent.Numbers {
				if j := a.w.jobs.byNumber[n]; j != nil && j.starts == 0 && i < len(e.IDs) && e.IDs[i] != 0 {
					a.waiting[intent.Subject]++
				}
			}
		}
	case history.KindStart:
		a.look(e)
		delete(a.demands, e.Subject)
		if j := a.w.jobs.byNumber[e.Number]; j != nil && j.starts == 0 && j.ack == acknowledged && !j.delayed && j.cancelState == 0 {
			a.waiting[e.Subject] = max(0, a.waiting[e.Subject]-1)
		}
	case history.KindCancel:
		if j := a.w.jobs.byNumber[e.Number]; j != nil && e.Outcome == history.OK && j.starts == 0 && j.ack == acknowledged && !j.delayed && j.cancelState == 0 {
			a.waiting[j.task] = max(0, a.waiting[j.task]-1)
		}
	case history.KindFaultBegin, history.KindFaultEnd:
		if a.w.faults.forgets(e.At, e.At) != nil { // some of the jobs may be gone
			clear(a.waiting)
			clear(a.demands)
		}
	case history.KindWorkers:
		for task := range a.w.procs[e.Proc].knows {
			a.arrive(task, e)
		}
	case history.KindKnows:
		if a.w.procs[e.Proc].workers > 0 {
			a.arrive(e.Subject, e)
		}
	}
	if len(a.demands) > 0 {
		a.look(e)
	}
}

func (a *arrivals) arrive(task string, e *history.Event) {
	if a.waiting[task] <= 0 || a.demands[task] != nil {
		return
	}
	for i := range a.w.procs {
		p := &a.w.procs[i]
		if _, knows := p.knows[task]; knows && int32(i) != e.Proc && e.At < p.died && p.workers > 0 {
			return // T6 and the order of the queue decide when they start
		}
	}
	a.demands[task] = &arrival{proc: e.Proc, since: certainOf(e), looked: e.At}
}

// look adds the time in which the node could have started a job.
func (a *arrivals) look(e *history.Event) {
	for task, d := range a.demands {
		step := e.At - d.looked
		if step < sampling && e.Kind != history.KindStart {
			continue
		}
		d.looked = e.At
		p := &a.w.procs[d.proc]
		if e.At >= p.died || a.waiting[task] <= 0 {
			delete(a.demands, task)
			continue
		}
		f := &a.w.faults
		if f.answering(e.At) && f.answering(e.At-step) && a.w.up(d.proc, e.At) && f.ofNode(d.proc, e.At-step, e.At) == nil && p.running < p.workers {
			d.waited += max(0, step-f.stalledIn(e.At-step, e.At))
		}
		if d.waited > arrivalTime {
			a.w.accuseLate("T9", "jobs wait for more than 2 s although a node came that knows their task", d.since.ref)
			delete(a.demands, task)
		}
	}
}
