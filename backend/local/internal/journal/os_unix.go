//go:build unix

package journal

import (
	"errors"
	"os"
	"syscall"
)

const errQuota = syscall.EDQUOT

// lockFile locks the file f against other processes, and against other open files of this process. It does not wait: if
// the file is locked, it returns an error.
func lockFile(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }

func unlockFile(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_UN) }

func (d dir) Sync() error {
	f, err := os.Open(string(d))
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
