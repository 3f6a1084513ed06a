package local

import (
	"math"
	"sync/atomic"
	"time"
)

const (
	never  = math.MaxInt64              // a clock time that does not come
	maxTTL = 100 * 365 * 24 * time.Hour // longer ttls are cut to this, so that no sum of times overflows
	// minClockStep is the smallest difference that counts as a step of the wall clock. time.Now reads the monotonic clock
	// and the wall clock one after the other, so a smaller difference may be a pause between the two.
	minClockStep = int64(10 * time.Millisecond)
)

// clock counts monotonic nanoseconds since init. A step of the wall clock therefore makes nothing expire. Reading it
// costs half of time.Now, which would be most of the cost of a read from the store.
type clock struct {
	base   time.Time
	offset atomic.Int64 // clock time plus offset is the Unix time in nanoseconds
}

func (c *clock) init() {
	c.base = time.Now()
	c.offset.Store(c.base.UnixNano())
}

func (c *clock) now() int64 { return int64(time.Since(c.base)) }

// nowSynced is now, and adjusts the offset if the wall clock was set.
func (c *clock) nowSynced() int64 {
	wall := time.Now()
	now := int64(wall.Sub(c.base))
	if offset := wall.UnixNano() - now; max(offset-c.offset.Load(), c.offset.Load()-offset) >= minClockStep {
		c.offset.Store(offset)
	}
	return now
}

// deadline returns now plus ttl, rounded up to a full millisecond of the wall clock: an entry expires exactly at its
// Expires, which has that precision. For a ttl of 0 it returns never.
func (c *clock) deadline(now int64, ttl time.Duration) int64 {
	if ttl == 0 {
		return never
	}
	offset, ms := c.offset.Load(), int64(time.Millisecond)
	unix := now + offset + int64(min(ttl, maxTTL))
	return (unix+ms-1)/ms*ms - offset
}

// wall returns the wall time of the clock time t, to the millisecond.
func (c *clock) wall(t int64) time.Time {
	return time.UnixMilli((t + c.offset.Load()) / int64(time.Millisecond))
}
