package check

import (
	"time"

	"github.com/actionhero-go/actionhero/internal/chaos/history"
)

// newT7: one job for each number, and none for a refused one.
func newT7(w *world) observer {
	return observer{
		see: func(e, intent *history.Event) {
			switch {
			case e.Kind == history.KindStart:
				w.judgeIdentity(e)
			case e.Kind == history.KindEnqueue && intent != nil && e.Outcome == history.OK:
				for i, id := range e.IDs {
					if i < len(intent.Numbers) && id != 0 {
						w.judgeID(intent.Numbers[i], id, e)
					}
				}
			}
		},
		end: func() { w.judgeRecords() },
	}
}

func (w *world) judgeIdentity(e *history.Event) {
	j := w.jobs.byNumber[e.Number]
	switch {
	case j == nil || j.asked.ref.line == 0:
		w.accuse("T7", "a job starts whose number was never enqueued", refOf(e))
		return
	case j.ack == refused:
		w.accuse("T7", "a job starts whose enqueueing was refused", j.acked.ref, j.asked.ref, refOf(e))
	}
	w.judgeID(e.Number, e.ID, e)
}

func (w *world) judgeID(number, id uint64, e *history.Event) {
	if j := w.jobs.byNumber[number]; j != nil && j.id != 0 && j.id != id {
		if f := w.sentAgain(j); f != nil {
			w.except("T7", "servers lost a job whose Enqueue was under way, and it was sent again", j.asked.ref, f.ref, refOf(e))
			return
		}
		w.accuse("T7", "a number has two jobs", j.acked.ref, j.lastStart.ref, refOf(e))
	}
	if j := w.jobs.byID[id]; j != nil && j.number != number {
		w.accuse("T7", "two numbers have one job", j.asked.ref, refOf(e))
	}
}

// sentAgain returns the fault by which servers may have lost a job before its caller had the answer, or nil. The caller then
// sends the job again, which gets another id.
func (w *world) sentAgain(j *job) *window {
	until := j.acked.at
	if j.ack == pending {
		until = w.now
	}
	return w.faults.forgets(j.asked.at, until)
}

func (w *world) judgeRecords() {
	if w.options.Dump == nil {
		return
	}
	seen := map[uint64]uint64{}
	for s := range w.options.Dump.Shards {
		for _, r := range w.options.Dump.Shards[s].Jobs {
			j := w.jobs.byNumber[r.Number]
			if first, twice := seen[r.Number]; twice && first != r.ID && (j == nil || w.sentAgain(j) == nil) {
				w.accuse("T7", "the store has two jobs of one number")
			}
			seen[r.Number] = r.ID
			switch {
			case j == nil:
				w.accuse("T7", "the store has a job whose number was never enqueued")
			case j.ack == refused:
				w.accuse("T7", "the store has a job whose enqueueing was refused", j.acked.ref)
			case j.id != 0 && j.id != r.ID && w.sentAgain(j) == nil:
				w.accuse("T7", "the store has another job of a number than its caller", j.acked.ref, j.lastStart.ref)
			}
		}
	}
}

type tickKey struct {
	schedule string
	at       int64
}

// tick is one due time of a schedule.
type tick struct {
	number       uint64 // of the job that started
	started, won certain
	notWon       certain
	unknown      bool
}

// newT8: ticks and deaths.
func newT8(w *world) observer {
	t := &ticker{w: w, ticks: map[tickKey]*tick{}, of: map[uint64]tickKey{}, latest: map[string]int64{}}
	deaths := newDeaths(w)
	return observer{
		see: func(e, intent *history.Event) {
			t.see(e, intent)
			deaths.see(e)
		},
		end: func() {
			t.end()
			deaths.end()
		},
	}
}

// ticker holds the ticks of all schedules.
type ticker struct {
	w      *world
	ticks  map[tickKey]*tick
	order  []tickKey
	of     map[uint64]tickKey // number → tick
	latest map[string]int64   // the latest tick of each schedule that some call may have enqueued
}

func (t *ticker) see(e, intent *history.Event) {
	switch e.Kind {
	case history.KindTickIntent:
		key := tickKey{e.Subject, e.Time}
		if t.ticks[key] == nil {
			t.ticks[key] = &tick{}
			t.order = append(t.order, key)
		}
		t.of[e.Number] = key
	case history.KindTick:
		if intent != nil {
			t.answer(e, intent)
		}
	case history.KindStart:
		if key, ok := t.of[e.Number]; ok {
			t.start(key, e)
		}
	}
}

