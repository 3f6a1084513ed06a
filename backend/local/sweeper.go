package local

import (
	"sync"
	"sync/atomic"
	"time"
)

// sweepGrid is how far apart sweeps are at least. Nobody sees an expired entry in the meantime; only its memory is
// still in use.
const sweepGrid = int64(100 * time.Millisecond)

// sweeper removes what has expired from the store. While something can expire, and the store is open, a timer waits for
// it; nothing runs otherwise.
type sweeper struct {
	store *store
	wake  atomic.Int64 // the moment for which the timer is set, or never

	mu      sync.Mutex
	timer   *time.Timer
	open    bool
	running sync.WaitGroup // one for the timer while it is set, until its sweep is done
}

func (w *sweeper) init(s *store) {
	w.store = s
	w.wake.Store(never)
}

func (w *sweeper) start() {
	w.mu.Lock()
	w.open = true
	w.mu.Unlock()
	w.expect(w.store.nextExpiry())
}

// stop unsets the timer, and waits for the sweep if one is under way.
func (w *sweeper) stop() {
	w.mu.Lock()
	w.open = false
	w.wake.Store(never)
	w.unset()
	w.mu.Unlock()
	w.running.Wait()
}

// expect makes sure that there is a sweep soon after the moment expires.
func (w *sweeper) expect(expires int64) {
	if expires == never {
		return
	}
	at := (expires/sweepGrid + 1) * sweepGrid
	if at >= w.wake.Load() {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.open || at >= w.wake.Load() {
		return
	}
	w.unset()
	w.wake.Store(at)
	w.running.Add(1)
	w.timer = time.AfterFunc(time.Duration(at-w.store.clock.now()), w.run)
}

// unset stops the timer, unless its sweep has begun. The caller holds the lock.
func (w *sweeper) unset() {
	if w.timer != nil && w.timer.Stop() {
		w.running.Done()
	}
}

func (w *sweeper) run() {
	defer w.running.Done()
	// First of all: whoever sets an entry from here on sees that no sweep is planned, and plans one. What was set
	// before is seen here.
	w.mu.Lock()
	if w.store.clock.now() >= w.wake.Load() {
		w.wake.Store(never)
	}
	w.mu.Unlock()
	w.store.removeExpired(w.store.clock.now())
	w.expect(w.store.nextExpiry())
}
