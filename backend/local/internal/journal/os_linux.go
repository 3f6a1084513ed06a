package journal

import (
	"errors"
	"syscall"
)

// Sync syncs the data and the size of the file, but no other metadata, such as the modification time. The journal does
// not use other metadata, and syncing it would cost a second write.
func (f osFile) Sync() error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		for {
			if failed = syscall.Fdatasync(int(fd)); !errors.Is(failed, syscall.EINTR) {
				return
			}
		}
	})
	return errors.Join(err, failed)
}
