package queue

import (
	"math"
	"time"
)

const never = math.MaxInt64 // as a time or a moment: it will not come

// jump is by how much the wall clock must have left its course to count as set anew, in milliseconds. Below it, it is
// being corrected little by little, or the process paused between reading the two clocks.
const jump = 500

// clock reads the wall clock, in milliseconds since 1970, and a clock that nobody sets, in moments: milliseconds since
// the queue was made. rest is the part of the present millisecond that has passed, in nanoseconds.
type clock struct {
	read   func() (wall, moment, rest int64)
	offset int64 // what made a moment a time when it was read last
}

func newClock() clock {
	base := time.Now()
	c := clock{read: func() (wall, moment, rest int64) {
		now := time.Now()
		return now.UnixMilli(), now.Sub(base).Milliseconds(), int64(now.Nanosecond()) % int64(time.Millisecond)
	}}
	c.follow()
	return c
}

// follow takes the wall clock as it is for right, and returns by how much it was set since the last time.
func (c *clock) follow() int64 {
	wall, moment, _ := c.read()
	by := wall - moment - c.offset
	c.offset += by
	return by
}

// moments say when something happens.
type moments struct{ wall, moment, rest int64 }

// after returns the time when d has passed, rounded up.
func (m moments) after(d time.Duration) int64 {
	if d <= 0 {
		return m.wall
	}
	return m.wall + (int64(d)-1)/int64(time.Millisecond) + 1 + (m.rest+(int64(d)-1)%int64(time.Millisecond))/int64(time.Millisecond)
}

// now returns this moment, and whether the wall clock was set.
func (c *clock) now() (m moments, set bool) {
	m.wall, m.moment, m.rest = c.read()
	by := m.wall - m.moment - c.offset
	return m, by >= jump || by <= -jump
}

// ceil returns t in milliseconds, rounded up.
func ceil(t time.Time) int64 {
	ms := t.UnixMilli()
	if t.After(time.UnixMilli(ms)) {
		ms++
	}
	return ms
}

// milliseconds returns d in milliseconds, rounded up, and 0 if it is negative.
func milliseconds(d time.Duration) int64 {
	if d <= 0 {
		return 0
	}
	return int64((d-1)/time.Millisecond) + 1
}
