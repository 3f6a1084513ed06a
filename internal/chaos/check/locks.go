package check

import (
	"time"

	"github.com/actionhero-go/actionhero/internal/chaos/history"
)

// newS1: locks and cache.
func newS1(w *world) observer {
	l := &locks{w: w, keys: map[lockKey]*lockState{}, before: map[callKey]fenced{}}
	c := &cache{w: w, values: map[uint64]value{}, keys: map[lockKey]certain{}, before: map[callKey]certain{}}
	return observer{see: func(e, intent *history.Event) {
		l.see(e, intent)
		c.see(e, intent)
	}}
}

// lockKey is a key of an app.
type lockKey struct {
	app uint8
	key string
}

type fenced struct {
	fence uint64
	certain
}

// holding is the time in which a lock is held for certain: from the answer of Lock to its end or the intent of Unlock.
type holding struct {
	fence    uint64
	asked    time.Duration
	from, to time.Duration
	ref      ref
}

type lockState struct {
	highest fenced
	held    []holding
	fences  map[uint64]ref
}

// locks is the part of S1 about locks.
type locks struct {
	w      *world
	keys   map[lockKey]*lockState
	before map[callKey]fenced // the highest fence when a Lock began
}

func (l *locks) state(e *history.Event) *lockState {
	key := lockKey{l.w.procs[e.Proc].App, e.Subject}
	s := l.keys[key]
	if s == nil {
		s = &lockState{fences: map[uint64]ref{}}
		l.keys[key] = s
	}
	return s
}

func (l *locks) see(e, intent *history.Event) {
	switch {
	case e.Kind == history.KindLockIntent:
		l.before[callKey{e.Proc, e.Call}] = l.state(e).highest
	case e.Kind == history.KindLock && intent != nil:
		key := callKey{e.Proc, e.Call}
		before := l.before[key]
		delete(l.before, key)
		if e.Outcome == history.OK {
			l.locked(e, intent, before)
		}
	case e.Kind == history.KindUnlockIntent:
		s := l.state(e)
		for i := range s.held {
			if s.held[i].fence == e.Fence {
				s.held[i].to = min(s.held[i].to, e.At)
			}
		}
	}
}

func (l *locks) locked(e, intent *history.Event, before fenced) {
	s := l.state(intent)
	if before.fence != 0 && e.Fence <= before.fence {
		if f := l.excuse(before.from, e.At); f != nil {
			l.w.except("S1", "a failover lost the fence of a lock", before.ref, f.ref, refOf(e))
		} else {
			l.w.accuse("S1", "the fence of a lock does not rise", before.ref, refOf(e))
		}
	}
	h := holding{e.Fence, intent.At, e.At, intent.At + time.Duration(intent.Time) - clockSlack, refOf(e)}
	kept := s.held[:0]
	for _, other := range s.held {
		if other.to <= intent.At {
			continue // it cannot overlap with this one or a later one
		}
		kept = append(kept, other)
		if h.from < other.to && other.from < h.to {
			if f := l.excuse(other.asked, e.At); f != nil {
				l.w.except("S1", "a lock has two holders after a failover or a step of the clock", other.ref, f.ref, refOf(e))
			} else {
				l.w.accuse("S1", "a lock has two holders at a time", other.ref, refOf(e))
			}
		}
	}
	s.held = append(kept, h)
	if first, twice := s.fences[e.Fence]; twice && e.Fence > before.fence {
		l.w.accuse("S1", "two holders of a lock have one fence", first, refOf(e))
	}
	s.fences[e.Fence] = refOf(e)
	if e.Fence > s.highest.fence {
		s.highest = fenced{e.Fence, doneBy(e, intent)}
	}
}

// excuse returns a lossy fault or a step of the clock since a lock was taken.
func (l *locks) excuse(from, to time.Duration) *window {
	for i := range l.w.faults.list {
		f := &l.w.faults.list[i]
		if (f.Lossy || f.Kind == history.FaultStep) && f.overlaps(from, to+lossBefore) {
			return f
		}
	}
	return nil
}

// value is what a number in the cache stands for.
type value struct {
	key   string
	until time.Duration // the value is older than an invalidation that begins later: the begin of its load, the end of its Set
	ref   ref
}

// cache is the part of S1 about values.
type cache struct {
	w      *world
	values map[uint64]value
	keys   map[lockKey]certain // the latest begin of an invalidation that has returned
	before map[callKey]certain // the same, when a read began
	all    map[uint8]certain   // of invalidations of all keys
}

func (c *cache) see(e, intent *history.Event) {
	app := c.w.procs[e.Proc].App
	switch {
	case e.Kind == history.KindLoad:
		c.values[e.Number] = value{e.Subject, e.At, refOf(e)}
	case e.Kind == history.KindSetIntent:
		c.values[e.Number] = value{e.Subject, forever, refOf(e)}
	case (e.Kind == history.KindSet || e.Kind == history.KindInvalid) && intent != nil:
		if e.Outcome == history.OK || e.Outcome == history.Absent {
			c.invalidated(app, e, intent)
		}
	case e.Kind == history.KindGetIntent:
		latest := c.keys[lockKey{app, e.Subject}]
		if a := c.all[app]; a.from > latest.from {
			latest = a
		}
		c.before[callKey{e.Proc, e.Call}] = latest
	case e.Kind == history.KindGet && intent != nil:
		key := callKey{e.Proc, e.Call}
		latest := c.before[key]
		delete(c.before, key)
		if e.Outcome == history.OK {
			c.read(e, intent, latest)
		}
	}
}

func (c *cache) invalidated(app uint8, e, intent *history.Event) {
	latest := doneBy(e, intent)
	if e.Kind == history.KindSet {
		v := c.values[intent.Number]
		v.until = e.At
		c.values[intent.Number] = v
	}
	if intent.Subject == "" {
		if c.all == nil {
			c.all = map[uint8]certain{}
		}
		if latest.from > c.all[app].from {
			c.all[app] = latest
		}
		return
	}
	key := lockKey{app, intent.Subject}
	if latest.from > c.keys[key].from {
		c.keys[key] = latest
	}
}

func (c *cache) read(e, intent *history.Event, latest certain) {
	v, ok := c.values[e.Number]
	if !ok || v.key != intent.Subject {
		c.w.accuse("S1", "a read returns a value that was never written under its key", v.ref, refOf(e))
		return
	}
	if v.until >= latest.from {
		return
	}
	// The invalidation began at latest.from and returned before the read began.
	if f := c.w.faults.forgets(latest.from, latest.at); f != nil {
		c.w.except("S1", "servers lost an invalidation", v.ref, latest.ref, f.ref, refOf(e))
		return
	}
	if intent.At-latest.from <= staleTime+reconnecting && c.deaf(e.Proc, intent.At) {
		c.w.except("S1", "a copy of a connection that was deaf is up to 10 s old", v.ref, latest.ref, refOf(e))
		return
	}
	c.w.accuseLate("S1", "a read returns a value older than an invalidation that had returned", v.ref, latest.ref, refOf(e))
}

// deaf reports whether the connection of the process may have been lost lately without its noticing.
func (c *cache) deaf(proc int32, at time.Duration) bool {
	from := at - staleTime - reconnecting
	for i := range c.w.faults.list {
		f := &c.w.faults.list[i]
		mine := f.proc == proc || f.proc < 0
		if mine && f.overlaps(from, at) && f.Kind != history.FaultStep && f.Kind != history.FaultFull {
			return true
		}
	}
	return false
}
