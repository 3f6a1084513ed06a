package testkit

import (
	"crypto/tls"
	"net"
)

// DialTCPOverTLS connects to the TCP port for TLS, up to the end of the handshake.
func (s *Server) DialTCPOverTLS() (net.Conn, error) {
	return tls.Dial("tcp", s.TCPTLSAddr().String(), s.ClientTLS)
}

// DialHTTPS returns a function that connects to the port for HTTPS and agrees on a protocol, h2 or http/1.1.
func (s *Server) DialHTTPS(protocol string) func() (net.Conn, error) {
	cfg := s.ClientTLS.Clone()
	cfg.NextProtos = []string{protocol}
	return func() (net.Conn, error) { return tls.Dial("tcp", s.Web.TLSAddr().String(), cfg) }
}
