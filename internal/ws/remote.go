package ws

import (
	"net"
	"net/http"
	"net/netip"
)

// Remote is where the client of a request is, as far as the proxies that are trusted tell: remoteIP finds the address
// behind them, and nil means that there are none. The port is 0 if only a proxy knows it.
func Remote(r *http.Request, remoteIP func(*http.Request) string) netip.AddrPort {
	direct, _ := netip.ParseAddrPort(r.RemoteAddr) // a server that knows none is one of a test
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
