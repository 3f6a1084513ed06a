package limit

import (
	"net/netip"
	"strings"

	"github.com/actionhero-go/actionhero"
)

// IP is a key for [Limiter.By]: the address of the client, and of an IPv6 address its /64 network, because one client has
// a whole network. Over HTTP it is the address of the client behind trusted proxies. It is "" for tasks, on the command
// line, and for calls within the process.
func IP(req *actionhero.Request) string { return Address(req.RemoteIP) }

// Identity is a key for [Limiter.By]: the identity of the client, and for an anonymous client its address, as [IP] returns
// it.
func Identity(req *actionhero.Request) string {
	who := req.Identity()
	switch {
	case !who.Known():
		return IP(req)
	case strings.HasPrefix(who.ID, ipKey) || strings.HasPrefix(who.ID, idKey): // it must not be the key of another caller
		return idKey + who.ID
	}
	return who.ID // each request asks, and a new text would need memory
}

const ipKey, idKey = "ip:", "id:"

// Address returns the key of a client address, as [IP] does. If the address does not parse, Address returns "".
func Address(ip string) string {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return ""
	}
	if addr.Is4() {
		return ipKey + ip // an IPv4 address has one text
	}
	if addr = addr.Unmap().WithZone(""); addr.Is4() {
		return ipKey + addr.String()
	}
	network, _ := addr.Prefix(64)
	return ipKey + network.String()
}
