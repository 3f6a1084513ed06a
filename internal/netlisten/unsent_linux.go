package netlisten

import (
	"net"
	"syscall"
)

// notSentLowat is TCP_NOTSENT_LOWAT (tcp(7)); package syscall has no name for it.
const notSentLowat = 25

// limitUnsent sets the bound on one connection. Setting it on the listener has no effect: connections do not inherit it.
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
