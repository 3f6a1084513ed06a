package local

import (
	"slices"
	"sync"
	"sync/atomic"
)

// waiting is who waits for locks: a queue for each key, in which only the first one tries. Whoever waits does so in a
// goroutine of its own, so the queues are as long as callers let them become.
type waiting struct {
	n atomic.Int64 // how many wait, so that unlocking what nobody waits for costs nothing

	mu     sync.Mutex
	queues map[string][]turn
	closed chan struct{} // closed while the store is
}

// turn tells the one that has it to try: it has become the first, or the lock may be free. It keeps one signal.
type turn chan struct{}

func (t turn) signal() {
	select {
	case t <- struct{}{}:
	default: // one is there already
	}
}

func (w *waiting) init() { w.queues = make(map[string][]turn) }

func (w *waiting) start() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = make(chan struct{})
}

func (w *waiting) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.closed)
}

// join returns a turn at the end of the queue for key, and what is closed when the store is.
func (w *waiting) join(key string) (turn, <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := make(turn, 1)
	w.queues[key] = append(w.queues[key], t)
	w.n.Add(1)
	if len(w.queues[key]) == 1 {
		t.signal()
	}
	return t, w.closed
}

// leave takes t out of the queue for key. If it was the first, the next one is now.
func (w *waiting) leave(key string, t turn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	queue := w.queues[key]
	i := slices.Index(queue, t)
	queue = slices.Delete(queue, i, i+1)
	w.n.Add(-1)
	if len(queue) == 0 {
		delete(w.queues, key)
		return
	}
	w.queues[key] = queue
	if i == 0 {
		queue[0].signal()
	}
}

// wake lets the first of those that wait for key try. Call it after what it is told of has been done.
func (w *waiting) wake(key string) {
	if w.n.Load() == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if queue := w.queues[key]; len(queue) > 0 {
		queue[0].signal()
	}
}
