package tcp

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// watchEvery is how often the watchman looks.
	watchEvery = time.Millisecond
	// watchLooks is how many looks a request may last before its owner loses the connection.
	watchLooks = 2
	// watchRest is for how many looks a connection has not been in use when it is told to rest, and the most by which
	// that may be late.
	watchRest = 1000
)

// watchman watches the owners that run a request, and has connections that are in use no more wait with a small stack:
// that of a goroutine that has worked never shrinks to what waiting takes, which is most of an idle connection's
// memory. It is at work only while there are any of these.
type watchman struct {
	server *Server
	look   atomic.Int64

	mu          sync.Mutex
	first, last *session   // in the order in which their requests began
	grown       []*session // those that will have to rest
	atWork      bool
	quit        chan struct{}
}

// use says that a connection is in use now.
func (w *watchman) use(ss *session) {
	ss.used.Store(w.look.Load())
	if ss.grown.Load() {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	ss.grown.Store(true)
	w.grown = append(w.grown, ss)
	w.begin()
}

// begin has the watchman at work; the lock is held.
func (w *watchman) begin() {
	if !w.atWork {
		w.atWork = true
		w.server.pool.Go(w.run)
	}
}

// enter says that the owner begins with a request.
func (w *watchman) enter(ss *session) {
	w.mu.Lock()
	defer w.mu.Unlock()
	ss.began, ss.before, ss.after = w.look.Load(), w.last, nil
	if w.last == nil {
		w.first = ss
	} else {
		w.last.after = ss
	}
	w.last = ss
	w.begin()
}

// leave says that it is done with it. It returns false if the connection has another owner now.
func (w *watchman) leave(ss *session, turn uint64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if ss.turn != turn {
		return false
	}
	w.unlink(ss)
	return true
}

func (w *watchman) unlink(ss *session) {
	if ss.before == nil {
		w.first = ss.after
	} else {
		ss.before.after = ss.after
	}
	if ss.after == nil {
		w.last = ss.before
	} else {
		ss.after.before = ss.before
	}
	ss.before, ss.after = nil, nil
}

func (w *watchman) run() {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	for {
		select {
		case <-w.quit:
			return
		case <-ticker.C:
		}
		if !w.watch() {
			return
		}
	}
}

// watch is one look. It returns false if the watchman may go home.
func (w *watchman) watch() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	look := w.look.Add(1)
	for w.first != nil && look-w.first.began > watchLooks {
		w.replace(w.first)
	}
	if look%watchRest == 0 {
		w.rest(look)
	}
	w.atWork = w.first != nil || len(w.grown) > 0
	return w.atWork
}

// rest tells those to rest that have not been in use for a while; the lock is held.
func (w *watchman) rest(look int64) {
	busy := w.grown[:0]
	for _, ss := range w.grown {
		if look-ss.used.Load() < watchRest {
			busy = append(busy, ss)
			continue
		}
		ss.grown.Store(false)
		ss.resting.Store(true)
		_ = ss.nc.SetReadDeadline(time.Now())
	}
	clear(w.grown[len(busy):])
	if w.grown = busy; cap(busy) > 64 && len(busy) < cap(busy)/4 {
		w.grown = slices.Clone(busy)
	}
}

// replace gives a connection another owner.
func (w *watchman) replace(ss *session) {
	w.unlink(ss)
	ss.turn++
	if ss.wake == nil {
		ss.wake = make(chan struct{}, 1)
	}
	ss.waiting, ss.next = slices.Clone(ss.waiting[ss.next:]), 0
	ss.in.abandon()
	w.server.running.Go(ss.own)
}
