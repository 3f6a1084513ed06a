//go:build unix

// Package nonblock reads from and writes to the file descriptor of a socket without blocking. Call [Read] and [Write]
// in the functions that are passed to the methods of a [syscall.RawConn]. Go's sockets are already in non-blocking
// mode.
package nonblock

import (
	"net"
	"syscall"
)

// Supported reports whether the system has non-blocking reads and writes. If Supported is false, [Read] and [Write]
// must not be called.
const Supported = true

// Read reads the bytes that have already come, up to len(p) bytes. If no bytes have come, again is true, n is 0 and err
// is nil. At the end of the input, n is 0 and again is false.
func Read(fd uintptr, p []byte) (n int, again bool, err error) {
	for {
		if n, err = read(fd, p); err != syscall.EINTR {
			return result(n, err)
		}
	}
}

// Write writes as many bytes of p as the system accepts at once. If the system accepts none, again is true, n is 0 and
// err is nil.
func Write(fd uintptr, p []byte) (n int, again bool, err error) {
	for {
		if n, err = write(fd, p); err != syscall.EINTR {
			return result(n, err)
		}
	}
}

// Ended reports whether the client has ended its side of the connection nc (eof), or the connection is over in both
// directions (err). It reads nothing and may be called while another goroutine reads. On systems other than Linux, bytes
// that were not read hide the end.
func Ended(nc net.Conn) (eof bool, err error) {
	if secure, ok := nc.(interface{ NetConn() net.Conn }); ok {
		nc = secure.NetConn()
	}
	sc, ok := nc.(syscall.Conn)
	if !ok {
		return false, nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return false, nil
	}
	closed := raw.Control(func(fd uintptr) {
		var buf [1]byte
		n, _, failure := syscall.Recvfrom(int(fd), buf[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		for failure == syscall.EINTR {
			n, _, failure = syscall.Recvfrom(int(fd), buf[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		}
		var again bool
		n, again, err = result(n, failure)
		if eof = n == 0 && !again && err == nil; eof { // a reset after the end of the input is only in SO_ERROR
			if code, _ := syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_ERROR); code != 0 {
				eof, err = false, syscall.Errno(code)
			}
		}
		if hung, over := hungUp(fd); err == nil && over {
			eof, err = false, syscall.ECONNRESET
		} else if err == nil {
			eof = eof || hung
		}
	})
	if closed != nil {
		return false, closed
	}
	return eof, err
}

func result(n int, err error) (int, bool, error) {
	switch err {
	case nil:
		return n, false, nil
	case syscall.EAGAIN:
		return 0, true, nil
	}
	return 0, false, err
}