func (t *ticker) answer(e, intent *history.Event) {
	key := tickKey{intent.Subject, intent.Time}
	k := t.ticks[key]
	switch e.Outcome {
	case history.Won:
		if k.won.ref.line != 0 {
			t.double("a tick is won twice", k, e)
		}
		k.won = doneBy(e, intent)
		t.latest[key.schedule] = max(t.latest[key.schedule], key.at)
	case history.NotWon:
		k.notWon = certainOf(e)
	case history.Unknown:
		k.unknown = true
		t.latest[key.schedule] = max(t.latest[key.schedule], key.at)
	}
}

// double judges two jobs of one tick.
func (t *ticker) double(why string, k *tick, e *history.Event) {
	first := k.won
	if first.ref.line == 0 {
		first = k.started
	}
	if f := t.w.forgotten(first); f != nil {
		t.w.except("T8", "servers lost a tick, together with the node that won it", first.ref, f.ref, refOf(e))
		return
	}
	t.w.accuse("T8", why, k.won.ref, k.started.ref, refOf(e))
}

func (t *ticker) start(key tickKey, e *history.Event) {
	k := t.ticks[key]
	if k.number != 0 && k.number != e.Number {
		t.double("two jobs of one tick start", k, e)
	}
	if k.number == 0 {
		k.number, k.started = e.Number, certainOf(e)
	}
	if wall, ok := t.w.faults.wall(e.At); ok && wall+int64(clockSlack) < key.at {
		early := time.Duration(key.at - wall).Round(time.Millisecond)
		t.w.accuse("T8", "a tick starts "+early.String()+" before its time by Redis' clock", k.won.ref, refOf(e))
	}
}

// end looks for ticks that each caller believes another has won. A call that did not end may have won.
func (t *ticker) end() {
	open := map[tickKey]bool{}
	for _, c := range t.w.calls {
		if c.Kind == history.KindTickIntent {
			open[tickKey{c.Subject, c.Time}] = true
		}
	}
	for _, key := range t.order {
		k := t.ticks[key]
		if k.notWon.ref.line == 0 || k.won.ref.line != 0 || k.unknown || k.number != 0 || open[key] || t.latest[key.schedule] > key.at {
			continue
		}
		t.w.accuse("T8", "a tick has no job, and its callers got the answer that another had won it", k.notWon.ref)
	}
}

// deaths judges jobs that the store ended after crashes.
type deaths struct {
	w       *world
	crashes map[uint64]int
	order   []uint64
	runs    map[uint64][]run
}

func newDeaths(w *world) *deaths {
	d := &deaths{w: w, crashes: map[uint64]int{}, runs: map[uint64][]run{}}
	if w.options.Dump != nil {
		for s := range w.options.Dump.Shards {
			for _, r := range w.options.Dump.Shards[s].Jobs {
				if r.State == "dead" {
					d.crashes[r.Number] = r.Crashes
					d.order = append(d.order, r.Number)
				}
			}
		}
	}
	return d
}

func (d *deaths) see(e *history.Event) {
	if e.Kind != history.KindStart {
		return
	}
	if _, dead := d.crashes[e.Number]; dead {
		d.runs[e.Number] = append(d.runs[e.Number], run{fence: e.Fence, at: e.At, ref: refOf(e), proc: e.Proc})
	}
}

func (d *deaths) end() {
	for _, number := range d.order {
		j := d.w.jobs.byNumber[number]
		if j == nil || j.wanted[history.Dead] {
			continue // T7 judges the first
		}
		d.judge(j, d.runs[number])
	}
}

// judge counts the deaths that can have crashed the job: a node died while it ran the job, or while no node is known to
// run it, for a node may die between Take and the line of the start. Long pauses and cuts count apart.
func (d *deaths) judge(j *job, runs []run) {
	limit := max(1, d.w.tasks[j.task].MaxCrashes)
	kills, stops := 0, 0
	refs := []ref{j.asked.ref}
	for i := range d.w.faults.list {
		f := &d.w.faults.list[i]
		if !f.Kind.Node() || f.to < j.asked.at || !runsOn(runs, f) {
			continue
		}
		refs = append(refs, f.ref)
		if f.Kind == history.FaultKill {
			kills++
		} else {
			stops++
		}
	}
	switch {
	case kills >= limit:
	case kills+stops >= limit:
		d.w.except("T8", "dead after crashes of which some were pauses or cuts", refs...)
	default:
		d.w.accuseLate("T8", "a job is dead after fewer deaths of its processes than MaxCrashes", refs...)
	}
}

// runsOn reports whether the fault hits a node that ran the job, or may have taken it.
func runsOn(runs []run, f *window) bool {
	last := -1
	for i := range runs {
		if runs[i].at <= f.to {
			last = i
		}
	}
	return last < 0 || runs[last].proc == f.proc || f.from-runs[last].at > leaseTime
}
