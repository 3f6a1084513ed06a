package engine

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/actionhero-go/actionhero/internal/ws"
)

// Stop refuses new sessions and POSTs, waits for the running requests, and then closes all sessions. Stock clients
// reconnect automatically after this. If ctx ends before all sessions are closed, Stop calls cancel, closes the
// remaining connections at once and returns the error of ctx. The function cancel must cancel the running requests.
// After Stop, the Engine cannot be used again.
func (e *Engine) Stop(ctx context.Context, cancel func()) error {
	defer e.pinger.timer.Stop()
	defer e.forwards.cancel()
	e.mu.Lock()
	e.stopping = true
	e.mu.Unlock()
	for _, s := range e.all() {
		s.stopSocket()
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		e.posts.Wait()
		e.awaitUpgrades(ctx)
		e.mu.Lock()
		e.stopped = true
		e.mu.Unlock()
		for _, s := range e.all() {
			if !s.stopSocket() { // again, because an upgrade may have completed meanwhile
				s.closeWith(errStopping, typeClose, 0)
			}
		}
		e.releaseForwards(ctx)
		e.handlers.Wait()
		e.pool.Wait()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	cancel()
	e.forwards.cancel()
	for _, s := range e.all() {
		s.closeWith(errStopping, typeClose, 0)
		if k := s.socket.Load(); k != nil {
			k.conn.CloseNow()
		}
	}
	return ctx.Err()
}

// upgradeGrace is the longest time that Stop waits for upgrades to WebSocket that have begun.
const upgradeGrace = time.Second

// awaitUpgrades waits for the upgrades to WebSocket that are in progress to finish, but not longer than upgradeGrace
// and not after ctx ends. The reason for waiting is that a stock client stops polling when the server answers the
// client's probe. If the server then closes the WebSocket before the upgrade is complete, the client notices the end of
// the session only after PingInterval and PingTimeout.
func (e *Engine) awaitUpgrades(ctx context.Context) {
	tick, end := time.NewTicker(10*time.Millisecond), time.After(upgradeGrace)
	defer tick.Stop()
	for slices.ContainsFunc(e.all(), (*Session).isUpgrading) {
		select {
		case <-tick.C:
		case <-end:
			return
		case <-ctx.Done():
			return
		}
	}
}

func (s *Session) isUpgrading() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state == probing
}

// stopSocket makes the session's WebSocket close after the running requests of the WebSocket have ended. stopSocket
// does not wait for the close. It returns false if the session has no WebSocket.
func (s *Session) stopSocket() bool {
	k := s.socket.Load()
	if k != nil {
		k.conn.Stop(ws.StopCode(), errStopping.Error())
	}
	return k != nil
}

func (e *Engine) all() []*Session {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Collect(maps.Values(e.sessions))
}
