package check

import (
	"fmt"
	"time"

	"github.com/actionhero-go/actionhero/internal/chaos/history"
)

// process is the state of a process at the current event.
type process struct {
	history.Process
	node      bool // it drew an incarnation
	died      time.Duration
	bye       bool
	inc       uint64
	workers   int
	running   int
	freeSince time.Duration
	knows     map[string]history.TaskOptions
	last      time.Duration
}

type callKey struct {
	proc int32
	call uint64
}

// world is the state that laws share.
type world struct {
	options Options
	report  *Report
	faults  faults
	procs   []process
	first   time.Duration
	last    time.Duration
	stop    time.Duration   // when the first node stopped in order after the last fault
	byes    []time.Duration // of nodes that stopped in order
	now     time.Duration
	calls   map[callKey]*history.Event // intents without an outcome yet
	pulses  map[uint64]time.Duration   // incarnation → when its last successful pulse was sent
	beats   []time.Duration            // when pulses of all incarnations were answered
	jobs    jobs
	tasks   map[string]history.TaskOptions
	torn    []bool
}

// newWorld reads the faults.
func newWorld(source history.Source, o Options) (*world, error) {
	w := &world{
		options: o,
		report:  &Report{Count: map[string]int{}, Kinds: map[string]int{}, processes: source.Processes()},
		faults:  faults{byProc: map[int32][]int{}},
		calls:   map[callKey]*history.Event{},
		pulses:  map[uint64]time.Duration{},
		jobs:    newJobs(),
		tasks:   map[string]history.TaskOptions{},
		first:   -1,
	}
	names := map[string]int32{}
	for i, p := range source.Processes() {
		if _, twice := names[p.Name]; twice {
			return nil, fmt.Errorf("two processes have the name %s", p.Name)
		}
		names[p.Name] = int32(i)
		w.procs = append(w.procs, process{Process: p, died: forever, knows: map[string]history.TaskOptions{}})
	}
	open := map[callKey]int{}
	err := source.Each(func(e *history.Event) error {
		if w.first < 0 {
			w.first = e.At
		}
		w.last = e.At
		w.report.Events++
		if e.Outcome != 0 {
			w.report.Kinds[e.Kind.String()+" "+e.Outcome.String()]++
		}
		w.procs[e.Proc].last = e.At
		return w.scan(e, names, open)
	})
	w.report.Faults, w.report.Stalls = len(w.faults.list), len(w.faults.stalls)
	w.faults.seal()
	w.report.Duration, w.report.Stalled = w.last-w.first, w.faults.stalled
	w.stop = w.last
	for _, at := range w.byes {
		if at > w.faults.lastEnd {
			w.stop = min(w.stop, at)
		}
	}
	if f, ok := source.(interface{ Torn() []bool }); ok {
		w.torn = f.Torn()
	}
	return w, err
}

func (w *world) scan(e *history.Event, names map[string]int32, open map[callKey]int) error {
	switch e.Kind {
	case history.KindFaultBegin:
		proc, ok := names[e.Object]
		if !ok {
			proc = -1
		}
		kind := history.FaultKind(e.Subject)
		if kind.Node() && !ok {
			return fmt.Errorf("the fault %s hits %q, which is no process of the history", kind, e.Object)
		}
		open[callKey{e.Proc, e.Call}] = len(w.faults.list)
		w.faults.list = append(w.faults.list, window{history.Fault{Kind: kind, Target: e.Object, Lossy: e.Count != 0, Step: time.Duration(e.Time)}, e.At, forever, proc, refOf(e)})
	case history.KindFaultEnd:
		i, ok := open[callKey{e.Proc, e.Call}]
		if !ok {
			return fmt.Errorf("the fault %d ends and never began", e.Call)
		}
		f := &w.faults.list[i]
		f.to = e.At
		if f.Kind == history.FaultKill {
			w.procs[f.proc].died = f.to
		}
	case history.KindSample:
		if e.Subject == history.GaugeStall {
			w.faults.stalls = append(w.faults.stalls, stallOf(e, names))
		}
	case history.KindBye:
		w.byes = append(w.byes, e.At)
	case history.KindClock:
		w.faults.clock = append(w.faults.clock, clockStep{e.At, time.Duration(e.Time)})
	case history.KindKnows:
		o := w.tasks[e.Subject]
		w.tasks[e.Subject] = history.TaskOptions{MaxCrashes: max(o.MaxCrashes, int(e.Count)), Exclusive: o.Exclusive || e.Seq == 1}
	case history.KindStart:
		w.report.Starts++
	case history.KindDeliver:
		w.report.Deliveries++
	case history.KindFinish:
		if (e.Outcome == history.OK || e.Outcome == history.Already) && e.Result.Ended() {
			w.report.Ends++
		}
	}
	return nil
}

