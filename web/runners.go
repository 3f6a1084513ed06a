package web

import (
	"net"
	"sync"
)

// runners are the goroutines that serve connections, one connection at a time. The small stack of a new goroutine would be
// copied several times during the first request, which is all that many connections have. The stack of a runner has grown
// before. Runners that are not needed end with the next sweep of the reaper, and all with stop.
type runners struct {
	serve func(net.Conn)

	mu      sync.Mutex
	idle    []*runner
	spare   int // the smallest number of idle runners since the last trim
	stopped bool
	waiting sync.WaitGroup // for the runners in idle, and those that trim has ended
}

// runner is one goroutine.
type runner struct {
	next chan net.Conn // closed: the runner ends
}

// run serves nc in a runner.
func (p *runners) run(nc net.Conn) {
	if r := p.take(); r != nil {
		r.next <- nc
		return
	}
	r := &runner{next: make(chan net.Conn, 1)}
	r.next <- nc
	go p.loop(r)
}

func (p *runners) take() *runner {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle) - 1
	if n < 0 {
		p.spare = 0
		return nil
	}
	last := p.idle[n]
	p.idle[n] = nil
	p.idle, p.spare = p.idle[:n], min(p.spare, n)
	p.waiting.Done()
	return last
}

// loop is the goroutine of a runner. A handler that ends it with [runtime.Goexit] ends the runner.
func (p *runners) loop(r *runner) {
	for nc := range r.next {
		p.serve(nc)
		if !p.give(r) {
			return
		}
	}
	p.waiting.Done()
}

// give makes r idle. After stop, give returns false, and r ends.
func (p *runners) give(r *runner) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return false
	}
	p.waiting.Add(1)
	p.idle = append(p.idle, r)
	return true
}

// trim ends the runners that were idle since the last trim.
func (p *runners) trim() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.end(p.spare)
	p.spare = len(p.idle)
}

// end ends the first n idle runners. The caller must hold p.mu.
func (p *runners) end(n int) {
	for _, r := range p.idle[:n] {
		close(r.next)
	}
	rest := copy(p.idle, p.idle[n:])
	clear(p.idle[rest:])
	p.idle = p.idle[:rest]
}

// stop ends the idle runners, waits for their end, and makes the others end when their connections have ended.
func (p *runners) stop() {
	p.mu.Lock()
	p.stopped = true
	p.end(len(p.idle))
	p.mu.Unlock()
	p.waiting.Wait()
}
