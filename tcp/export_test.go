package tcp

import "net"

// Serve serves a connection as if a client had connected.
func (s *Server) Serve(nc net.Conn) { s.open(nc) }

// Parked reports whether the only connection is parked.
func (s *Server) Parked() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for ss := range s.sessions {
		return ss.loop.Parked()
	}
	panic("there is no connection")
}
