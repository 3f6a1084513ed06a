package local

import (
	"math"
	"sync/atomic"
	"time"
)

const (
	never  = math.MaxInt64              // a clock time that is never reached
	maxTTL = 100 * 365 * 24 * time.Hour // the longest ttl; longer ttls are shortened to maxTTL, so that no sum of times overflows
	// minClockStep is the smallest difference that counts as a step of the wall clock, in nanoseconds. time.Now reads
	// the monotonic clock and the wall clock one after the other, so a smaller difference may be a pause between the
	// two reads.
	minClockStep = int64(10 * time.Millisecond)
)

// clock counts the monotonic nanoseconds since init. This count is called a clock time. No entry expires because the
// wall clock was set. A read of this clock takes half the time of time.Now. That matters because time.Now would take
// most of the time of a read from the store.
type clock struct {
	base   time.Time
	offset atomic.Int64 // the Unix time in nanoseconds is the clock time plus offset
}

func (c *clock) init() {
	c.base = time.Now()
	c.offset.Store(c.base.UnixNano())
}

func (c *clock) now() int64 { return int64(time.Since(c.base)) }

// nowSynced returns the clock time in nanoseconds, as now does. If the wall clock was set, nowSynced also adjusts the
// offset between clock times and the wall clock.
func (c *clock) nowSynced() int64 {
	wall := time.Now()
	now := int64(wall.Sub(c.base))
	if offset := wall.UnixNano() - now; max(offset-c.offset.Load(), c.offset.Load()-offset) >= minClockStep {
		c.offset.Store(offset)
	}
	return now
}

// deadline returns the clock time now plus ttl, rounded up to a full millisecond of the wall clock. Because of the
// rounding, an entry expires exactly at the time in its field Expires, which has millisecond precision. If ttl is 0,
// deadline returns the constant never.
func (c *clock) deadline(now int64, ttl time.Duration) int64 {
	if ttl == 0 {
		return never
	}
	offset, ms := c.offset.Load(), int64(time.Millisecond)
	unix := now + offset + int64(min(ttl, maxTTL))
	return (unix+ms-1)/ms*ms - offset
}

// wall returns the wall time of the clock time t, rounded down to a full millisecond.
func (c *clock) wall(t int64) time.Time {
	return time.UnixMilli((t + c.offset.Load()) / int64(time.Millisecond))
}