// stallOf returns the time in which a process, or a server that is no process of the history, got no processor.
func stallOf(e *history.Event, names map[string]int32) window {
	s := window{history.Fault{Kind: history.FaultStall, Target: e.Object}, e.At - time.Duration(e.Count), e.At, -1, refOf(e)}
	if proc, ok := names[e.Object]; ok {
		s.proc = proc
	} else {
		s.Kind = history.FaultServerStall
	}
	return s
}

// intentOf returns the intent of an outcome, which is then no longer open.
func (w *world) intentOf(e *history.Event) *history.Event {
	if e.Kind.Answers() == 0 {
		return nil
	}
	key := callKey{e.Proc, e.Call}
	intent := w.calls[key]
	if intent == nil || intent.Kind != e.Kind.Answers() {
		return nil
	}
	delete(w.calls, key)
	return intent
}

// update changes the state after the laws have seen e.
func (w *world) update(e, intent *history.Event) {
	w.now = e.At
	p := &w.procs[e.Proc]
	if e.Kind.Intent() {
		c := e.Clone()
		w.calls[callKey{e.Proc, e.Call}] = &c
	}
	switch e.Kind {
	case history.KindInc:
		p.node, p.inc = true, e.Inc
		w.pulses[e.Inc] = e.At // the node opened with it
	case history.KindPulse:
		w.pulses[e.Inc] = time.Duration(e.Time)
		w.beats = append(w.beats, e.At)
	case history.KindWorkers:
		p.workers, p.freeSince = int(e.Count), e.At
	case history.KindKnows:
		p.knows[e.Subject] = history.TaskOptions{MaxCrashes: int(e.Count), Exclusive: e.Seq == 1}
	case history.KindBye:
		p.bye, p.workers = true, 0
		p.died = min(p.died, e.At)
	}
	w.jobs.update(w, e, intent)
}

// up reports whether the process is a node that can take jobs now.
func (w *world) up(proc int32, at time.Duration) bool {
	p := &w.procs[proc]
	return p.workers > 0 && at < p.died && w.faults.ofNode(proc, at-reconnecting, at) == nil
}

// canRun reports whether a node that knows the task is up and has had a free worker for a while.
func (w *world) canRun(task string, at time.Duration) bool {
	for i := range w.procs {
		p := &w.procs[i]
		if _, knows := p.knows[task]; knows && p.running < p.workers && p.freeSince+freeFor <= at && w.up(int32(i), at) {
			return true
		}
	}
	return false
}

// forgotten returns the fault by which servers lost an effect, if its process did not send it again in time, or nil: it
// died, was away for longer than it remembers, or was away when the servers came back and settled.
func (w *world) forgotten(c certain) *window {
	at, proc := c.at, c.proc
	f := w.faults.forgets(c.from, c.at)
	if f == nil {
		return nil
	}
	until := f.settled()
	if until == forever || w.procs[proc].died <= until {
		return f
	}
	for _, i := range w.faults.byProc[proc] {
		n := &w.faults.list[i]
		if n.Kind.Node() && n.overlaps(at, until) && (n.to == forever || n.to-n.from > rememberTime || n.to > f.to) {
			return f
		}
	}
	return nil
}
