//go:build !unix

package nonblock

// Supported is false: callers use blocking reads and writes instead.
const Supported = false

// Read must not be called.
func Read(uintptr, []byte) (n int, again bool, err error) { return 0, false, nil }

// Write must not be called.
func Write(uintptr, []byte) (n int, again bool, err error) { return 0, false, nil }
