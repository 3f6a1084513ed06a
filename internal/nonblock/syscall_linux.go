//go:build linux && !race

package nonblock

import (
	"syscall"
	"unsafe"
)

// read and write call the system without a word to the scheduler of Go, which otherwise prepares each call for the case
// that it blocks. Calls for a socket in non-blocking mode never do. With these functions, BenchmarkReadWrite takes 0.62 µs
// of processor time instead of 0.74.
func read(fd uintptr, p []byte) (int, error) { return call(syscall.SYS_READ, fd, p) }

func write(fd uintptr, p []byte) (int, error) { return call(syscall.SYS_WRITE, fd, p) }

func call(trap, fd uintptr, p []byte) (int, error) {
	n, _, errno := syscall.RawSyscall(trap, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
	switch errno {
	case 0:
		return int(n), nil
	case syscall.EAGAIN: // the conversion of another number to an error allocates
		return 0, syscall.EAGAIN
	}
	return 0, errno
}
