package check

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/actionhero-go/actionhero/internal/chaos/history"
)

// Law is the name of a law and its short text.
type Law struct{ Name, Says string }

// Laws returns the laws in order. RUN is the law that a run proves something at all.
func Laws() []Law {
	list := make([]Law, len(laws))
	for i, l := range laws {
		list[i] = l.Law
	}
	return list
}

// observer is a law in one run. The world is in the state before the event.
type observer struct {
	see func(e, intent *history.Event) // intent is nil unless e is an outcome
	end func()
}

type lawMaker struct {
	Law
	make func(w *world) observer
}

var laws = []lawMaker{
	{Law{"RUN", "the run has starts, deliveries and faults, and no process ended on its own"}, newRun},
	{Law{"T1", "an acknowledged job has a recorded end"}, newT1},
	{Law{"T2", "a job does not start after its end is recorded"}, newT2},
	{Law{"T3", "fences of a job rise, and a run starts once"}, newT3},
	{Law{"T4", "a job does not start while its run has a fresh pulse"}, newT4},
	{Law{"T5", "faults of servers alone cost no run"}, newT5},
	{Law{"T6", "an orphan starts again within 12 s, and Exclusive runs do not overlap"}, newT6},
	{Law{"T7", "a number has one job, and a refused number none"}, newT7},
	{Law{"T8", "a tick has one job and not before its time; dead takes MaxCrashes deaths"}, newT8},
	{Law{"T9", "a cancelled job does not start, and only nodes that know a task run it, at once"}, newT9},
	{Law{"T10", "form of the queue"}, newT10},
	{Law{"R1", "connections agree on the room's order, and no message comes twice"}, newR1},
	{Law{"R2", "each hole has its gap, and recovery is complete or refused"}, newR2},
	{Law{"R3", "lists, totals and news are true 10 s after the last fault"}, newR3},
	{Law{"R4", "form of the presence, and keys stay flat"}, newR4},
	{Law{"S1", "fences of a lock rise, locks exclude, and no value outlives its invalidation"}, newS1},
	{Law{"A1", "apps are apart"}, newA1},
	{Law{"G1", "an idle node sends 2 commands a second, and nothing grows"}, newG1},
}

// Options choose what is checked.
type Options struct {
	Laws []string      // names; empty: all
	Dump *history.Dump // nil: the laws that need a dump fail
	// Partial leaves out RUN, and judges laws without a dump as far as the events go. It is for histories of tests.
	Partial bool
	// MaxProofs is the number of violations, and of examples of each exception, whose lines are kept. Default 10 of each
	// law. All are counted.
	MaxProofs int
}

// Finding is a violation or an example of an exception, with the lines that prove it.
type Finding struct {
	Law, Why string
	Events   []history.Event
	refs     []ref
}

// Exception counts the cases that a promise excepts for one reason.
type Exception struct {
	Law, Why string
	Count    int
	Examples []Finding
}

// Report is the result of a check.
type Report struct {
	Events, Starts, Ends, Deliveries, Faults int
	Kinds                                    map[string]int // events of each kind, with the outcome: "enq ok"
	Stalled                                  time.Duration  // the time in which at least one of them got none
	Stalls                                   int            // times in which a process or a server got no processor
	Orphans                                  int            // runs that ended with their process and started again
	LongestOrphan                            time.Duration  // the longest wait for that start while it was possible
	Duration                                 time.Duration
	Violations                               []Finding      // up to MaxProofs for each law
	Count                                    map[string]int // violations of each law
	Exceptions                               []Exception
	processes                                []history.Process
}

// slow reports whether the machine stalled for so long that no law about a time can be judged.
func (r *Report) slow() bool { return r.Stalled > r.Duration/stallShare }

// OK reports whether there is no violation.
func (r *Report) OK() bool { return len(r.Count) == 0 }

