//go:build unix

package testkit

import (
	"net"
	"syscall"
)

// tryRead reads from c into p without waiting. It returns errNothing if nothing can be read, and n is 0 at the end of
// the input.
func tryRead(c net.Conn, p []byte) (n int, err error) {
	raw, err := c.(syscall.Conn).SyscallConn()
	if err != nil {
		return 0, err
	}
	var failure error
	err = raw.Read(func(fd uintptr) bool {
		n, failure = syscall.Read(int(fd), p)
		return true
	})
	switch {
	case err != nil:
		return 0, err
	case failure == syscall.EAGAIN || failure == syscall.EINTR:
		return 0, errNothing
	}
	return max(n, 0), failure
}
