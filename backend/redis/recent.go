package redis

import (
	"sync"
	"sync/atomic"
	"time"
)

// recentFor is the time after a write of this process in which Get reads the key from the server. The server's report of
// the change removes the copy in the meantime. If the report is lost together with its connection, so are all copies.
const recentFor = time.Second

// recentWrites holds the keys that this process has written lately. The report of the server that a key has changed comes
// after the reply to the write, so a copy of the old value may still be there when the write returns.
type recentWrites struct {
	last    atomic.Int64 // the time of the last write, as uptime
	mu      sync.Mutex
	until   map[string]time.Time
	cleanAt int // the number of keys at which add removes the old ones
}

func (r *recentWrites) add(key string) {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.until == nil {
		r.until = make(map[string]time.Time)
	}
	r.last.Store(int64(uptime()))
	r.until[key] = now.Add(recentFor)
	if len(r.until) <= r.cleanAt {
		return
	}
	for k, until := range r.until {
		if now.After(until) {
			delete(r.until, k)
		}
	}
	r.cleanAt = max(1024, 2*len(r.until))
}

func (r *recentWrites) has(key string) bool {
	if last := r.last.Load(); last == 0 || int64(uptime())-last > int64(recentFor) {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	until, ok := r.until[key]
	return ok && time.Now().Before(until)
}
