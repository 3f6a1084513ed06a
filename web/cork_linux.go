package web

import (
	"net"
	"syscall"
)

// cork makes the kernel send whole segments only, until the returned function is called (tcp(7), TCP_CORK). Without it, sendfile
// sends a small segment after each of its pages, which costs a quarter of the time of a large file.
func cork(nc net.Conn) (uncork func()) {
	set := func(value int) {
		if sc, ok := nc.(syscall.Conn); ok {
			if raw, err := sc.SyscallConn(); err == nil {
				// The errors are ignored: the file is sent without the option, too, and a closed connection needs none.
				_ = raw.Control(func(fd uintptr) { _ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_CORK, value) })
			}
		}
	}
	set(1)
	return func() { set(0) }
}
