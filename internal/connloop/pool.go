package connloop

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// tickInterval is the time between two scans of the monitor.
	tickInterval = time.Millisecond
	// handoffTicks is the number of ticks after which a running request causes a handoff: the connection continues in a
	// new goroutine, while the old goroutine finishes the request.
	handoffTicks = 2
	// parkAfter is the number of ticks without use after which a connection is parked, that is, moved to a new
	// goroutine with a small stack. The monitor looks for unused connections every parkAfter ticks, so parking may be
	// up to parkAfter ticks late.
	parkAfter = 1000
)

// Pool holds the connections of one server and their monitor.
//
// The monitor is a goroutine that hands off connections whose request runs for too long. The monitor also parks
// connections that have been unused for about a second: a parked connection continues in a new goroutine. The reason is
// that the stack of a used goroutine rarely shrinks and would be most of the memory of an idle connection. The monitor
// stops when no connection runs a request or waits to be parked.
type Pool struct {
	ctx         context.Context // parent of the contexts of the connections
	maxInFlight int
	loops       sync.WaitGroup
	monitors    sync.WaitGroup
	quit        chan struct{}
	tick        atomic.Int64
	yields      atomic.Bool // the process has one processor; see Loop.sendInTurn

	mu          sync.Mutex
	first, last *Loop   // the loops that run a request, in the order in which the requests started
	unparked    []*Loop // the loops to park when they are unused
	monitoring  bool
}

// NewPool returns a pool without connections. Each connection of the pool may have at most maxInFlight requests in
// flight. The context of each connection is a child of ctx.
func NewPool(ctx context.Context, maxInFlight int) *Pool {
	p := &Pool{ctx: ctx, maxInFlight: maxInFlight, quit: make(chan struct{})}
	p.countProcessors()
	return p
}

// countProcessors sets p.yields. Go changes the number of processors when the limits of a container change.
func (p *Pool) countProcessors() { p.yields.Store(runtime.GOMAXPROCS(0) == 1) }

// Go runs f in a new goroutine, for which [Pool.Wait] waits. f runs a connection, or a listener that accepts
// connections.
func (p *Pool) Go(f func()) { p.loops.Go(f) }

// Wait blocks until all functions passed to Go have returned, and stops the monitor. The pool cannot be used
// afterwards.
func (p *Pool) Wait() {
	p.loops.Wait()
	close(p.quit)
	p.monitors.Wait()
}

// track adds a loop that starts a request to the loops that the monitor checks.
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

// untrack removes the loop l from the loops that the monitor checks, because the request of l has ended. handoffs is
// the value of l.handoffs before the request. If the monitor has handed off the connection during the request, untrack
// returns false and changes nothing.
func (p *Pool) untrack(l *Loop, handoffs uint32) bool {
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

// monitor calls scan every tickInterval. It returns when no loop needs the monitor, or when Wait closes the channel
// p.quit.
func (p *Pool) monitor() {
	var found chosen
	ticker := time.NewTicker(tickInterval)
	defer ticker.Stop()
	for {
		select {
		case <-p.quit:
			return
		case <-ticker.C:
		}
		if !p.scan(&found) {
			return
		}
	}
}

// chosen holds the connections that the monitor handles in one tick.
type chosen struct{ slow, idle []*Loop }

// scan hands off the connections whose request runs for too long. Every parkAfter ticks, scan also parks the unused
// connections. It returns false if the monitor may stop. The methods of the connections are called without the lock:
// they may take their time, and other connections must not wait.
func (p *Pool) scan(c *chosen) (more bool) {
	more = p.choose(c)
	for _, l := range c.slow {
		l.handoff()
	}
	for _, l := range c.idle {
		l.conn.Wake()
	}
	clear(c.slow)
	clear(c.idle)
	return more
}

// choose begins the next tick: it collects in c the connections to hand off and to park.
func (p *Pool) choose(c *chosen) (more bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.slow, c.idle = c.slow[:0], c.idle[:0]
	tick := p.tick.Add(1)
	for p.first != nil && tick-p.first.startTick > handoffTicks {
		slow := p.first
		p.unlink(slow)
		slow.beginHandoff()
		c.slow = append(c.slow, slow)
	}
	if tick%parkAfter == 0 {
		p.countProcessors()
		p.chooseIdle(c, tick)
	}
	p.monitoring = p.first != nil || len(p.unparked) > 0
	return p.monitoring
}

// chooseIdle requests the parking of all connections that have been unused for parkAfter ticks. A parked connection
// continues in a new goroutine. tick is the number of the current tick. The caller must hold p.mu.
func (p *Pool) chooseIdle(c *chosen, tick int64) {
	used := p.unparked[:0]
	for _, l := range p.unparked {
		if tick-l.lastUsed.Load() < parkAfter {
			used = append(used, l)
			continue
		}
		l.unparked.Store(false)
		l.parkRequested.Store(true)
		c.idle = append(c.idle, l)
	}
	clear(p.unparked[len(used):])
	if p.unparked = used; cap(used) > 64 && len(used) < cap(used)/4 {
		p.unparked = slices.Clone(used)
	}
}

// addUnparked adds a loop to the loops that the monitor parks when they are unused.
func (p *Pool) addUnparked(l *Loop) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l.unparked.Store(true)
	p.unparked = append(p.unparked, l)
	p.startMonitor()
}

// startMonitor starts the monitor goroutine if it is not running. The caller must hold p.mu.
func (p *Pool) startMonitor() {
	if !p.monitoring {
		p.monitoring = true
		p.monitors.Go(p.monitor)
	}
}
