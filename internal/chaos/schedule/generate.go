package schedule

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/actionhero-go/actionhero/internal/chaos/history"
)

// The pauses between faults. A node needs about 2 s to come back, and an orphan 12 s: some pauses are longer than that.
const (
	minPause   = 500 * time.Millisecond
	maxPause   = 4 * time.Second
	longPause  = 14 * time.Second
	minFault   = 50 * time.Millisecond
	longEvery  = 5   // each fifth pause is a long one
	aloneShare = 0.5 // of the time for faults, at most, before pairs begin
	pairsShare = 0.7 // of the time for faults, at most, before mixed ones begin
)

type generator struct {
	options Options
	random  *rand.Rand
	end     time.Duration // of the last fault
	faults  []Fault
}

func (g *generator) plan() (Plan, error) {
	o := g.options
	span := g.end - o.Warm
	kinds := slices.Clone(o.Kinds)
	g.random.Shuffle(len(kinds), func(i, j int) { kinds[i], kinds[j] = kinds[j], kinds[i] })
	at, err := g.alone(kinds, span)
	if err != nil {
		return Plan{}, err
	}
	alone := len(g.faults)
	at = g.pairs(at, o.Warm+time.Duration(pairsShare*float64(span)))
	pairs := len(g.faults) - alone
	g.mixed(at)
	slices.SortStableFunc(g.faults[alone+pairs:], func(a, b Fault) int { return int(a.Begin - b.Begin) })
	return Plan{Options: o, Faults: g.faults, Alone: alone, Pairs: pairs}, nil
}

// alone plans each kind once, one at a time. If the run is short, faults and pauses are shorter in proportion.
func (g *generator) alone(kinds []history.FaultKind, span time.Duration) (time.Duration, error) {
	var wanted time.Duration
	var list []Fault
	var pauses []time.Duration
	for _, k := range kinds {
		f := g.draw(k)
		list = append(list, f)
		pauses = append(pauses, g.pause())
		wanted += f.End + pauses[len(pauses)-1]
	}
	scale := min(1, aloneShare*float64(span)/float64(wanted))
	at := g.options.Warm
	for i, f := range list {
		length := max(minFault, time.Duration(scale*float64(f.End)))
		f.Begin, f.End = at, at+length
		at = f.End + max(minFault, time.Duration(scale*float64(pauses[i])))
		g.faults = append(g.faults, f)
	}
	if at > g.end || scale <= 0 {
		return 0, fmt.Errorf("a run of %v, of which %v are quiet, is too short for %d kinds of faults", g.options.Length, g.options.Quiet, len(kinds))
	}
	return at, nil
}

// pairs plans two faults at a time until the time limit.
func (g *generator) pairs(at, limit time.Duration) time.Duration {
	for {
		a, b := g.draw(g.kind()), g.draw(g.kind())
		if conflict(a, b) {
			continue
		}
		lag := time.Duration(g.random.Int64N(int64(a.End)))
		a.Begin, a.End = at, at+a.End
		b.Begin, b.End = at+lag, at+lag+b.End
		last := max(a.End, b.End)
		if last > limit {
			return at
		}
		g.faults = append(g.faults, a, b)
		at = last + g.pause()
	}
}

// mixed fills the rest with faults that begin at any time, at most Overlap at a time.
func (g *generator) mixed(from time.Duration) {
	first := len(g.faults)
	at := from
	for at < g.end {
		f := g.draw(g.kind())
		f.Begin, f.End = at, at+f.End
		if f.End > g.end {
			f.End = g.end
		}
		open := g.open(first, at)
		fits := len(open) < g.options.Overlap && f.End-f.Begin >= min(limits[f.Kind][0], g.end-from)
		for _, i := range open {
			fits = fits && !conflict(g.faults[i], f)
		}
		if fits {
			g.faults = append(g.faults, f)
		}
		at += g.pause()
	}
}

// open lists the faults from index first that last at this time.
func (g *generator) open(first int, at time.Duration) (list []int) {
	for i := first; i < len(g.faults); i++ {
		if g.faults[i].End >= at {
			list = append(list, i)
		}
	}
	return list
}

// conflict reports whether two faults cannot be made at a time: two on one process, or two that restart or replace
// servers.
func conflict(a, b Fault) bool {
	if a.Node() != b.Node() {
		return false
	}
	if a.Node() {
		return a.Target == b.Target
	}
	return a.Target == b.Target && a.Kind != history.FaultStep && b.Kind != history.FaultStep || a.Kind == b.Kind || replaces(a.Kind) && replaces(b.Kind)
}

func replaces(k history.FaultKind) bool {
	return k == history.FaultFailover || k == history.FaultSplit || k == history.FaultRedisRestart || k == history.FaultSlotMove
}

func (g *generator) kind() history.FaultKind {
	return g.options.Kinds[g.random.IntN(len(g.options.Kinds))]
}

// draw returns a fault whose End is its length.
func (g *generator) draw(k history.FaultKind) Fault {
	l := limits[k]
	f := Fault{Kind: k, End: between(g.random, l[0], l[1])}
	if f.Node() {
		f.Target = g.random.IntN(g.options.Nodes)
	} else {
		f.Target = g.random.IntN(g.options.Servers)
	}
	switch k {
	case history.FaultFailover:
		f.Lossy = true
		f.LinkCut = time.Duration(g.random.IntN(16)) * 100 * time.Millisecond
	case history.FaultSplit:
		f.Lossy = true
	case history.FaultRedisRestart:
		f.Lossy = g.options.Lossy
	case history.FaultStep:
		f.Step = []time.Duration{time.Second, time.Minute, time.Hour}[g.random.IntN(3)]
		if g.random.IntN(2) == 0 {
			f.Step = -f.Step
		}
	}
	return f
}

func (g *generator) pause() time.Duration {
	if g.random.IntN(longEvery) == 0 {
		return between(g.random, maxPause, longPause)
	}
	return between(g.random, minPause, maxPause)
}

// between returns whole milliseconds.
func between(r *rand.Rand, low, high time.Duration) time.Duration {
	return low + time.Duration(r.Int64N(int64((high-low)/time.Millisecond)+1))*time.Millisecond
}
