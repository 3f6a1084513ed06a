package queue

import (
	"cmp"
	"slices"
	"sync"

	"github.com/actionhero-go/actionhero/backend"
)

// Watch is backend.Queue's.
func (q *Queue) Watch(queues ...string) (<-chan struct{}, func()) {
	w := &watcher{due: make(chan struct{}, 1)}
	for _, name := range queues {
		if name = cmp.Or(name, backend.DefaultQueue); !slices.Contains(w.lanes, name) {
			w.lanes = append(w.lanes, name)
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, name := range w.lanes {
		q.watchers[name] = append(q.watchers[name], w)
		if l := q.jobs.lanes.find(name); l != nil {
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
	for _, name := range w.lanes {
		left := slices.DeleteFunc(slices.Clone(q.watchers[name]), func(x *watcher) bool { return x == w })
		if q.watchers[name] = left; len(left) == 0 {
			delete(q.watchers, name)
		}
		if l := q.jobs.lanes.find(name); l != nil {
			l.watchers = left
		}
	}
}
