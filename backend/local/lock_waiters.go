package local

import (
	"slices"
	"sync"
	"sync/atomic"
)

// lockWaiters has one queue of waiters for each key whose lock callers wait for. Only the first waiter of a queue tries
// to acquire the lock. Each waiter is a goroutine of a caller, so the number of callers bounds the length of the
// queues.
type lockWaiters struct {
	count atomic.Int64 // the number of all waiters; if it is 0, Unlock need not lock mu

	mu     sync.Mutex
	queues map[string][]waiter
	closed chan struct{} // closed by stop
}

// waiter is a channel that receives a signal when its goroutine may try to acquire the lock: the waiter has become the
// first of its queue, or the lock may be free. The channel buffers one signal.
type waiter chan struct{}

func (w waiter) wake() {
	select {
	case w <- struct{}{}:
	default: // a signal is pending
	}
}

func (l *lockWaiters) init() { l.queues = make(map[string][]waiter) }

func (l *lockWaiters) start() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = make(chan struct{})
}

func (l *lockWaiters) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.closed)
}

// add adds a waiter at the end of the queue for key, and returns the waiter. It also returns a channel that is closed
// when the store closes.
func (l *lockWaiters) add(key string) (waiter, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := make(waiter, 1)
	l.queues[key] = append(l.queues[key], w)
	l.count.Add(1)
	if len(l.queues[key]) == 1 {
		w.wake()
	}
	return w, l.closed
}

// remove removes the waiter w from the queue for key. If w was the first waiter of the queue, remove wakes the next
// waiter.
func (l *lockWaiters) remove(key string, w waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	queue := l.queues[key]
	i := slices.Index(queue, w)
	queue = slices.Delete(queue, i, i+1)
	l.count.Add(-1)
	if len(queue) == 0 {
		delete(l.queues, key)
		return
	}
	l.queues[key] = queue
	if i == 0 {
		queue[0].wake()
	}
}

// wake sends a signal to the first waiter for key. Call wake after the lock of key was freed or its expiry changed.
func (l *lockWaiters) wake(key string) {
	if l.count.Load() == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if queue := l.queues[key]; len(queue) > 0 {
		queue[0].wake()
	}
}
