package ws

import (
	"net"
	"net/http"
	"net/netip"
)

// Remote returns the address of the client that sent r. remoteIP returns the client's IP address behind trusted
// proxies, or is nil if there are no proxies. The port of the result is 0 if only a proxy knows the port.
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
