package limit

import (
	"net/netip"

	"github.com/actionhero-go/actionhero"
)

// IP is a key for [Limiter.By]: the address of the client, and of an IPv6 address its /64 network, because one client has
// a whole network. Over HTTP it is the address of the client behind trusted proxies. It is "" for tasks, on the command
// line, and for calls within the process.
func IP(req *actionhero.Request) string { return Address(req.RemoteIP) }

// Identity is a key for [Limiter.By]: the identity of the client, and for an anonymous client its address, as [IP] returns
// it.
func Identity(req *actionhero.Request) string {
	if who := req.Identity(); who.Known() {
		return "id:" + who.ID
	}
	return IP(req)
}

// Address returns the key of a client address, as [IP] does. If the address does not parse, Address returns "".
func Address(ip string) string {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return ""
	}
	addr = addr.Unmap().WithZone("")
	if addr.Is4() {
		return "ip:" + addr.String()
	}
	network, _ := addr.Prefix(64)
	return "ip:" + network.String()
}
