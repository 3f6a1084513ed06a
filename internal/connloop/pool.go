package connloop

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// tickInterval is the time between two scans of the monitor.
	tickInterval = time.Millisecond
	// handoffTicks is the number of ticks after which a running request causes a handoff.
	handoffTicks = 2
	// parkAfter is the number of ticks without use after which a connection is parked. It is also the interval, in
	// ticks, of looking for these connections, so parking may be late by up to as much.
	parkAfter = 1000
)

// Pool holds the connections of one server and their monitor.
//
// The monitor hands off connections whose request runs for too long. The monitor also parks connections that have been
// unused for about a second: they continue in a fresh goroutine, because a used goroutine's stack rarely shrinks and
// would be most of an idle connection's memory. The monitor stops when no connection is busy or waiting to be parked.
type Pool struct {
	maxInFlight int
	loops       sync.WaitGroup
	monitors    sync.WaitGroup
	quit        chan struct{}
	tick        atomic.Int64

	mu          sync.Mutex
	first, last *Loop   // the loops that run a request, in the order in which the requests started
	unparked    []*Loop // the loops that are to be parked when they are unused
	monitoring  bool
}

// NewPool returns a pool. Each of its connections may have maxInFlight requests in flight at a time.
func NewPool(maxInFlight int) *Pool {
	return &Pool{maxInFlight: maxInFlight, quit: make(chan struct{})}
}

// Go runs f in a goroutine that Wait waits for. f is the life of a connection, or a listener that brings connections.
func (p *Pool) Go(f func()) { p.loops.Go(f) }

// Wait blocks until all goroutines have ended. The pool cannot be used afterwards.
func (p *Pool) Wait() {
	p.loops.Wait()
	close(p.quit)
	p.monitors.Wait()
}

// track adds a loop that starts a request to those that the monitor watches.
func (p *Pool) track(l *Loop) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l.startTick, l.prev, l.next = p.tick.Load(), p.last, nil
	if p.last == nil {
		p.first = l
	} else {
		p.last.next = l
	}
	p.last = l
	p.startMonitor()
}

// untrack removes a loop whose request has ended. It returns false if the connection was handed off since handoffs was
// read.
func (p *Pool) untrack(l *Loop, handoffs uint64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l.handoffs != handoffs {
		return false
	}
	p.unlink(l)
	return true
}

func (p *Pool) unlink(l *Loop) {
	if l.prev == nil {
		p.first = l.next
	} else {
		l.prev.next = l.next
	}
	if l.next == nil {
		p.last = l.prev
	} else {
		l.next.prev = l.prev
	}
	l.prev, l.next = nil, nil
}

// monitor scans every tickInterval until there is nothing to watch.
func (p *Pool) monitor() {
	ticker := time.NewTicker(tickInterval)
	defer ticker.Stop()
	for {
		select {
		case <-p.quit:
			return
		case <-ticker.C:
		}
		if !p.scan() {
			return
		}
	}
}

// scan hands off the connections whose request runs for too long, and every parkAfter ticks parks the unused ones. It
// returns false if the monitor may stop.
func (p *Pool) scan() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	tick := p.tick.Add(1)
	for p.first != nil && tick-p.first.startTick > handoffTicks {
		slow := p.first
		p.unlink(slow)
		slow.handoff()
	}
	if tick%parkAfter == 0 {
		p.parkUnused(tick)
	}
	p.monitoring = p.first != nil || len(p.unparked) > 0
	return p.monitoring
}

// parkUnused requests the parking of connections that have been unused for parkAfter ticks. The caller must hold the
// lock.
func (p *Pool) parkUnused(tick int64) {
	used := p.unparked[:0]
	for _, l := range p.unparked {
		if tick-l.lastUsed.Load() < parkAfter {
			used = append(used, l)
			continue
		}
		l.unparked.Store(false)
		l.parkRequested.Store(true)
		l.conn.Wake()
	}
	clear(p.unparked[len(used):])
	if p.unparked = used; cap(used) > 64 && len(used) < cap(used)/4 {
		p.unparked = slices.Clone(used)
	}
}

// addUnparked makes the monitor park a connection when it is unused.
func (p *Pool) addUnparked(l *Loop) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l.unparked.Store(true)
	p.unparked = append(p.unparked, l)
	p.startMonitor()
}

// startMonitor starts the monitor unless it is running. The caller must hold the lock.
func (p *Pool) startMonitor() {
	if !p.monitoring {
		p.monitoring = true
		p.monitors.Go(p.monitor)
	}
}
