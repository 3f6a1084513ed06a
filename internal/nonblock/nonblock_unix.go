//go:build unix

// Package nonblock reads from and writes to the file descriptor of a socket without blocking. Call [Read] and [Write]
// in the functions that are passed to the methods of a [syscall.RawConn]. Go's sockets are already in non-blocking
// mode.
package nonblock

import "syscall"

// Supported reports whether the system has non-blocking reads and writes. If Supported is false, [Read] and [Write]
// must not be called.
const Supported = true

// Read reads the bytes that have already come, up to len(p) bytes. If no bytes have come, again is true, n is 0 and err
// is nil. At the end of the input, n is 0 and again is false.
func Read(fd uintptr, p []byte) (n int, again bool, err error) {
	for {
		if n, err = syscall.Read(int(fd), p); err != syscall.EINTR {
			return result(n, err)
		}
	}
}

// Write writes as many bytes of p as the system accepts at once. If the system accepts none, again is true, n is 0 and
// err is nil.
func Write(fd uintptr, p []byte) (n int, again bool, err error) {
	for {
		if n, err = syscall.Write(int(fd), p); err != syscall.EINTR {
			return result(n, err)
		}
	}
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
