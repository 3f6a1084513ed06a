package actionhero

import (
	"sync"
	"time"
)

// expiryPause is the time between two looks for connections whose identities have expired.
const expiryPause = 5 * time.Second

// expiredReason is the reason that the client of a closed connection reads.
const expiredReason = "your login has expired: connect again"

// expiry closes the connections whose identities have expired. It looks only while there are identities that expire.
type expiry struct {
	mu    sync.Mutex
	timer *time.Timer // nil while there is nothing to look for
	more  bool        // watch was called since the last look began
}

// watch makes e look at the connections of the API.
func (e *expiry) watch(api *API) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.more = true
	if e.timer == nil {
		e.timer = time.AfterFunc(expiryPause, func() { e.look(api) })
	}
}

func (e *expiry) look(api *API) {
	e.mu.Lock()
	e.more = false
	e.mu.Unlock()
	e.again(e.closeExpired(api))
}

// closeExpired closes the connections whose identities have expired, and reports whether an identity expires.
func (e *expiry) closeExpired(api *API) (more bool) {
	now := time.Now()
	for c := range api.Rooms.conns.all {
		id := c.identity.Load()
		if id == nil || id.ExpiresAt.IsZero() {
			continue
		}
		if more = true; !now.Before(id.ExpiresAt) {
			c.closeForLogin(expiredReason)
		}
	}
	return more
}

// again plans the next look. more is false if the last one has seen no identity that expires.
func (e *expiry) again(more bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.timer == nil { // stopped
		return
	}
	if more || e.more {
		e.timer.Reset(expiryPause)
	} else {
		e.timer = nil
	}
}

// stop ends the looking.
func (e *expiry) stop() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.timer != nil {
		e.timer.Stop()
		e.timer = nil
	}
}
