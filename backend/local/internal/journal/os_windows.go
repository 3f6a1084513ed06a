package journal

import (
	"os"
	"syscall"
	"unsafe"
)

const errQuota = syscall.Errno(1295) // ERROR_DISK_QUOTA_EXCEEDED

var lockFileEx = syscall.NewLazyDLL("kernel32.dll").NewProc("LockFileEx")

// lockFile keeps other processes, and other parts of this one, from locking f. It locks a byte that is never read.
func lockFile(f *os.File) error {
	const failImmediately, exclusive = 1, 2
	at := syscall.Overlapped{Offset: 1 << 30}
	if ok, _, err := lockFileEx.Call(f.Fd(), failImmediately|exclusive, 0, 1, 0, uintptr(unsafe.Pointer(&at))); ok == 0 {
		return err
	}
	return nil
}

// Sync does nothing: this system keeps folders in order by itself, and has no way to sync one.
func (d dir) Sync() error { return nil }
