package local

import (
	"slices"
	"sync"
	"sync/atomic"
)

// lockWaiters is who waits for locks: a queue for each key, in which only the first one tries. Whoever waits does so in a
// goroutine of its own, so the queues are as long as callers let them become.
type lockWaiters struct {
	count atomic.Int64 // how many wait, so that unlocking what nobody waits for costs nothing

	mu     sync.Mutex
	queues map[string][]waiter
	closed chan struct{} // closed while the store is
}

// waiter tells the one that has it to try: it has become the first, or the lock may be free. It keeps one signal.
type waiter chan struct{}

func (t waiter) wake() {
	select {
	case t <- struct{}{}:
	default: // one is there already
	}
}

func (w *lockWaiters) init() { w.queues = make(map[string][]waiter) }

func (w *lockWaiters) start() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = make(chan struct{})
}

func (w *lockWaiters) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.closed)
}

// add returns a turn at the end of the queue for key, and what is closed when the store is.
func (w *lockWaiters) add(key string) (waiter, <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := make(waiter, 1)
	w.queues[key] = append(w.queues[key], t)
	w.count.Add(1)
	if len(w.queues[key]) == 1 {
		t.wake()
	}
	return t, w.closed
}

// remove takes t out of the queue for key. If it was the first, the next one is now.
func (w *lockWaiters) remove(key string, t waiter) {
	w.mu.Lock()
	defer w.mu.Unlock()
	queue := w.queues[key]
	i := slices.Index(queue, t)
	queue = slices.Delete(queue, i, i+1)
	w.count.Add(-1)
	if len(queue) == 0 {
		delete(w.queues, key)
		return
	}
	w.queues[key] = queue
	if i == 0 {
		queue[0].wake()
	}
}

// wake lets the first of those that wait for key try. Call it after what it is told of has been done.
func (w *lockWaiters) wake(key string) {
	if w.count.Load() == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if queue := w.queues[key]; len(queue) > 0 {
		queue[0].wake()
	}
}
