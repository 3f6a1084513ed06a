package local

import (
	"sync"
	"sync/atomic"
	"time"
)

// expiryInterval is the least time between two runs of the expirer. An expired entry is not found in the meantime; only
// its memory is still in use.
const expiryInterval = int64(100 * time.Millisecond)

// expirer removes expired entries and locks from the store. It has a timer while the store is open and an item can
// expire, and no goroutine between runs.
type expirer struct {
	store       *store
	scheduledAt atomic.Int64 // the clock time of the next run, or never

	mu      sync.Mutex
	timer   *time.Timer
	open    bool
	running sync.WaitGroup // 1 from setting the timer to the end of its run
}

func (e *expirer) init(s *store) {
	e.store = s
	e.scheduledAt.Store(never)
}

func (e *expirer) start() {
	e.mu.Lock()
	e.open = true
	e.mu.Unlock()
	e.schedule(e.store.nextExpiry())
}

// stop stops the timer, and waits for a run that has begun.
func (e *expirer) stop() {
	e.mu.Lock()
	e.open = false
	e.scheduledAt.Store(never)
	e.stopTimer()
	e.mu.Unlock()
	e.running.Wait()
}

// schedule ensures a run at most expiryInterval after the clock time expires.
func (e *expirer) schedule(expires int64) {
	if expires == never {
		return
	}
	at := (expires/expiryInterval + 1) * expiryInterval
	if at >= e.scheduledAt.Load() {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.open || at >= e.scheduledAt.Load() {
		return
	}
	e.stopTimer()
	e.scheduledAt.Store(at)
	e.running.Add(1)
	e.timer = time.AfterFunc(time.Duration(at-e.store.clock.now()), e.run)
}

// stopTimer stops the timer, unless its run has begun. The caller holds e.mu.
func (e *expirer) stopTimer() {
	if e.timer != nil && e.timer.Stop() {
		e.running.Done()
	}
}

func (e *expirer) run() {
	defer e.running.Done()
	// Reset scheduledAt before removing: a goroutine that adds an item from now on schedules a run of its own, and items
	// that were added before are seen here.
	e.mu.Lock()
	if e.store.clock.now() >= e.scheduledAt.Load() {
		e.scheduledAt.Store(never)
	}
	e.mu.Unlock()
	e.store.removeExpired(e.store.clock.now())
	e.schedule(e.store.nextExpiry())
}
