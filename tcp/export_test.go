package tcp

import "net"

// Serve starts a session on a connection that was not accepted from a listener.
func (s *Server) Serve(nc net.Conn) { s.open(nc) }

// Parked reports whether the connection is parked. There must be exactly one.
func (s *Server) Parked() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for ss := range s.sessions {
		return ss.loop.Parked()
	}
	panic("there is no connection")
}
