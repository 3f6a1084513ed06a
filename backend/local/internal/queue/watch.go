package queue

import (
	"cmp"
	"slices"
	"sync"

	"github.com/actionhero-go/actionhero/backend"
)

// watcher is told when jobs of some queues become due.
type watcher struct {
	queues []string
	due    chan struct{} // has room for one
}

func (w *watcher) tell() {
	select {
	case w.due <- struct{}{}:
	default:
	}
}

// watchers are known by the names of the queues, some of which may have no jobs.
type watchers map[string][]*watcher

// Watch is backend.Queue's.
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
		if l := q.jobs.findQueue(name); l != nil {
			l.watchers = q.watchers[name]
			if len(l.lines) > 0 || l.suspects.n > 0 {
				w.tell()
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
		if l := q.jobs.findQueue(name); l != nil {
			l.watchers = left
		}
	}
}
