package redis

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/redis/rueidis"

	"github.com/actionhero-go/actionhero/backend"
)

// queueWatchers has the channels of Watch by the names of queues.
type queueWatchers struct {
	mu   sync.Mutex
	list map[string][]*queueWatcher
}

type queueWatcher struct{ due chan struct{} } // buffers one value

// notify sends a value to the watchers of a queue.
func (w *queueWatchers) notify(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, one := range w.list[name] {
		select {
		case one.due <- struct{}{}:
		default:
		}
	}
}

// names returns the queues that have watchers.
func (w *queueWatchers) names() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	names := make([]string, 0, len(w.list))
	for name := range w.list {
		names = append(names, name)
	}
	return names
}

// has reports whether all these queues have watchers.
func (w *queueWatchers) has(queues []string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !slices.ContainsFunc(queues, func(name string) bool { return len(w.list[cmp.Or(name, backend.DefaultQueue)]) == 0 })
}

func (w *queueWatchers) any() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.list) > 0
}

// Watch adds a watcher. The server publishes when a queue gets its first due job, and each pulse asks for queues that have
// some. So a lost message delays a notification by about a second.
func (q *queue) Watch(queues ...string) (<-chan struct{}, func()) {
	one := &queueWatcher{make(chan struct{}, 1)}
	var names []string
	for _, name := range queues {
		if name = cmp.Or(name, backend.DefaultQueue); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	w := &q.all.watchers
	w.mu.Lock()
	if w.list == nil {
		w.list = make(map[string][]*queueWatcher)
	}
	for _, name := range names {
		w.list[name] = append(w.list[name], one)
	}
	w.mu.Unlock()
	q.pulseSoon() // some may be due already
	return one.due, sync.OnceFunc(func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, name := range names {
			w.list[name] = slices.DeleteFunc(w.list[name], func(x *queueWatcher) bool { return x == one })
			if len(w.list[name]) == 0 {
				delete(w.list, name)
			}
		}
	})
}

// listen receives the messages of the server until the backend closes.
func (q *shard) listen(ctx context.Context, s *session) {
	hooked := rueidis.WithOnSubscriptionHook(ctx, func(rueidis.PubSubSubscription) { q.pulse.soon(0) }) // messages may have been missed
	var pause backoff
	for ctx.Err() == nil {
		began := time.Now()
		// Receive returns nil when the slot moves, and an error when the connection is lost.
		_ = s.client.Receive(hooked, s.subscribe(q.core.wakeChannel(s, int(q.index))), func(m rueidis.PubSubMessage) { q.heardMessage(m.Message) })
		if time.Since(began) > time.Minute {
			pause = backoff{}
		}
		pause.wait(ctx, s.life)
	}
}

// heardMessage handles a message of wakeChannel.
func (q *shard) heardMessage(text string) {
	if text == "" {
		return
	}
	switch name := text[1:]; text[0] {
	case 'q':
		q.mayBeDue(name)
	case 'd':
		if ms, err := strconv.ParseInt(name, 10, 64); err == nil && q.watchers.any() {
			q.pulse.soon(time.Duration(ms) * time.Millisecond)
		}
	case 'c':
		if inc, err := q.current(); err == nil && inc == name {
			q.pulse.soon(0)
		}
	}
}
