package testkit

import (
	"crypto/tls"
	"net"
)

// DialTCPOverTLS opens a connection to the port for TCP over TLS and completes the TLS handshake.
func (s *Server) DialTCPOverTLS() (net.Conn, error) {
	return tls.Dial("tcp", s.TCPTLSAddr().String(), s.ClientTLS)
}

// DialHTTPS returns a function that opens a connection to the HTTPS port and negotiates protocol, "h2" or "http/1.1".
func (s *Server) DialHTTPS(protocol string) func() (net.Conn, error) {
	cfg := s.ClientTLS.Clone()
	cfg.NextProtos = []string{protocol}
	return func() (net.Conn, error) { return tls.Dial("tcp", s.Web.TLSAddr().String(), cfg) }
}
