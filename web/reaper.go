package web

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/actionhero-go/actionhero/internal/http1"
)

// tick is the time between two sweeps of a reaper. It is therefore also the precision of the reaper's time limits.
const tick = 500 * time.Millisecond

// reaper closes connections that wait too long for the next request or for the end of a request's head. It checks all
// connections twice a second, which costs next to nothing. Without a reaper, net/http would set several deadlines on
// the socket for each request, which costs more time than all other timekeeping of a small response.
type reaper struct {
	header, idle int64 // ticks
	now          atomic.Int64

	mu    sync.Mutex
	conns map[*progressConn]struct{}
}

func newReaper(header, idle time.Duration) *reaper {
	return &reaper{header: ticks(header), idle: ticks(idle), conns: map[*progressConn]struct{}{}}
}

// ticks converts a duration to a number of ticks. It rounds up and adds one for the tick that has already begun.
func ticks(d time.Duration) int64 { return int64((d+tick-1)/tick) + 1 }

func (r *reaper) add(c *progressConn) {
	c.since.Store(r.now.Load())
	r.mu.Lock()
	defer r.mu.Unlock()
	r.conns[c] = struct{}{}
}

// drained records that a Drain begins: the connections that have had no request yet are silent, because a browser opens some
// in advance.
func (r *reaper) drained() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.conns {
		c.silent.Store(c.phase.Load() == int32(http1.PhaseFresh))
	}
}

// waiting returns the number of connections on which no request runs: those whose next request is incomplete, or that have
// had none and are not silent; and those that wait for the next one. A handshake of TLS is a part of the first request.
func (r *reaper) waiting() (fresh, idle int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.conns {
		switch http1.Phase(c.phase.Load()) {
		case http1.PhaseHead:
			fresh++
		case http1.PhaseFresh:
			if !c.silent.Load() {
				fresh++
			}
		case http1.PhaseIdle:
			idle++
		}
	}
	return fresh, idle
}

func (r *reaper) remove(c *progressConn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.conns, c)
}

// run calls sweep and then swept once per tick until ctx is done.
func (r *reaper) run(ctx context.Context, swept func()) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			r.sweep(r.now.Add(1))
			swept()
		}
	}
}

// sweep closes each connection that has been in its current phase for longer than the time limit of the phase. now is
// the number of the current tick.
func (r *reaper) sweep(now int64) {
	var late []*progressConn
	r.mu.Lock()
	for c := range r.conns {
		phase := http1.Phase(c.phase.Load()) // first: enter stores the beginning of a phase before the phase
		age := now - c.since.Load()
		switch phase {
		case http1.PhaseFresh, http1.PhaseHead:
			if age > r.header {
				late = append(late, c)
			}
		case http1.PhaseIdle:
			if age > r.idle {
				late = append(late, c)
			}
		}
	}
	r.mu.Unlock()
	for _, c := range late {
		_ = c.Close()
	}
}

// connState is the ConnState function of an [http.Server]. It records the phase that corresponds to the new state of
// the connection.
func (r *reaper) connState(nc net.Conn, state http.ConnState) {
	switch state {
	case http.StateActive:
		r.enter(nc, http1.PhaseActive)
	case http.StateIdle:
		r.enter(nc, http1.PhaseIdle)
	case http.StateHijacked:
		r.enter(nc, http1.PhaseHijacked)
	}
}

// restart begins the time for the first request anew, after a TLS handshake.
func (r *reaper) restart(c *progressConn) { c.since.Store(r.now.Load()) }

// enter records that the connection nc enters the given phase. If the phase is PhaseHead or PhaseIdle, the time limit
// of the phase begins at this call, but the limit of the first request began with the connection. If the phase is
// PhaseHijacked, enter removes nc from the reaper.
func (r *reaper) enter(nc net.Conn, phase http1.Phase) {
	c := progressOf(nc)
	switch old := http1.Phase(c.phase.Load()); phase {
	case http1.PhaseHead:
		if old != http1.PhaseHead && old != http1.PhaseFresh { // the time for the first request began with the connection
			c.since.Store(r.now.Load())
		}
	case http1.PhaseIdle:
		c.since.Store(r.now.Load())
	case http1.PhaseHijacked:
		r.remove(c)
	}
	c.phase.Store(int32(phase))
}

// Read first returns the bytes that the fast path has read but not used, and then bytes from the socket. If the
// connection waits for a request, the first byte from the socket begins the phase http1.PhaseHead.
func (c *progressConn) Read(p []byte) (int, error) {
	if len(c.unread) > 0 {
		return takeUnread(&c.unread, p), nil
	}
	n, err := c.Conn.Read(p)
	if n > 0 && c.reaper != nil {
		switch phase := http1.Phase(c.phase.Load()); phase {
		case http1.PhaseIdle:
			c.since.Store(c.reaper.now.Load())
			c.phase.CompareAndSwap(int32(phase), int32(http1.PhaseHead))
		case http1.PhaseFresh:
			c.phase.CompareAndSwap(int32(phase), int32(http1.PhaseHead))
		}
	}
	return n, err
}

func (c *progressConn) setUnread(text []byte) { c.unread = text }

// takeUnread moves bytes of unread to p, and returns their number.
func takeUnread(unread *[]byte, p []byte) int {
	n := copy(p, *unread)
	if *unread = (*unread)[n:]; len(*unread) == 0 {
		*unread = nil // frees the buffer: the connection may live long
	}
	return n
}

// SetReadDeadline sets the read deadline of the connection. If the connection has a reaper, t is zero and no deadline
// is set, SetReadDeadline does nothing. This saves time, because net/http calls SetReadDeadline with a zero t before
// each request.
func (c *progressConn) SetReadDeadline(t time.Time) error {
	if c.reaper != nil && t.IsZero() && !c.readDeadlineSet.Load() {
		return nil
	}
	c.readDeadlineSet.Store(!t.IsZero())
	return c.Conn.SetReadDeadline(t)
}

// SetDeadline sets the read deadline and the write deadline. Handlers that have hijacked the connection call
// SetDeadline.
func (c *progressConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// Close removes the connection from the reaper and closes the connection.
func (c *progressConn) Close() error {
	if c.reaper != nil {
		c.reaper.remove(c)
	}
	return c.Conn.Close()
}
