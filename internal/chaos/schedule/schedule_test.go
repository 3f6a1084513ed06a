package schedule

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/chaos/history"
)

var long = Options{Length: 10 * time.Minute, Nodes: 5, Servers: 3}

func plan(t *testing.T, o Options) Plan {
	t.Helper()
	p, err := Make(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// seeds calls f with plans of many seeds, for a long run and for one of CI.
func seeds(t *testing.T, f func(p Plan)) {
	t.Helper()
	for seed := range uint64(500) {
		o := long
		o.Seed = seed
		f(plan(t, o))
		o.Length, o.Quiet, o.Servers, o.Kinds = time.Minute, 15*time.Second, 1, []history.FaultKind{history.FaultKill, history.FaultPause, history.FaultCut, history.FaultRedisRestart}
		f(plan(t, o))
	}
}

func TestASeedGivesOnePlan(t *testing.T) {
	t.Parallel()
	different := 0
	for seed := range uint64(50) {
		o := long
		o.Seed = seed
		a := plan(t, o)
		if b := plan(t, o); !reflect.DeepEqual(a, b) {
			t.Fatalf("seed %d gives two plans:\n%s\n%s", seed, a, b)
		}
		o.Seed++
		if !reflect.DeepEqual(a.Faults, plan(t, o).Faults) {
			different++
		}
	}
	if different != 50 {
		t.Errorf("%d of 50 seeds give another plan than their neighbour", different)
	}
}

func TestEachKindComesAloneFirst(t *testing.T) {
	t.Parallel()
	seeds(t, func(p Plan) {
		seen := map[history.FaultKind]bool{}
		for _, f := range p.Faults[:p.Alone] {
			seen[f.Kind] = true
		}
		if len(seen) != len(p.Options.Kinds) || p.Alone != len(seen) {
			t.Fatalf("%d kinds of %d come alone:\n%s", len(seen), len(p.Options.Kinds), p)
		}
	})
}

func TestNoMoreFaultsAtATimeThanAllowed(t *testing.T) {
	t.Parallel()
	most := 0
	seeds(t, func(p Plan) {
		open := map[int]bool{}
		for _, m := range p.Timeline() {
			if !m.Begin {
				delete(open, m.Fault)
				continue
			}
			open[m.Fault] = true
			allowed := p.Options.Overlap
			switch {
			case m.Fault < p.Alone:
				allowed = 1
			case m.Fault < p.Alone+p.Pairs:
				allowed = 2
			}
			if len(open) > allowed {
				t.Fatalf("%d faults at %v:\n%s", len(open), m.At, p)
			}
			most = max(most, len(open))
			for other := range open {
				if a, b := p.Faults[other], p.Faults[m.Fault]; other != m.Fault && a.Node() && b.Node() && a.Target == b.Target {
					t.Fatalf("two faults of node %d at %v:\n%s", a.Target, m.At, p)
				}
			}
		}
	})
	if most != 3 {
		t.Errorf("at most %d faults overlap in all plans", most)
	}
}

func TestAllFaultsAreHealedBeforeTheQuietPhase(t *testing.T) {
	t.Parallel()
	seeds(t, func(p Plan) {
		begun := map[int]int{}
		last := time.Duration(0)
		for _, m := range p.Timeline() {
			if m.At < last || m.At < p.Options.Warm || m.At > p.Options.Length-p.Options.Quiet {
				t.Fatalf("%v is out of order or out of range:\n%s", m.At, p)
			}
			last = m.At
			if m.Begin {
				begun[m.Fault]++
			} else {
				begun[m.Fault] += 10
			}
		}
		for i, f := range p.Faults {
			if begun[i] != 11 || f.End <= f.Begin {
				t.Fatalf("the fault %d has no begin before its end:\n%s", i, p)
			}
		}
	})
}

func TestFaultsAreWithinTheirLimits(t *testing.T) {
	t.Parallel()
	shortest, longest := map[history.FaultKind]time.Duration{}, map[history.FaultKind]time.Duration{}
	targets := map[int]bool{}
	steps := map[time.Duration]bool{}
	for seed := range uint64(500) {
		o := long
		o.Seed, o.Length = seed, time.Hour
		for _, f := range plan(t, o).Faults {
			l := limits[f.Kind]
			if d := f.End - f.Begin; d < l[0] || d > l[1] {
				t.Fatalf("%s lasts %v", f, d)
			} else {
				shortest[f.Kind] = min(d, shortest[f.Kind]+time.Hour*time.Duration(b2i(shortest[f.Kind] == 0)))
				longest[f.Kind] = max(d, longest[f.Kind])
			}
			if f.Node() {
				targets[f.Target] = true
			}
			if f.Step != 0 {
				steps[f.Step] = true
			}
			if (f.Kind == history.FaultFailover || f.Kind == history.FaultSplit) != f.Lossy {
				t.Fatalf("%s: lossy is %v", f, f.Lossy)
			}
		}
	}
	for _, k := range All() {
		l := limits[k]
		if tenth := (l[1] - l[0]) / 10; shortest[k] > l[0]+tenth || longest[k] < l[1]-tenth {
			t.Errorf("%s lasts %v to %v, and may last %v to %v", k, shortest[k], longest[k], l[0], l[1])
		}
	}
	if len(targets) != 5 || len(steps) != 6 {
		t.Errorf("targets %v, steps %v", targets, steps)
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestEachPairOfKindsOverlapsInSomePlan(t *testing.T) {
	t.Parallel()
	pairs := map[[2]history.FaultKind]bool{}
	for seed := range uint64(500) {
		o := long
		o.Seed = seed
		p := plan(t, o)
		for i, a := range p.Faults {
			for _, b := range p.Faults[i+1:] {
				if a.Begin < b.End && b.Begin < a.End {
					pairs[[2]history.FaultKind{a.Kind, b.Kind}] = true
					pairs[[2]history.FaultKind{b.Kind, a.Kind}] = true
				}
			}
		}
	}
	for i, a := range All() {
		for _, b := range All()[i:] {
			possible := Fault{Kind: a}.Node() || Fault{Kind: b}.Node() || a != b && !(replaces(a) && replaces(b))
			if pairs[[2]history.FaultKind{a, b}] != possible {
				t.Errorf("%s and %s overlap: %v, want %v", a, b, !possible, possible)
			}
		}
	}
}

func TestARunThatIsTooShortIsRefused(t *testing.T) {
	t.Parallel()
	for _, o := range []Options{
		{Length: 50 * time.Second, Nodes: 5, Servers: 1},
		{Length: 56 * time.Second, Nodes: 5, Servers: 1},
		{Length: time.Hour, Nodes: 1, Servers: 1},
		{Length: time.Hour, Nodes: 2},
		{Length: time.Hour, Nodes: 2, Servers: 1, Kinds: []history.FaultKind{"fire"}},
	} {
		if p, err := Make(o); err == nil {
			t.Errorf("%+v gives\n%s", o, p)
		}
	}
}

func TestAPlanPrintsItsSeed(t *testing.T) {
	t.Parallel()
	o := long
	o.Seed = 4711
	if s := plan(t, o).String(); !strings.Contains(s, "seed 4711") || strings.Count(s, "\n") != len(plan(t, o).Faults)+1 {
		t.Errorf("the plan is printed as %s", s)
	}
}