// Run checks a history. It fails if the history cannot be read.
func Run(source history.Source, o Options) (*Report, error) {
	if o.MaxProofs == 0 {
		o.MaxProofs = 10
	}
	w, err := newWorld(source, o)
	if err != nil {
		return nil, err
	}
	var observers []observer
	for _, l := range laws {
		if len(o.Laws) == 0 && !(o.Partial && l.Name == "RUN") || slices.Contains(o.Laws, l.Name) {
			observers = append(observers, l.make(w))
		}
	}
	if len(observers) == 0 {
		return nil, errors.New("no law has one of these names")
	}
	err = source.Each(func(e *history.Event) error {
		intent := w.intentOf(e)
		for i := range observers {
			if see := observers[i].see; see != nil {
				see(e, intent)
			}
		}
		w.update(e, intent)
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i := range observers {
		if end := observers[i].end; end != nil {
			end()
		}
	}
	return w.report, w.resolve(source)
}

// ref is a line of a history.
type ref struct{ proc, line int32 }

func refOf(e *history.Event) ref { return ref{e.Proc, e.Line} }

// accuse reports a violation. Zero refs are left out.
func (w *world) accuse(law, why string, refs ...ref) {
	w.report.Count[law]++
	if w.report.Count[law] <= w.options.MaxProofs {
		w.report.Violations = append(w.report.Violations, Finding{Law: law, Why: why, refs: refs})
	}
}

// accuseLate is accuse for laws that bound a time. On a slow machine it only counts the case.
func (w *world) accuseLate(law, why string, refs ...ref) {
	if w.report.slow() {
		w.except(law, "not judged, because the machine stalled for more than 5 % of the run: "+why, refs...)
		return
	}
	w.accuse(law, why, refs...)
}

// except counts a case that the promise excepts.
func (w *world) except(law, why string, refs ...ref) {
	list := &w.report.Exceptions
	i := slices.IndexFunc(*list, func(x Exception) bool { return x.Law == law && x.Why == why })
	if i < 0 {
		i = len(*list)
		*list = append(*list, Exception{Law: law, Why: why})
	}
	x := &(*list)[i]
	x.Count++
	if len(x.Examples) < w.options.MaxProofs {
		x.Examples = append(x.Examples, Finding{Law: law, Why: why, refs: refs})
	}
}

// resolve reads the lines of all findings.
func (w *world) resolve(source history.Source) error {
	var findings []*Finding
	for i := range w.report.Violations {
		findings = append(findings, &w.report.Violations[i])
	}
	for i := range w.report.Exceptions {
		for j := range w.report.Exceptions[i].Examples {
			findings = append(findings, &w.report.Exceptions[i].Examples[j])
		}
	}
	wanted := map[ref][]*Finding{}
	for _, f := range findings {
		for _, r := range f.refs {
			if r.line > 0 && !slices.Contains(wanted[r], f) {
				wanted[r] = append(wanted[r], f)
			}
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	return source.Each(func(e *history.Event) error {
		for _, f := range wanted[refOf(e)] {
			f.Events = append(f.Events, e.Clone())
		}
		return nil
	})
}

// WriteTo prints the report: counts, violations with their lines, then exceptions.
func (r *Report) WriteTo(out io.Writer) (int64, error) {
	var n int64
	var failed error
	print := func(format string, args ...any) {
		m, err := fmt.Fprintf(out, format, args...)
		n, failed = n+int64(m), errors.Join(failed, err)
	}
	print("%d events in %v: %d starts, %d ends, %d deliveries, %d faults\n", r.Events, r.Duration.Round(time.Second), r.Starts, r.Ends, r.Deliveries, r.Faults)
	if r.slow() {
		print("the machine stalled for %v of it, which is more than 5 %%: laws about times are not judged\n", r.Stalled.Round(time.Millisecond))
	}
	for _, l := range laws {
		if c := r.Count[l.Name]; c > 0 {
			print("%s (%s): %d violations\n", l.Name, l.Says, c)
		}
		for _, v := range r.Violations {
			if v.Law == l.Name {
				r.printFinding(print, "  ", v)
			}
		}
	}
	for _, x := range r.Exceptions {
		print("excepted by %s: %s: %d\n", x.Law, x.Why, x.Count)
		if len(x.Examples) > 0 {
			r.printFinding(print, "  for example ", x.Examples[0])
		}
	}
	return n, failed
}

func (r *Report) printFinding(print func(string, ...any), indent string, f Finding) {
	print("%s%s\n", indent, f.Why)
	for i := range f.Events {
		e := &f.Events[i]
		print("      %s:%d: %s\n", r.processes[e.Proc].Name, e.Line, e)
	}
}
