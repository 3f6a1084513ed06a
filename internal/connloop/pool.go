package connloop

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// watchEvery is how often the watchman looks.
	watchEvery = time.Millisecond
	// watchLooks is how many looks a request may last before its owner loses the connection.
	watchLooks = 2
	// restAfter is for how many looks a connection has not been in use when it is told to rest, and the most by which
	// that may be late.
	restAfter = 1000
)

// Pool is the connections of one server, and the watchman who watches the owners that run a request. He also has the
// connections that are in use no more wait with a small stack: that of a goroutine that has worked hardly shrinks, and is
// most of what an idle connection would take. He is at work only while there are any of these.
type Pool struct {
	maxInFlight int
	owners      sync.WaitGroup
	watchmen    sync.WaitGroup
	quit        chan struct{}
	look        atomic.Int64

	mu          sync.Mutex
	first, last *Loop   // in the order in which their requests began
	grown       []*Loop // those that will have to rest
	atWork      bool
}

// NewPool makes a pool whose connections have at most maxInFlight requests at work at a time, each.
func NewPool(maxInFlight int) *Pool {
	return &Pool{maxInFlight: maxInFlight, quit: make(chan struct{})}
}

// Go runs f, the life of a connection or what brings them, in a goroutine that Wait waits for.
func (p *Pool) Go(f func()) { p.owners.Go(f) }

// Wait waits until all goroutines have ended; the pool cannot be used after it.
func (p *Pool) Wait() {
	p.owners.Wait()
	close(p.quit)
	p.watchmen.Wait()
}

// enter says that the owner begins with a request.
func (p *Pool) enter(c *Loop) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.began, c.before, c.after = p.look.Load(), p.last, nil
	if p.last == nil {
		p.first = c
	} else {
		p.last.after = c
	}
	p.last = c
	p.begin()
}

// leave says that it is done with it. It returns false if the connection has another owner now.
func (p *Pool) leave(c *Loop, turn uint64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.turn != turn {
		return false
	}
	p.unlink(c)
	return true
}

func (p *Pool) unlink(c *Loop) {
	if c.before == nil {
		p.first = c.after
	} else {
		c.before.after = c.after
	}
	if c.after == nil {
		p.last = c.before
	} else {
		c.after.before = c.before
	}
	c.before, c.after = nil, nil
}

// watch is the watchman.
func (p *Pool) watch() {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	for {
		select {
		case <-p.quit:
			return
		case <-ticker.C:
		}
		if !p.lookAround() {
			return
		}
	}
}

// lookAround is one look. It returns false if the watchman may go home.
func (p *Pool) lookAround() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	look := p.look.Add(1)
	for p.first != nil && look-p.first.began > watchLooks {
		late := p.first
		p.unlink(late)
		late.lose()
	}
	if look%restAfter == 0 {
		p.rest(look)
	}
	p.atWork = p.first != nil || len(p.grown) > 0
	return p.atWork
}

// rest tells those to rest that have not been in use for a while; the lock is held.
func (p *Pool) rest(look int64) {
	busy := p.grown[:0]
	for _, c := range p.grown {
		if look-c.used.Load() < restAfter {
			busy = append(busy, c)
			continue
		}
		c.grown.Store(false)
		c.resting.Store(true)
		c.client.Wake()
	}
	clear(p.grown[len(busy):])
	if p.grown = busy; cap(busy) > 64 && len(busy) < cap(busy)/4 {
		p.grown = slices.Clone(busy)
	}
}

// addGrown has the watchman see to it that a connection will rest.
func (p *Pool) addGrown(c *Loop) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.grown.Store(true)
	p.grown = append(p.grown, c)
	p.begin()
}

// begin has the watchman at work; the lock is held.
func (p *Pool) begin() {
	if !p.atWork {
		p.atWork = true
		p.watchmen.Go(p.watch)
	}
}
