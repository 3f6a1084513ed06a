//go:build unix

package pooledreader

import "syscall"

const canTry = true

// try makes one attempt to read; false makes the caller wait until there is something.
func (r *Reader) try(fd uintptr) bool {
	dst := r.buffer.Space()
	for {
		if r.n, r.err = syscall.Read(int(fd), dst); r.err != syscall.EINTR {
			break
		}
	}
	if r.err == nil {
		return true
	}
	r.n = 0
	if r.err != syscall.EAGAIN {
		return true
	}
	r.err = nil
	r.buffer.ReleaseIfEmpty()
	return false
}
