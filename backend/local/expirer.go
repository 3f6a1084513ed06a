package local

import (
	"sync"
	"sync/atomic"
	"time"
)

// expiryInterval is how far apart sweeps are at least. Nobody sees an expired entry in the meantime; only its memory is
// still in use.
const expiryInterval = int64(100 * time.Millisecond)

// expirer removes what has expired from the store. While something can expire, and the store is open, a timer waits for
// it; nothing runs otherwise.
type expirer struct {
	store       *store
	scheduledAt atomic.Int64 // the moment for which the timer is set, or never

	mu      sync.Mutex
	timer   *time.Timer
	open    bool
	running sync.WaitGroup // one for the timer while it is set, until its sweep is done
}

func (w *expirer) init(s *store) {
	w.store = s
	w.scheduledAt.Store(never)
}

func (w *expirer) start() {
	w.mu.Lock()
	w.open = true
	w.mu.Unlock()
	w.schedule(w.store.nextExpiry())
}

// stop unsets the timer, and waits for the sweep if one is under way.
func (w *expirer) stop() {
	w.mu.Lock()
	w.open = false
	w.scheduledAt.Store(never)
	w.stopTimer()
	w.mu.Unlock()
	w.running.Wait()
}

// schedule makes sure that there is a sweep soon after the moment expires.
func (w *expirer) schedule(expires int64) {
	if expires == never {
		return
	}
	at := (expires/expiryInterval + 1) * expiryInterval
	if at >= w.scheduledAt.Load() {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.open || at >= w.scheduledAt.Load() {
		return
	}
	w.stopTimer()
	w.scheduledAt.Store(at)
	w.running.Add(1)
	w.timer = time.AfterFunc(time.Duration(at-w.store.clock.now()), w.run)
}

// stopTimer stops the timer, unless its sweep has begun. The caller holds the lock.
func (w *expirer) stopTimer() {
	if w.timer != nil && w.timer.Stop() {
		w.running.Done()
	}
}

func (w *expirer) run() {
	defer w.running.Done()
	// First of all: whoever sets an entry from here on sees that no sweep is planned, and plans one. What was set
	// before is seen here.
	w.mu.Lock()
	if w.store.clock.now() >= w.scheduledAt.Load() {
		w.scheduledAt.Store(never)
	}
	w.mu.Unlock()
	w.store.removeExpired(w.store.clock.now())
	w.schedule(w.store.nextExpiry())
}
