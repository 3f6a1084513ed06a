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

// tick is how exact the limits of a watch are.
const tick = 500 * time.Millisecond

// watch closes connections that stay too long in a phase other than work. net/http would set several deadlines on the socket for each
// request to the same end, which costs more than all the rest of a small answer's timekeeping; looking at every
// connection twice a second costs next to nothing.
type watch struct {
	header, idle int64 // ticks
	now          atomic.Int64

	mu    sync.Mutex
	conns map[*pacedConn]struct{}
}

func newWatch(header, idle time.Duration) *watch {
	return &watch{header: ticks(header), idle: ticks(idle), conns: map[*pacedConn]struct{}{}}
}

// ticks rounds up, and adds the tick that had begun already.
func ticks(d time.Duration) int64 { return int64((d+tick-1)/tick) + 1 }

func (w *watch) add(c *pacedConn) {
	c.since.Store(w.now.Load())
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conns[c] = struct{}{}
}

func (w *watch) remove(c *pacedConn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.conns, c)
}

// run looks at the connections until ctx ends.
func (w *watch) run(ctx context.Context) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			w.closeLate(w.now.Add(1))
		}
	}
}

func (w *watch) closeLate(now int64) {
	var late []*pacedConn
	w.mu.Lock()
	for c := range w.conns {
		age := now - c.since.Load()
		if phase := http1.Phase(c.phase.Load()); phase == http1.PhaseHead && age > w.header || phase == http1.PhaseIdle && age > w.idle {
			late = append(late, c)
		}
	}
	w.mu.Unlock()
	for _, c := range late {
		_ = c.Close()
	}
}

// state is the ConnState of the http.Server.
func (w *watch) state(nc net.Conn, state http.ConnState) {
	c, ok := nc.(*pacedConn)
	if !ok {
		return
	}
	switch state {
	case http.StateActive:
		w.enter(c, http1.PhaseActive)
	case http.StateIdle:
		w.enter(c, http1.PhaseIdle)
	case http.StateHijacked:
		w.enter(c, http1.PhaseHijacked)
	}
}

// enter notes what a connection begins to do.
func (w *watch) enter(nc net.Conn, phase http1.Phase) {
	c := nc.(*pacedConn)
	switch old := http1.Phase(c.phase.Load()); phase {
	case http1.PhaseHead:
		if old == http1.PhaseHead {
			return // the first request is due since the connection came
		}
		c.since.Store(w.now.Load())
	case http1.PhaseIdle:
		c.since.Store(w.now.Load())
	case http1.PhaseHijacked:
		w.remove(c)
	}
	c.phase.Store(int32(phase))
}

// Read notices the first byte of the next request.
func (c *pacedConn) Read(p []byte) (int, error) {
	if len(c.unread) > 0 {
		n := copy(p, c.unread)
		if c.unread = c.unread[n:]; len(c.unread) == 0 {
			c.unread = nil // a connection that is handed on would keep it
		}
		return n, nil
	}
	n, err := c.Conn.Read(p)
	if n > 0 && c.watch != nil && c.phase.Load() == int32(http1.PhaseIdle) {
		c.since.Store(c.watch.now.Load())
		c.phase.CompareAndSwap(int32(http1.PhaseIdle), int32(http1.PhaseHead))
	}
	return n, err
}

// SetReadDeadline leaves out what changes nothing: net/http takes a deadline away before each request, there or not.
func (c *pacedConn) SetReadDeadline(t time.Time) error {
	if c.watch != nil && t.IsZero() && !c.limited.Load() {
		return nil
	}
	c.limited.Store(!t.IsZero())
	return c.Conn.SetReadDeadline(t)
}

// SetDeadline sets both deadlines, for a handler that took the connection over.
func (c *pacedConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// Close ends the watch as well.
func (c *pacedConn) Close() error {
	if c.watch != nil {
		c.watch.remove(c)
	}
	return c.Conn.Close()
}
