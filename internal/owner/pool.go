package owner

import (
	"sync"
	"time"
)

const (
	// watchEvery is how often the watchman looks.
	watchEvery = time.Millisecond
	// watchLooks is how many looks a request may last before its owner loses the connection.
	watchLooks = 2
	// watchIdle is after how many looks at nothing the watchman goes home.
	watchIdle = 1000
)

// Pool is the connections of one server, and the watchman who watches the owners that run a request. He is at work only
// while there are any.
type Pool struct {
	maxInFlight int
	owners      sync.WaitGroup
	watchmen    sync.WaitGroup
	quit        chan struct{}

	mu          sync.Mutex
	first, last *Conn // in the order in which their requests began
	look        int64
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
func (p *Pool) enter(c *Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.began, c.before, c.after = p.look, p.last, nil
	if p.last == nil {
		p.first = c
	} else {
		p.last.after = c
	}
	p.last = c
	if !p.atWork {
		p.atWork = true
		p.watchmen.Go(p.watch)
	}
}

// leave says that it is done with it. It returns false if the connection has another owner now.
func (p *Pool) leave(c *Conn, turn uint64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.turn != turn {
		return false
	}
	p.unlink(c)
	return true
}

func (p *Pool) unlink(c *Conn) {
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
	for idle := 0; ; {
		select {
		case <-p.quit:
			return
		case <-ticker.C:
		}
		p.mu.Lock()
		if p.first == nil {
			idle++
		} else {
			idle = 0
		}
		if idle == watchIdle {
			p.atWork = false
			p.mu.Unlock()
			return
		}
		p.look++
		for p.first != nil && p.look-p.first.began > watchLooks {
			late := p.first
			p.unlink(late)
			late.lose()
		}
		p.mu.Unlock()
	}
}
