package engine

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/actionhero-go/actionhero/internal/ws"
)

// Stop ends all sessions: no new ones and no more requests are taken, those at work get their answers, and the clients
// are told that it is over, in such a way that they come back by themselves. When ctx ends before that, cancel is
// called, which must end the requests, and the connections are cut. The engine cannot be used again.
func (e *Engine) Stop(ctx context.Context, cancel func()) error {
	defer e.heart.timer.Stop()
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
			if !s.stopSocket() { // one may have taken over meanwhile
				s.end(errStopping, typeClose, 0)
			}
		}
		e.handlers.Wait()
		e.pool.Wait()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	cancel()
	for _, s := range e.all() {
		s.end(errStopping, typeClose, 0)
		if k := s.socket.Load(); k != nil {
			k.conn.CloseNow()
		}
	}
	return ctx.Err()
}

// upgradeGrace is for how long a stop waits for WebSockets that are about to take over.
const upgradeGrace = time.Second

// awaitUpgrades waits for them: a stock client that has been answered its probe asks no more by long-polling, and if the
// WebSocket is closed before it has taken over, the client notices only after the time of a heartbeat that it is alone.
func (e *Engine) awaitUpgrades(ctx context.Context) {
	tick, end := time.NewTicker(10*time.Millisecond), time.After(upgradeGrace)
	defer tick.Stop()
	for slices.ContainsFunc(e.all(), (*Session).upgrading) {
		select {
		case <-tick.C:
		case <-end:
			return
		case <-ctx.Done():
			return
		}
	}
}

func (s *Session) upgrading() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state == probing
}

// stopSocket has the session's WebSocket end when the requests at work are done. It returns false if there is none.
func (s *Session) stopSocket() bool {
	k := s.socket.Load()
	if k != nil {
		k.conn.Stop(ws.GoingAway, errStopping.Error())
	}
	return k != nil
}

func (e *Engine) all() []*Session {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Collect(maps.Values(e.sessions))
}
