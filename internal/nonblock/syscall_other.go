//go:build unix && (!linux || race)

package nonblock

import "syscall"

// read and write are the functions of package syscall, from which the race detector learns the order of events.
func read(fd uintptr, p []byte) (int, error) { return syscall.Read(int(fd), p) }

func write(fd uintptr, p []byte) (int, error) { return syscall.Write(int(fd), p) }
