package history

import (
	"syscall"
	"time"
	"unsafe"
)

const clockMonotonic = 1

// Monotonic returns CLOCK_MONOTONIC: the time since the machine started, the same in all its processes.
func Monotonic() time.Duration {
	var ts syscall.Timespec
	if _, _, errno := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, clockMonotonic, uintptr(unsafe.Pointer(&ts)), 0); errno != 0 {
		panic("clock_gettime: " + errno.Error())
	}
	return time.Duration(ts.Nano())
}
