//go:build !unix

package nonblock

import "net"

// Supported reports whether the system has non-blocking reads and writes. It is false on this system: callers must use
// blocking reads and writes instead of Read and Write.
const Supported = false

// Ended reports false: this system has no read that does not block.
func Ended(net.Conn) (eof bool, err error) { return false, nil }

// Read must not be called, because Supported is false.
func Read(uintptr, []byte) (n int, again bool, err error) { return 0, false, nil }

// Write must not be called, because Supported is false.
func Write(uintptr, []byte) (n int, again bool, err error) { return 0, false, nil }
