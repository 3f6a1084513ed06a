package journal

import (
	"errors"
	"syscall"
)

// Sync leaves out what is known about the file but its size, such as when it was written to: nobody needs it, and it
// would cost a second write.
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
