package queue

import (
	"math"
	"time"
)

const never = math.MaxInt64 // a time that is never reached

// clockJump is the minimum deviation from the monotonic clock at which the wall clock counts as set, in milliseconds. A
// smaller deviation is a gradual correction, or a pause of the process between reading the two clocks.
const clockJump = 500

// clock reads two clocks: wall, in milliseconds since 1970, and mono, the monotonic clock in milliseconds since New.
// fraction is the elapsed part of the current wall millisecond, in nanoseconds.
type clock struct {
	read   func() (wall, mono, fraction int64)
	offset int64 // wall - mono at the last resync
}

func newClock() clock {
	base := time.Now()
	c := clock{read: func() (wall, mono, fraction int64) {
		now := time.Now()
		return now.UnixMilli(), now.Sub(base).Milliseconds(), int64(now.Nanosecond()) % int64(time.Millisecond)
	}}
	c.resync()
	return c
}

// resync accepts the wall clock as it is. It returns by how many milliseconds it was set since the last resync.
func (c *clock) resync() int64 {
	wall, mono, _ := c.read()
	by := wall - mono - c.offset
	c.offset += by
	return by
}

// timestamps is one reading of both clocks.
type timestamps struct{ wall, mono, fraction int64 }

// after returns the wall time after d, rounded up to a millisecond.
func (m timestamps) after(d time.Duration) int64 {
	if d <= 0 {
		return m.wall
	}
	return m.wall + (int64(d)-1)/int64(time.Millisecond) + 1 + (m.fraction+(int64(d)-1)%int64(time.Millisecond))/int64(time.Millisecond)
}

// now reads the clocks, and reports whether the wall clock was set since the last resync.
func (c *clock) now() (m timestamps, set bool) {
	m.wall, m.mono, m.fraction = c.read()
	by := m.wall - m.mono - c.offset
	return m, by >= clockJump || by <= -clockJump
}

// ceilMillis returns t in milliseconds since 1970, rounded up.
func ceilMillis(t time.Time) int64 {
	ms := t.UnixMilli()
	if t.After(time.UnixMilli(ms)) {
		ms++
	}
	return ms
}

// durationMillis returns d in milliseconds, rounded up, or 0 if d is negative.
func durationMillis(d time.Duration) int64 {
	if d <= 0 {
		return 0
	}
	return int64((d-1)/time.Millisecond) + 1
}
