package actionhero

import (
	"context"
	"time"
)

// RoomsHere returns how many rooms this node keeps in memory.
func (r *Rooms) RoomsHere() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.rooms)
}

// RoomsWithMemory returns for how many rooms the map of rooms has had memory since it was built.
func (r *Rooms) RoomsWithMemory() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.peak
}

// HalfMove brings a client as far as the middle of a Join, or an Add: it is in the room, and nothing else has changed.
func (r *Rooms) HalfMove(c *Conn, room string, added bool) error {
	c.moving.Lock()
	defer c.moving.Unlock()
	_, _, err := r.enter(context.Background(), c, room, nil, added)
	return err
}

// SetTag replaces the random tag of a stopped API.
func (api *API) SetTag(tag uint32) { api.tag = tag }

// Leavable reports whether a Run or a Wait would cancel a restart.
func (api *API) Leavable() bool { return api.leaving.Load() != nil }

// Ended returns the channel whose end ends Wait.
func (api *API) Ended() <-chan struct{} { return api.ended.Load().done }

// LargestLogBuffer returns the capacity of the largest of some buffers in the pool of log buffers, in bytes.
func LargestLogBuffer() (most int) {
	var taken []*logScratch
	for range 100 {
		s := logScratches.Get().(*logScratch)
		most, taken = max(most, cap(s.params)), append(taken, s)
	}
	for _, s := range taken {
		logScratches.Put(s)
	}
	return most
}

// StartedAt returns the time from which API.Uptime counts.
func (api *API) StartedAt() time.Time { return *api.startedAt.Load() }

// HoldCounts keeps all others from reading the counts of the cluster until release is called.
func (s *Stats) HoldCounts() (release func()) {
	s.global.busy <- struct{}{}
	return func() { <-s.global.busy }
}

// LookForExpired closes the connections with expired identities, and calls between before it plans the next look.
func (api *API) LookForExpired(between func()) {
	e := &api.expiry
	e.mu.Lock()
	e.more = false
	e.mu.Unlock()
	more := e.closeExpired(api)
	between()
	e.again(more)
}
