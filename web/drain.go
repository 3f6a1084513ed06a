package web

import (
	"context"
	"time"
)

// Drain makes each further response close its connection: HTTP/1.1 clients read "Connection: close", HTTP/2 clients read
// GOAWAY after the response. So clients that send requests all the time move to another process before Stop, which
// closes idle connections, and lose no request. Drain is undone by Resume and by the next Start.
func (s *Server) Drain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining.Swap(true) {
		return
	}
	s.drainedAt = time.Now()
	for _, srv := range s.servers {
		if d, ok := srv.(*portServer); ok {
			d.drain()
		}
	}
}

// Resume undoes Drain: connections stay open after their responses again.
func (s *Server) Resume() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining.Store(false)
	for _, srv := range s.servers {
		if d, ok := srv.(*portServer); ok {
			d.engine.Resume()
		}
	}
}

const (
	settlePause = 3 * time.Millisecond
	// keptTime is how long an idle connection stays open after Drain. A client that sends requests all the time sends one
	// within this time, and reads in the response that the connection ends.
	keptTime = 200 * time.Millisecond
)

// Settle blocks, after Drain and after the last connection was accepted, until a Stop loses no request: each connection
// over HTTP/1.1 has had its first request, and those that wait for a further request had the time for one. It blocks not
// longer than until ctx is done, because a browser opens connections in advance. Those without a request since before Drain
// do not count.
func (s *Server) Settle(ctx context.Context) {
	tick := time.NewTicker(settlePause)
	defer tick.Stop()
	for {
		select {
		case <-tick.C: // first, because a connection that was just accepted may not be counted yet
		case <-ctx.Done():
			return
		}
		fresh, idle, since := s.waiting()
		if fresh == 0 && (idle == 0 || since >= keptTime) {
			return
		}
	}
}

// waiting returns the numbers of connections on which no request runs, and the time since Drain.
func (s *Server) waiting() (fresh, idle int, since time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, srv := range s.servers {
		if d, ok := srv.(*portServer); ok {
			f, i := d.reaper.waiting()
			fresh, idle = fresh+f, idle+i
		}
	}
	return fresh, idle, time.Since(s.drainedAt)
}
