package listen

import (
	"net"
	"syscall"
)

// notSentLowat is TCP_NOTSENT_LOWAT, which package syscall does not name (tcp(7)).
const notSentLowat = 25

// limitUnsent cannot be done to the listener once and for all: its connections do not inherit the option.
func limitUnsent(nc *net.TCPConn) {
	raw, err := nc.SyscallConn()
	if err != nil {
		return // it is closed already
	}
	// A system that does not have the option keeps as much as it likes.
	_ = raw.Control(func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, notSentLowat, maxUnsent)
	})
}
