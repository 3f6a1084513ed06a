package netlisten

import (
	"net"
	"syscall"
)

// notSentLowat is the socket option TCP_NOTSENT_LOWAT (tcp(7)), for which package syscall has no name.
const notSentLowat = 25

// limitUnsent limits the unsent bytes of one connection to maxUnsent. The listener cannot set this limit, because
// connections do not inherit it from the listener.
func limitUnsent(nc *net.TCPConn) {
	raw, err := nc.SyscallConn()
	if err != nil {
		return // the connection is closed
	}
	// The error is ignored: without this option the kernel's own limit applies.
	_ = raw.Control(func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, notSentLowat, maxUnsent)
	})
}
