//go:build unix

package tcp

import "syscall"

const canTryRead = true

// tryRead makes one attempt to read; false makes the caller wait until there is something.
func (in *input) tryRead(fd uintptr) bool {
	idle := in.buf == nil
	in.take()
	for {
		in.n, in.err = syscall.Read(int(fd), in.buf[in.to:])
		if in.err != syscall.EINTR {
			break
		}
	}
	if in.err != nil {
		in.n = 0
	}
	if in.err != syscall.EAGAIN {
		return true
	}
	if in.err = nil; idle {
		in.release()
	}
	return false
}
