package check

import (
	"fmt"
	"slices"
	"time"

	"github.com/actionhero-go/actionhero/internal/chaos/history"
)

// newRun judges whether a run proves anything, and whether its processes ended as they should.
func newRun(w *world) observer {
	return observer{end: func() {
		for _, c := range []struct {
			n    int
			what string
		}{{w.report.Starts, "starts"}, {w.report.Ends, "stored ends"}, {w.report.Deliveries, "deliveries"}, {w.report.Faults, "faults"}} {
			if c.n == 0 {
				w.accuse("RUN", "the history has no "+c.what)
			}
		}
		for i := range w.faults.list {
			if w.faults.list[i].to == forever {
				w.accuse("RUN", "a fault is never healed", w.faults.list[i].ref)
			}
		}
		for i := range w.procs {
			w.judgeProcess(int32(i))
		}
	}}
}

func (w *world) judgeProcess(i int32) {
	p := &w.procs[i]
	killed := w.deadBy(i, w.last) && !p.bye
	if !killed && !p.bye && p.node {
		w.accuse("RUN", "the node "+p.Name+" ended without a stop and without a kill", ref{i, 1})
	}
	if !killed && int(i) < len(w.torn) && w.torn[i] {
		w.accuse("RUN", "the last line of "+p.Name+" is unfinished, and the process was not killed", ref{i, 1})
	}
	if killed && p.last > p.died {
		w.accuse("RUN", "the process "+p.Name+" writes after its death", ref{i, 1})
	}
}

// newA1: two apps on one server.
func newA1(w *world) observer {
	canaries := map[string]certainCount{}
	return observer{
		see: func(e, _ *history.Event) {
			app := w.procs[e.Proc].App
			foreign := e.Number != 0 && e.Kind != history.KindProcess && history.AppOf(e.Number) != app
			for _, n := range e.Numbers {
				foreign = foreign || history.AppOf(n) != app
			}
			if foreign {
				w.accuse("A1", "an app has a number of another app", refOf(e))
			}
			if e.Kind == history.KindSample && e.Subject == history.GaugeCanaries {
				before, ok := canaries[e.Object]
				if ok && e.Count < before.n {
					w.accuse("A1", "an app has lost keys that it did not remove", before.ref, refOf(e))
				}
				canaries[e.Object] = certainCount{e.Count, refOf(e)}
			}
		},
		end: func() {
			if w.options.Dump == nil {
				return
			}
			for s := range w.options.Dump.Shards {
				for _, j := range w.options.Dump.Shards[s].Jobs {
					if history.AppOf(j.Number) != w.options.Dump.App {
						w.accuse("A1", fmt.Sprintf("the store of app %d has a job of app %d", w.options.Dump.App, history.AppOf(j.Number)))
					}
				}
			}
		},
	}
}

type certainCount struct {
	n   int64
	ref ref
}

// gauges are the samples of gauges, by gauge and part.
type gauges map[[2]string][]sample

type sample struct {
	at  time.Duration
	n   int64
	ref ref
}

func (g gauges) add(e *history.Event) {
	key := [2]string{e.Subject, e.Object}
	g[key] = append(g[key], sample{e.At, e.Count, refOf(e)})
}

const minSamples = 16

// flat compares the medians of the second and the last quarter of each gauge: the first quarter is start-up. The gauge
// may grow by a fifth and by slack.
func (g gauges) flat(w *world, law string, slack int64) {
	keys := make([][2]string, 0, len(g))
	for key := range g {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	for _, key := range keys {
		list := g[key]
		if len(list) < minSamples {
			continue
		}
		q := len(list) / 4
		early, late := median(list[q:2*q]), median(list[len(list)-q:])
		if late.n > early.n+early.n/5+slack {
			w.accuse(law, fmt.Sprintf("%s of %s grow from %d to %d", key[0], key[1], early.n, late.n), early.ref, late.ref)
		}
	}
}

func median(list []sample) sample {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b sample) int { return int(a.n - b.n) })
	return list[len(list)/2]
}

// The growth that a gauge may have next to a fifth.
var gaugeSlack = map[string]int64{history.GaugeGoroutines: 20, history.GaugeMemory: 16 << 20, history.GaugeConnections: 5}

const idleCommands = 2000 // in 1,000 seconds

// newG1: an idle node and growth.
func newG1(w *world) observer {
	all := map[string]gauges{}
	return observer{
		see: func(e, _ *history.Event) {
			if e.Kind != history.KindSample {
				return
			}
			if e.Subject == history.GaugeIdle && e.Count > idleCommands {
				w.accuse("G1", fmt.Sprintf("the idle node %s sends %d commands in 1,000 s", e.Object, e.Count), refOf(e))
			}
			if _, judged := gaugeSlack[e.Subject]; judged {
				if all[e.Subject] == nil {
					all[e.Subject] = gauges{}
				}
				all[e.Subject].add(e)
			}
		},
		end: func() {
			for _, gauge := range []string{history.GaugeGoroutines, history.GaugeMemory, history.GaugeConnections} {
				all[gauge].flat(w, "G1", gaugeSlack[gauge])
			}
		},
	}
}
