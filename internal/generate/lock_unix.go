//go:build unix

package generate

import (
	"os"
	"syscall"
)

// lock waits until no other process writes the lists of the app in dir: "actionhero dev" and "actionhero generate" do so at
// the same time. The system releases the lock when a process ends. On a file system without locks, lock does nothing.
func lock(dir string) (unlock func()) {
	folder, err := os.Open(dir)
	if err != nil {
		return func() {}
	}
	for err = syscall.EINTR; err == syscall.EINTR; {
		err = syscall.Flock(int(folder.Fd()), syscall.LOCK_EX)
	}
	return func() { _ = folder.Close() }
}
