package redis

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/redis/rueidis"
)

// waiters holds the goroutines of this node that wait for the end of a lock or of a load. For each partition with waiters
// it is subscribed to the channel on which scripts publish the names that have ended.
//
// Of the waiters for one lock only the first one asks the server, so that an Unlock wakes one caller of each node.
type waiters struct {
	store *store

	mu     sync.Mutex
	queues map[string][]*waiter // by kind and name
	parts  map[int]*listener
	closed chan struct{} // nil: not open; closed by stop
}

// waiter is one waiting goroutine.
type waiter struct {
	id        string // kind and name
	partition int
	signal    chan struct{} // receives a value when the goroutine should look; buffers one
	closed    <-chan struct{}
}

func (w *waiter) wake() {
	select {
	case w.signal <- struct{}{}:
	default: // a signal is pending
	}
}

// listener is the subscription of one partition.
type listener struct {
	waiters int
	cancel  context.CancelFunc
}

func (l *waiters) init(s *store) {
	l.store, l.queues, l.parts = s, make(map[string][]*waiter), make(map[int]*listener)
}

func (l *waiters) start() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = make(chan struct{})
}

func (l *waiters) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed != nil {
		close(l.closed)
		l.closed = nil
	}
}

// add adds a waiter for a name. It returns nil if the backend is closed.
func (l *waiters) add(kind, name string) *waiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed == nil {
		return nil
	}
	w := &waiter{id: kind + name, partition: partition(name), signal: make(chan struct{}, 1), closed: l.closed}
	part := l.parts[w.partition]
	if part == nil {
		part = &listener{}
		if !l.listen(part, w.partition) {
			return nil
		}
		l.parts[w.partition] = part
	}
	part.waiters++
	l.queues[w.id] = append(l.queues[w.id], w)
	if len(l.queues[w.id]) == 1 && kind == lockKind {
		w.wake()
	}
	return w
}

// remove removes a waiter. If it was the first one for its name, remove wakes the next one.
func (l *waiters) remove(w *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	queue := l.queues[w.id]
	i := slices.Index(queue, w)
	queue = slices.Delete(queue, i, i+1)
	l.queues[w.id] = queue
	if len(queue) == 0 {
		delete(l.queues, w.id)
	} else if i == 0 {
		queue[0].wake()
	}
	part := l.parts[w.partition]
	if part.waiters--; part.waiters == 0 {
		part.cancel()
		delete(l.parts, w.partition)
	}
}

// wake wakes the waiters for an id: all that wait for a load, and the first that waits for a lock.
func (l *waiters) wake(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range l.queues[id] {
		w.wake()
		if id[:1] == lockKind {
			return
		}
	}
}

// wakePartition wakes the waiters of a partition, because messages may have been missed.
func (l *waiters) wakePartition(partition int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, queue := range l.queues {
		if queue[0].partition != partition {
			continue
		}
		for i, w := range queue {
			if i == 0 || w.id[:1] != lockKind {
				w.wake()
			}
		}
	}
}

// listen subscribes to the channel of a partition until part.cancel is called or the backend closes. The caller holds
// l.mu.
func (l *waiters) listen(part *listener, partition int) bool {
	c := l.store.core
	ready := make(chan context.CancelFunc, 1)
	ok := c.spawn(func(ctx context.Context, s *session) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		ready <- cancel
		hooked := rueidis.WithOnSubscriptionHook(ctx, func(sub rueidis.PubSubSubscription) {
			l.wakePartition(partition)
		})
		var pause backoff
		for ctx.Err() == nil {
			began := time.Now()
			// Receive returns nil when the slot moves, and an error when the connection is lost. Waiters poll meanwhile.
			_ = s.client.Receive(hooked, s.subscribe(c.channel(s, wakeKind, partition, "")), func(m rueidis.PubSubMessage) { l.wake(m.Message) })
			if time.Since(began) > time.Minute {
				pause = backoff{}
			}
			pause.wait(ctx, s.life)
		}
	})
	if ok {
		part.cancel = <-ready
	}
	return ok
}

// jitter returns a duration from three quarters of d to d.
func jitter(d time.Duration) time.Duration { return d - rand.N(d/4) }
