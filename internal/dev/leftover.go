//go:build unix

package dev

import (
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// folderPrefix begins the names of the folders of programs.
const folderPrefix = "actionhero-dev-"

// makeFolder makes a folder for programs in the folder top. It stays locked until release removes it. A process that is
// killed leaves its folder, which the next one removes.
func makeFolder(top string) (folder string, release func(), err error) {
	removeLeftovers(top)
	if folder, err = os.MkdirTemp(top, folderPrefix); err != nil {
		return "", nil, err
	}
	lock, err := lockFolder(folder)
	return folder, func() {
		_ = os.RemoveAll(folder)
		if err == nil { // else the file system has no locks, and no process removes leftovers
			_ = lock.Close()
		}
	}, nil
}

// removeLeftovers removes the folders of processes that have ended. A new folder may not be locked yet.
func removeLeftovers(top string) {
	names, _ := filepath.Glob(filepath.Join(top, folderPrefix+"*")) // a folder of temporary files has no special characters
	for _, name := range names {
		info, err := os.Lstat(name)
		if err != nil || !info.IsDir() || time.Since(info.ModTime()) < time.Minute {
			continue
		}
		if lock, err := lockFolder(name); err == nil { // not another user's, and no process has it
			_ = os.RemoveAll(name)
			_ = lock.Close()
		}
	}
}

func lockFolder(name string) (*os.File, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, os.NewSyscallError("flock", err)
	}
	return f, nil
}
