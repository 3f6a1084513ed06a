package ws

import (
	"net"
	"net/http"
	"net/netip"
)

// Remote returns the address of the client of a request. remoteIP returns the address behind trusted proxies; it is nil if
// there are none. The port is 0 if only a proxy knows it.
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
