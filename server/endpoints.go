package server

import (
	"context"
	"fmt"
	"net"
	"strings"

	"github.com/actionhero-go/actionhero/internal/netlisten"
	"github.com/actionhero-go/actionhero/transport"
)

// Endpoint is an address at which a transport of a server listens.
type Endpoint struct {
	Name string // the transport, for people: "HTTP", "WebSocket", "TCP (TLS)"
	URL  string // the address for clients on this machine; without a scheme for TCP
}

// Endpoints returns the addresses at which a started server listens.
func (s *Server) Endpoints() (endpoints []Endpoint) {
	add := func(name, scheme string, addr net.Addr, path string) {
		if addr != nil {
			endpoints = append(endpoints, Endpoint{name, scheme + localHost(addr) + path})
		}
	}
	paths := s.Web.Paths()
	add("HTTP", "http://", s.Web.Addr(), paths.Actions)
	add("HTTPS", "https://", s.Web.TLSAddr(), paths.Actions)
	if s.WebSocket != nil {
		add("WebSocket", "ws://", s.Web.Addr(), webSocketPath)
	}
	if s.SocketIO != nil {
		add("Socket.IO", "http://", s.Web.Addr(), socketIOPath)
	}
	add("TCP", "", s.TCP.Addr(), "")
	add("TCP (TLS)", "", s.TCP.TLSAddr(), "")
	add("Start page", "http://", s.Web.Addr(), paths.Files)
	return endpoints
}

// exposure is a component that warns, once in each start, if no client reaches the server, or if other machines reach
// the server and no middleware of the app checks who they are.
type exposure struct{ *Server }

// Start implements actionhero.Component.
func (e exposure) Start(context.Context) error {
	if len(e.Endpoints()) == 0 {
		e.Log().Warn("no client can connect: set httpServer.enable, httpsServer.enable or tcpServer.enable to true, unless this process only runs tasks")
		return nil
	}
	if transport.Of(e.API).Guarded() || netlisten.Succeeds() {
		return nil
	}
	var open []string
	for _, addr := range []net.Addr{e.Web.Addr(), e.Web.TLSAddr(), e.TCP.Addr(), e.TCP.TLSAddr()} {
		if tcp, ok := addr.(*net.TCPAddr); ok && !tcp.IP.IsLoopback() {
			open = append(open, addr.String())
		}
	}
	if len(open) > 0 {
		e.Log().Warn("other machines can run every action: the app has no middleware that checks who they are; set bindIP to 127.0.0.1 if only this machine needs the server", "listening", strings.Join(open, ", "))
	}
	return nil
}

// Stop implements actionhero.Component.
func (exposure) Stop(context.Context) error { return nil }

// localHost returns HOST:PORT of addr for a client on this machine. HOST is "localhost" if the IP address is
// unspecified or a loopback address.
func localHost(addr net.Addr) string {
	tcp := addr.(*net.TCPAddr)
	if tcp.IP.IsUnspecified() || tcp.IP.IsLoopback() {
		return fmt.Sprintf("localhost:%d", tcp.Port)
	}
	return tcp.String()
}
