package nonblock

import "golang.org/x/sys/unix"

// hungUp reports whether the other side of a socket has ended its output, and whether the connection is over in both
// directions. Bytes that were not read hide neither.
func hungUp(fd uintptr) (eof, over bool) {
	poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
	for {
		if _, err := unix.Poll(poll, 0); err != unix.EINTR {
			break
		}
	}
	is := poll[0].Revents
	return is&unix.POLLRDHUP != 0, is&(unix.POLLERR|unix.POLLHUP|unix.POLLNVAL) != 0
}
