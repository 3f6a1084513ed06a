//go:build !linux

package history

import "time"

// Monotonic returns the wall clock, because this system has no portable monotonic clock that processes share. A step of
// the wall clock during a run makes the history useless here.
func Monotonic() time.Duration { return time.Duration(time.Now().UnixNano()) }
