package ws

import (
	"net"
	"net/http"
	"net/netip"
)

// Remote returns the address of the client that sent the request r. If the server is behind trusted proxies, remoteIP
// is a function that returns the client's IP address. If there are no proxies, remoteIP is nil. If the client is
// connected through a proxy, the port in the result is 0, because only the proxy knows the port.
func Remote(r *http.Request, remoteIP func(*http.Request) string) netip.AddrPort {
	direct, _ := netip.ParseAddrPort(r.RemoteAddr) // fails only in tests
	if remoteIP == nil {
		return direct
	}
	text := remoteIP(r)
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil && text == host {
		return direct
	}
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return direct
	}
	return netip.AddrPortFrom(addr, 0)
}
