package web

import (
	"fmt"
	"net/http"
	"runtime"
	"runtime/debug"
	"sync"
)

// workers run the handlers of HTTP/2 requests. net/http serves each stream in a new goroutine, whose small stack would be
// copied several times while the handler runs. The stack of a worker has grown before. Workers that are not needed end with
// the next sweep of the pacer, and all with a stop.
type workers struct {
	serve func(http.ResponseWriter, *http.Request)
	pacer *pacer // its sweep trims the workers

	mu      sync.Mutex
	idle    []*worker
	spare   int  // the smallest number of idle workers since the last trim
	stopped bool // no worker becomes idle
}

// worker is one goroutine that runs one handler at a time.
type worker struct {
	w     http.ResponseWriter
	r     *http.Request
	begin chan struct{} // a handler is to run; closed: the worker ends
	ended chan outcome
}

// outcome is how a handler has ended. The zero outcome is the one of a handler that has returned.
type outcome struct {
	abnormal bool // by a panic, or by runtime.Goexit if panicked is nil; the worker has ended, too
	panicked any
	stack    string
}

// do runs serve with w and r in a worker and blocks until it has ended, as if do had called it.
func (p *workers) do(w http.ResponseWriter, r *http.Request) outcome {
	worker := p.take()
	worker.w, worker.r = w, r
	worker.begin <- struct{}{}
	end := <-worker.ended
	if worker.w, worker.r = nil, nil; !end.abnormal {
		p.give(worker)
	}
	return end
}

func (p *workers) take() *worker {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle)
	if n == 0 {
		p.spare = 0
		worker := &worker{begin: make(chan struct{}, 1), ended: make(chan outcome, 1)}
		go worker.run(p.serve)
		return worker
	}
	last := p.idle[n-1]
	p.idle[n-1] = nil
	p.idle = p.idle[:n-1]
	p.spare = min(p.spare, n-1)
	return last
}

func (p *workers) give(w *worker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		close(w.begin)
		return
	}
	p.idle = append(p.idle, w)
	p.pacer.arm()
}

// stop ends the workers that are idle, and the others when their handlers have ended. start undoes stop.
func (p *workers) stop() {
	p.mu.Lock()
	p.stopped = true
	p.mu.Unlock()
	p.trim(true)
}

func (p *workers) start() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = false
}

// trim ends the workers that were idle since the last trim, or all idle ones.
func (p *workers) trim(all bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.spare
	if all {
		n = len(p.idle)
	}
	for _, w := range p.idle[:n] {
		close(w.begin)
	}
	rest := copy(p.idle, p.idle[n:])
	clear(p.idle[rest:])
	p.idle = p.idle[:rest]
	p.spare = rest
}

func (w *worker) run(serve func(http.ResponseWriter, *http.Request)) {
	for range w.begin {
		if !w.call(serve) {
			return
		}
	}
}

// call calls serve and reports how it ends. After an abnormal end, call returns false, or ends the goroutine: a panic that is
// recovered while the goroutine ends does not stop its end.
func (w *worker) call(serve func(http.ResponseWriter, *http.Request)) (returned bool) {
	defer func() {
		end := outcome{abnormal: !returned}
		if end.abnormal {
			if end.panicked = recover(); end.panicked != nil && end.panicked != http.ErrAbortHandler {
				end.stack = string(debug.Stack())
			}
		}
		w.ended <- end
	}()
	serve(w.w, w.r)
	return true
}

// serveStream serves an HTTP/2 request. A panic and runtime.Goexit end the goroutine of the stream as without a worker.
func (s *Server) serveStream(w http.ResponseWriter, r *http.Request) {
	end := s.workers.do(w, r)
	switch {
	case !end.abnormal:
	case end.panicked == nil:
		runtime.Goexit()
	case end.panicked != http.ErrAbortHandler:
		s.api.Log().Error("a fault in a web request", "to", r.RemoteAddr, "panic", fmt.Sprint(end.panicked), "stack", end.stack)
		fallthrough
	default:
		panic(http.ErrAbortHandler)
	}
}
