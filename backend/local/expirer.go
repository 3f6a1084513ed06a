package local

import (
	"sync"
	"sync/atomic"
	"time"
)

// expiryInterval is the minimum time between two runs of the expirer, in nanoseconds. Between an entry's expiry and the
// next run, no call finds the entry; only its memory is still in use.
const expiryInterval = int64(100 * time.Millisecond)

// expirer removes expired entries and locks from the store. It has a timer only while the store is open and an item can
// expire. Between two runs it has no goroutine.
type expirer struct {
	store       *store
	scheduledAt atomic.Int64 // the clock time of the next run, or never

	mu      sync.Mutex
	timer   *time.Timer
	open    bool
	running sync.WaitGroup // counts 1 from the time at which the timer is set to the end of the run
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

// stop stops the timer. If a run of the expirer has begun, stop waits until the run has ended.
func (e *expirer) stop() {
	e.mu.Lock()
	e.open = false
	e.scheduledAt.Store(never)
	e.stopTimer()
	e.mu.Unlock()
	e.running.Wait()
}

// schedule ensures that the expirer runs at most expiryInterval after the clock time in the argument expires. It does
// nothing if the argument is the constant never or if the expirer is stopped.
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

// stopTimer stops the timer. If the timer has started a run already, stopTimer does not stop that run. The caller holds
// e.mu.
func (e *expirer) stopTimer() {
	if e.timer != nil && e.timer.Stop() {
		e.running.Done()
	}
}

func (e *expirer) run() {
	defer e.running.Done()
	// Reset scheduledAt before removing: a goroutine that adds an item from now on schedules another run, and items
	// that were added before are removed by this run.
	e.mu.Lock()
	if e.store.clock.now() >= e.scheduledAt.Load() {
		e.scheduledAt.Store(never)
	}
	e.mu.Unlock()
	e.store.removeExpired(e.store.clock.now())
	e.schedule(e.store.nextExpiry())
}
