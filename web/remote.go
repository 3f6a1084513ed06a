package web

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// RemoteIP returns the IP address of the client. If the peer of the connection is not a trusted proxy, the peer is the
// client. Otherwise RemoteIP reads the header X-Forwarded-For from right to left. The first address in this order that
// is not a trusted proxy is the address of the client. If an entry is not an address, or all addresses are trusted
// proxies, RemoteIP returns the last valid address that it has read. An entry may have a port. An IPv4 address that came
// through NAT64 or as an IPv6 address is returned as an IPv4 address.
func (s *Server) RemoteIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	if strings.HasPrefix(host, nat64Prefix) {
		if addr, err := netip.ParseAddr(host); err == nil {
			host = plainAddr(addr).String()
		}
	}
	if len(s.proxies) == 0 || !s.trusted(host) {
		return host
	}
	hops := strings.Split(strings.Join(r.Header["X-Forwarded-For"], ","), ",")
	for _, hop := range slices.Backward(hops) {
		addr, ok := parseHop(strings.TrimSpace(hop))
		if !ok {
			return host
		}
		if host = addr.String(); !s.trusted(host) {
			return host
		}
	}
	return host
}

// parseHop parses an entry of X-Forwarded-For: an address, or an address with a port. An IPv6 address may be in
// brackets, and must be if it has a port.
func parseHop(text string) (netip.Addr, bool) {
	addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	if err != nil || strings.HasPrefix(text, "[") != strings.HasSuffix(text, "]") {
		withPort, err := netip.ParseAddrPort(text)
		if err != nil {
			return netip.Addr{}, false
		}
		addr = withPort.Addr()
	}
	return plainAddr(addr), true
}

const nat64Prefix = "64:ff9b:"

var nat64 = netip.MustParsePrefix("64:ff9b::/96") // RFC 6052

// plainAddr returns addr without a zone, and an IPv4 address in an IPv6 address as an IPv4 address.
func plainAddr(addr netip.Addr) netip.Addr {
	addr = addr.Unmap().WithZone("")
	if nat64.Contains(addr) {
		bytes := addr.As16()
		return netip.AddrFrom4([4]byte(bytes[12:]))
	}
	return addr
}

func (s *Server) trusted(ip string) bool {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return false
	}
	addr = addr.Unmap().WithZone("")
	return slices.ContainsFunc(s.proxies, func(p netip.Prefix) bool { return p.Contains(addr) })
}
