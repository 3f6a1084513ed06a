//go:build unix && !linux

package nonblock

// hungUp reports false: this system does not tell it without reading.
func hungUp(uintptr) (eof, over bool) { return false, false }
