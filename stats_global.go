package actionhero

import (
	"context"
	"sync"
	"time"
)

// countsAge is how old the figures of the whole cluster in the status may be, and how often a node stores its own.
const countsAge = time.Second

// globalCounts counts in the whole cluster what the nodes count each, such as requests. The nodes add their counts to
// shared counters, which outlive them. In a cluster of one node, the counts of the node are those of the cluster.
//
// A count that the server of the cluster may or may not have added, because its answer was lost, is added again: the
// figure may then be too high by what one node has counted in a second.
type globalCounts struct {
	api *API

	busy chan struct{} // holds a value while a goroutine talks to the backend

	mu      sync.Mutex // guards the fields below; held only briefly
	sources []*countSource
	shared  map[string]int64 // the shared counters as last read, plus what this node has added since
	read    time.Time        // when shared was read
}

// countSource is one count of this node.
type countSource struct {
	name  string
	local func() int64 // never falls
	added int64        // the part of the count that the shared counter has
}

func newGlobalCounts(api *API) *globalCounts {
	return &globalCounts{api: api, busy: make(chan struct{}, 1), shared: map[string]int64{}}
}

// add implements transport.Host.Global, which documents the method.
func (g *globalCounts) add(name string, local func() int64) (global func(ctx context.Context) int64) {
	if !g.api.Cluster.Shared() {
		return func(context.Context) int64 { return local() }
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sources = append(g.sources, &countSource{name: name, local: local})
	return func(ctx context.Context) int64 { return g.of(ctx, name) }
}

// of returns the count with this name in the whole cluster. If the shared counters cannot be read, of returns the last
// known figure.
func (g *globalCounts) of(ctx context.Context, name string) int64 {
	g.refresh(ctx)
	g.mu.Lock()
	defer g.mu.Unlock()
	n := g.shared[name]
	for _, s := range g.sources {
		if s.name == name {
			n += s.local() - s.added
		}
	}
	return n
}

// fresh reports whether the shared counters were read within countsAge.
func (g *globalCounts) fresh() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return !g.read.IsZero() && time.Since(g.read) < countsAge
}

// refresh reads the shared counters, unless they are fresh. If another goroutine is at it, refresh waits for it: several
// sections of one report ask at the same time.
func (g *globalCounts) refresh(ctx context.Context) {
	if g.fresh() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, flushLimit)
	defer cancel()
	select {
	case g.busy <- struct{}{}:
	case <-ctx.Done():
		return
	}
	defer func() { <-g.busy }()
	if g.fresh() {
		return
	}
	counts, err := g.api.Cluster.nodes.Counts(ctx)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.read = time.Now()
	if err == nil {
		g.shared = counts
	}
}

// flush adds to the shared counters what this node has counted since the last flush. If nothing has changed, flush sends
// nothing.
func (g *globalCounts) flush(ctx context.Context) error {
	select {
	case g.busy <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-g.busy }()
	add := map[string]int64{}
	g.mu.Lock()
	counted := make([]int64, len(g.sources))
	for i, s := range g.sources {
		counted[i] = s.local()
		if n := counted[i] - s.added; n != 0 {
			add[s.name] += n
		}
	}
	g.mu.Unlock()
	if len(add) == 0 {
		return nil
	}
	if err := g.api.Cluster.nodes.Count(ctx, add); err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range counted {
		g.sources[i].added = counted[i]
	}
	if g.shared == nil { // as the backend may return it
		g.shared = map[string]int64{}
	}
	for name, n := range add {
		g.shared[name] += n
	}
	return nil
}

// countsComponent flushes the counts of a node of a cluster once a second, and when the API stops.
type countsComponent struct {
	*globalCounts
	end  chan struct{}
	done chan struct{}
}

func (c *countsComponent) Start(context.Context) error {
	c.end, c.done = make(chan struct{}), make(chan struct{})
	go c.run()
	return nil
}

// flushLimit is the time limit of one flush. A flush that fails is repeated, so nothing is lost.
const flushLimit = time.Second

func (c *countsComponent) run() {
	defer close(c.done)
	ticker := time.NewTicker(countsAge)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			ctx, cancel := context.WithTimeout(context.Background(), flushLimit)
			_ = c.flush(ctx) // repeated with the next tick
			cancel()
		case <-c.end:
			return
		}
	}
}

// Stop flushes the counts for the last time. A failure is logged and is no failure of the stop.
func (c *countsComponent) Stop(ctx context.Context) error {
	close(c.end)
	<-c.done
	ctx, cancel := context.WithTimeout(ctx, flushLimit)
	defer cancel()
	if err := c.flush(ctx); err != nil {
		c.api.log.Warn("the last counts of this node are not stored", "error", err.Error())
	}
	return nil
}
