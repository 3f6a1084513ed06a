package queue

import (
	"math"
	"time"
)

const never = math.MaxInt64 // a time in milliseconds that is never reached

// clockJump is the minimum deviation of the wall clock from the monotonic clock, in milliseconds, at which the wall
// clock counts as set. A smaller deviation is a gradual correction, or a pause of the process between reading the two
// clocks.
const clockJump = 500

// clock reads the wall clock and the monotonic clock, and detects that the wall clock was set. The function read
// returns three values. The value wall is the wall time in milliseconds since 1970. The value mono is the monotonic
// time in milliseconds since newClock. The value fraction is the elapsed part of the current wall millisecond, in
// nanoseconds.
type clock struct {
	read   func() (wall, mono, fraction int64)
	offset int64 // wall - mono at the last call of resync
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

// resync accepts the current wall clock as right, so that the method now compares later readings with this one. It
// returns the number of milliseconds by which the wall clock was set since the last call of resync.
func (c *clock) resync() int64 {
	wall, mono, _ := c.read()
	by := wall - mono - c.offset
	c.offset += by
	return by
}

// timestamps is the result of reading the wall clock and the monotonic clock once, in milliseconds. The field fraction
// is the elapsed part of the wall millisecond in nanoseconds.
type timestamps struct{ wall, mono, fraction int64 }

// after returns the wall time in milliseconds that is d after m, rounded up to a full millisecond.
func (m timestamps) after(d time.Duration) int64 {
	if d <= 0 {
		return m.wall
	}
	return m.wall + (int64(d)-1)/int64(time.Millisecond) + 1 + (m.fraction+(int64(d)-1)%int64(time.Millisecond))/int64(time.Millisecond)
}

// now reads the wall clock and the monotonic clock. It returns set as true if the wall clock was set since the last
// call of resync.
func (c *clock) now() (m timestamps, set bool) {
	m.wall, m.mono, m.fraction = c.read()
	by := m.wall - m.mono - c.offset
	return m, by >= clockJump || by <= -clockJump
}

// ceilMillis returns the time t in milliseconds since 1970, rounded up.
func ceilMillis(t time.Time) int64 {
	ms := t.UnixMilli()
	if t.After(time.UnixMilli(ms)) {
		ms++
	}
	return ms
}
