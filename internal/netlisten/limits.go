package netlisten

import (
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"
)

// LimitConfig describes the limits of the connections of one server.
type LimitConfig struct {
	Section    string                // section of the configuration, for the warning
	Max        int                   // connections that may be open; 0: no limit
	PerAddress int                   // connections that one client address may have open; 0: no limit
	Trusted    func(netip.Addr) bool // proxies, to which PerAddress does not apply; nil: there are none
	Refusal    []byte                // sent to a refused client before the close; nil: nothing
	Log        *slog.Logger
}

// Limits counts the open connections of one server, which may have several listeners. A client that is behind a proxy
// has the address of the proxy: a proxy must be trusted, or all its clients share one allowance.
type Limits struct {
	cfg LimitConfig

	mu        sync.Mutex
	open      int
	addresses map[netip.Prefix]int // open connections by address; empty if PerAddress is 0
	warned    time.Time            // time of the last warning
}

// NewLimits returns the limits that cfg describes.
func NewLimits(cfg LimitConfig) *Limits {
	return &Limits{cfg: cfg, addresses: map[netip.Prefix]int{}}
}

// Listener returns a listener that accepts the connections of ln and closes each connection above a limit. ln must
// accept TCP connections, as the listeners of [TCP] do.
func (l *Limits) Listener(ln net.Listener) net.Listener {
	if l.cfg.Max == 0 && l.cfg.PerAddress == 0 {
		return ln
	}
	return &limitedListener{ln, l}
}

type limitedListener struct {
	net.Listener
	limits *Limits
}

func (ln *limitedListener) Accept() (net.Conn, error) {
	for {
		nc, err := ln.Listener.Accept()
		tc, ok := nc.(*net.TCPConn)
		if err != nil || !ok {
			return nc, err
		}
		key := addressKey(tc.RemoteAddr())
		if setting := ln.limits.take(key); setting == "" {
			return &limitedConn{TCPConn: tc, limits: ln.limits}, nil
		}
		ln.limits.refuse(tc)
	}
}

// limitedConn is an open connection that counts. It embeds a *net.TCPConn, so it has all methods of a socket.
type limitedConn struct {
	*net.TCPConn
	limits *Limits
	once   sync.Once
}

// Close closes the connection and no longer counts it.
func (c *limitedConn) Close() error {
	c.once.Do(func() { c.limits.give(addressKey(c.RemoteAddr())) })
	return c.TCPConn.Close()
}

func addressKey(addr net.Addr) netip.Prefix {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return netip.Prefix{}
	}
	return AddressKey(tcp.AddrPort().Addr())
}

// AddressKey returns the address that counts for a client: the IPv4 address, or the /64 network of an IPv6 address,
// because one client has a whole /64 network.
func AddressKey(ip netip.Addr) netip.Prefix {
	ip = ip.Unmap().WithZone("")
	bits := ip.BitLen()
	if ip.Is6() {
		bits = 64
	}
	prefix, _ := ip.Prefix(bits)
	return prefix
}

// ClientKey returns the address that counts for a client in a budget of bytes: its [AddressKey], or the zero Prefix for a
// loopback address, which many clients may have behind a proxy.
func ClientKey(ip netip.Addr) netip.Prefix {
	if ip.Unmap().IsLoopback() {
		return netip.Prefix{}
	}
	return AddressKey(ip)
}

// take counts one more connection of the address key. If a limit is reached, take returns the name of the setting
// instead.
func (l *Limits) take(key netip.Prefix) (setting string) {
	trusted := l.cfg.Trusted != nil && l.cfg.Trusted(key.Addr())
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.cfg.Max > 0 && l.open >= l.cfg.Max:
		setting = "maxConnections"
	case l.cfg.PerAddress > 0 && !trusted && l.addresses[key] >= l.cfg.PerAddress:
		setting = "maxConnectionsPerAddress"
	default:
		l.open++
		if l.cfg.PerAddress > 0 {
			l.addresses[key]++
		}
		return ""
	}
	if now := time.Now(); now.Sub(l.warned) >= time.Minute { // a flood of connections must not become a flood of log lines
		l.warned = now
		l.cfg.Log.Warn("connections are refused: "+l.cfg.Section+"."+setting+" is reached", "to", key.Addr().String(), "open", l.open)
	}
	return setting
}

// give counts one connection of the address key less.
func (l *Limits) give(key netip.Prefix) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open--
	if n := l.addresses[key]; n > 1 {
		l.addresses[key] = n - 1
	} else {
		delete(l.addresses, key)
	}
}

// refuse sends the refusal and closes the connection. Neither blocks: the send buffer of a new connection is empty.
func (l *Limits) refuse(nc *net.TCPConn) {
	if len(l.cfg.Refusal) > 0 {
		_ = nc.SetWriteDeadline(time.Now().Add(time.Second))
		_, _ = nc.Write(l.cfg.Refusal)
		_ = nc.CloseWrite()
	}
	_ = nc.Close()
}
