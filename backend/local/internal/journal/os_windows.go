package journal

import (
	"os"
	"syscall"
	"unsafe"
)

const errQuota = syscall.Errno(1295) // ERROR_DISK_QUOTA_EXCEEDED

var lockFileEx = syscall.NewLazyDLL("kernel32.dll").NewProc("LockFileEx")

// lockFile locks the file f against other processes, and against other open files of this process. It does not wait: if
// the file is locked, it returns an error. On Windows, a lock keeps other processes from reading the locked bytes. So
// lockFile locks a single byte that is never read.
func lockFile(f *os.File) error {
	const failImmediately, exclusive = 1, 2
	at := syscall.Overlapped{Offset: 1 << 30}
	if ok, _, err := lockFileEx.Call(f.Fd(), failImmediately|exclusive, 0, 1, 0, uintptr(unsafe.Pointer(&at))); ok == 0 {
		return err
	}
	return nil
}

// unlockFile does nothing: Windows unlocks the file when it is closed, because no other process has a copy of it.
func unlockFile(*os.File) error { return nil }

// Sync does nothing: Windows keeps folders consistent, and cannot sync a folder.
func (d dir) Sync() error { return nil }
