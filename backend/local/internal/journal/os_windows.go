package journal

import (
	"os"
	"syscall"
	"unsafe"
)

const errQuota = syscall.Errno(1295) // ERROR_DISK_QUOTA_EXCEEDED

var lockFileEx = syscall.NewLazyDLL("kernel32.dll").NewProc("LockFileEx")

// lockFile locks f against other processes, and against other open files of this one. It does not wait. It locks a byte
// that is never read, because the lock keeps others from reading it.
func lockFile(f *os.File) error {
	const failImmediately, exclusive = 1, 2
	at := syscall.Overlapped{Offset: 1 << 30}
	if ok, _, err := lockFileEx.Call(f.Fd(), failImmediately|exclusive, 0, 1, 0, uintptr(unsafe.Pointer(&at))); ok == 0 {
		return err
	}
	return nil
}

// Sync does nothing: Windows keeps folders consistent, and cannot sync one.
func (d dir) Sync() error { return nil }
