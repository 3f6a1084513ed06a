package queue

import (
	"cmp"
	"slices"
	"sync"

	"github.com/actionhero-go/actionhero/backend"
)

// watcher has the channel that one call of Watch returned. The channel receives a value when jobs of the watcher's
// queues become due.
type watcher struct {
	queues []string
	due    chan struct{} // buffers one value
}

func (w *watcher) notify() {
	select {
	case w.due <- struct{}{}:
	default:
	}
}

// watchers maps the name of a queue to the watchers of that queue. A queue without jobs can have watchers, too.
type watchers map[string][]*watcher

// Watch implements [backend.Queue.Watch]. The returned channel buffers one value.
func (q *Queue) Watch(queues ...string) (<-chan struct{}, func()) {
	w := &watcher{due: make(chan struct{}, 1)}
	for _, name := range queues {
		if name = cmp.Or(name, backend.DefaultQueue); !slices.Contains(w.queues, name) {
			w.queues = append(w.queues, name)
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, name := range w.queues {
		q.watchers[name] = append(q.watchers[name], w)
		if state := q.jobs.findQueue(name); state != nil {
			state.watchers = q.watchers[name]
			if len(state.priorities) > 0 || state.crashed.n > 0 {
				w.notify()
			}
		}
	}
	return w.due, sync.OnceFunc(func() { q.unwatch(w) })
}

func (q *Queue) unwatch(w *watcher) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, name := range w.queues {
		left := slices.DeleteFunc(slices.Clone(q.watchers[name]), func(x *watcher) bool { return x == w })
		if q.watchers[name] = left; len(left) == 0 {
			delete(q.watchers, name)
		}
		if state := q.jobs.findQueue(name); state != nil {
			state.watchers = left
		}
	}
}
