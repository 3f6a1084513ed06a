package schedule

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero/internal/chaos/history"
)

// Options describe the cluster and the length of a run.
type Options struct {
	Seed    uint64
	Length  time.Duration // of the whole run, quiet phase included
	Nodes   int           // at least 2
	Servers int           // masters; at least 1
	Kinds   []history.FaultKind
	Overlap int           // the most faults at a time in the mixed phase, default 3
	Warm    time.Duration // without faults at the begin, default 5 s
	Quiet   time.Duration // without faults at the end, default 50 s
	Lossy   bool          // a restart of a server can lose writes: no appendfsync always
}

// All returns the kinds of faults that a controller can make with processes, signals, proxies and commands.
func All() []history.FaultKind { return slices.Clone(allKinds) }

var allKinds = []history.FaultKind{
	history.FaultKill, history.FaultPause, history.FaultCut, history.FaultHalfOpen, history.FaultClientKill, history.FaultAnswer,
	history.FaultRedisPause, history.FaultRedisRestart, history.FaultFailover, history.FaultSplit, history.FaultSlotMove,
	history.FaultFull, history.FaultBusy, history.FaultStep,
}

// limits are the shortest and the longest time that a fault of a kind lasts. Faults that end on their own, as a failover,
// last as long as they do; the plan keeps the longest time free of others.
var limits = map[history.FaultKind][2]time.Duration{
	history.FaultKill:         {time.Second, 10 * time.Second}, // until the node is started again
	history.FaultPause:        {time.Second, 30 * time.Second},
	history.FaultCut:          {time.Second, 20 * time.Second},
	history.FaultHalfOpen:     {2 * time.Second, 25 * time.Second},
	history.FaultClientKill:   {100 * time.Millisecond, time.Second},
	history.FaultAnswer:       {100 * time.Millisecond, 2 * time.Second},
	history.FaultRedisPause:   {time.Second, 30 * time.Second},
	history.FaultRedisRestart: {time.Second, 20 * time.Second},
	history.FaultFailover:     {3 * time.Second, 8 * time.Second},
	history.FaultSplit:        {4 * time.Second, 12 * time.Second},
	history.FaultSlotMove:     {time.Second, 5 * time.Second},
	history.FaultFull:         {time.Second, 10 * time.Second},
	history.FaultBusy:         {time.Second, 6 * time.Second},
	history.FaultStep:         {time.Second, 5 * time.Second},
}

// Fault is a planned fault.
type Fault struct {
	Kind       history.FaultKind
	Begin, End time.Duration // since the begin of the run
	Target     int           // the index of a node or of a server
	Lossy      bool
	Step       time.Duration // of FaultStep
	LinkCut    time.Duration // of FaultFailover: how long before it the link to the replica is cut
}

// Node reports whether the target is a node.
func (f Fault) Node() bool {
	return f.Kind.Node() || f.Kind == history.FaultClientKill || f.Kind == history.FaultAnswer
}

func (f Fault) String() string {
	s := fmt.Sprintf("%7.2fs–%7.2fs %s", f.Begin.Seconds(), f.End.Seconds(), f.Kind)
	if f.Node() {
		s += fmt.Sprintf(" node %d", f.Target)
	} else {
		s += fmt.Sprintf(" server %d", f.Target)
	}
	if f.Step != 0 {
		s += " by " + f.Step.String()
	}
	if f.LinkCut != 0 {
		s += " link cut " + f.LinkCut.String() + " before"
	}
	return s
}

// Plan is a schedule of faults, in the order of their begins.
type Plan struct {
	Options Options
	Faults  []Fault
	Alone   int // the first Alone faults do not overlap
	Pairs   int // the next Pairs faults overlap at most one other
}

// String returns the seed and the faults, one a line. The options and the seed are enough to make the plan again.
func (p Plan) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "chaos seed %d, %v, %d nodes, %d servers, quiet from %v\n", p.Options.Seed, p.Options.Length, p.Options.Nodes, p.Options.Servers, p.Options.Length-p.Options.Quiet)
	for _, f := range p.Faults {
		b.WriteString(f.String())
		b.WriteByte('\n')
	}
	return b.String()
}

// Moment is the begin or the end of a fault.
type Moment struct {
	At    time.Duration
	Begin bool
	Fault int // the index in Plan.Faults
}

// Timeline returns the begins and ends in order. At equal times ends come first.
func (p Plan) Timeline() []Moment {
	var list []Moment
	for i, f := range p.Faults {
		list = append(list, Moment{f.Begin, true, i}, Moment{f.End, false, i})
	}
	slices.SortStableFunc(list, func(a, b Moment) int {
		if c := cmp.Compare(a.At, b.At); c != 0 {
			return c
		}
		switch {
		case !a.Begin && b.Begin:
			return -1
		case a.Begin && !b.Begin:
			return 1
		}
		return 0
	})
	return list
}

// Make plans a run. It fails if the run is too short for one fault of each kind, or the options are out of range.
func Make(o Options) (Plan, error) {
	o.Overlap, o.Warm, o.Quiet = cmp.Or(o.Overlap, 3), cmp.Or(o.Warm, 5*time.Second), cmp.Or(o.Quiet, 50*time.Second)
	if len(o.Kinds) == 0 {
		o.Kinds = All()
	}
	for _, k := range o.Kinds {
		if _, ok := limits[k]; !ok {
			return Plan{}, fmt.Errorf("there is no kind %q of faults", k)
		}
	}
	if o.Nodes < 2 || o.Servers < 1 || o.Overlap < 1 || o.Warm < 0 || o.Quiet < 0 {
		return Plan{}, fmt.Errorf("a run needs 2 nodes and a server, not %d and %d, and no negative times", o.Nodes, o.Servers)
	}
	g := generator{options: o, random: rand.New(rand.NewPCG(o.Seed, 0x9e3779b97f4a7c15)), end: o.Length - o.Quiet}
	return g.plan()
}
