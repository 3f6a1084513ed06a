//go:build unix

package sendqueue

import "syscall"

const canTry = true

// try makes one attempt to write the batch and says that it is done whatever came of it, so that it never waits.
func (o *Queue) try(fd uintptr) bool {
	for {
		o.n, o.err = syscall.Write(int(fd), o.batch)
		switch o.err {
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
			o.n, o.err = 0, nil
		}
		return true
	}
}
