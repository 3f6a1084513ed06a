//go:build unix

// Package nonblock reads from and writes to the file descriptor of a socket without blocking. It is meant for the
// functions that a [syscall.RawConn] calls; Go's sockets are in non-blocking mode already.
package nonblock

import "syscall"

// Supported reports whether the system has these calls. If it is false, Read and Write must not be called.
const Supported = true

// Read reads what has come, up to len(p) bytes. again is true if nothing has come yet; n is 0 and err nil then. At the
// end of the input n is 0 and again false.
func Read(fd uintptr, p []byte) (n int, again bool, err error) {
	for {
		if n, err = syscall.Read(int(fd), p); err != syscall.EINTR {
			return result(n, err)
		}
	}
}

// Write writes as much of p as the system accepts now. again is true if it accepts nothing; n is 0 and err nil then.
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
