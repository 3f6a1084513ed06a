package local

import (
	"math"
	"sync/atomic"
	"time"
)

const (
	never  = math.MaxInt64              // as a moment: it will not come
	maxTTL = 100 * 365 * 24 * time.Hour // longer ones are cut to this, so that no sum of times overflows
	// minClockStep is by how much the wall clock must have left the clock's idea of it to count as set anew. The two clocks of
	// one time.Now are read one after the other, so a smaller difference may be a pause between the two.
	minClockStep = int64(10 * time.Millisecond)
)

// clock counts in moments: nanoseconds since it was made, monotonic, so that setting the wall clock makes nothing
// expire. Asking for a moment costs half of time.Now, which would be most of the price of a read.
type clock struct {
	base   time.Time
	offset atomic.Int64 // what makes a moment a Unix time in nanoseconds
}

func (c *clock) init() {
	c.base = time.Now()
	c.offset.Store(c.base.UnixNano())
}

// now returns this moment.
func (c *clock) now() int64 { return int64(time.Since(c.base)) }

// nowSynced returns this moment, and follows the wall clock if somebody has set it.
func (c *clock) nowSynced() int64 {
	t := time.Now()
	moment := int64(t.Sub(c.base))
	if offset := t.UnixNano() - moment; max(offset-c.offset.Load(), c.offset.Load()-offset) >= minClockStep {
		c.offset.Store(offset)
	}
	return moment
}

// deadline returns the moment ttl after moment, or a little later: the next full millisecond of the wall clock, so that
// an entry goes exactly when its Expires says.
func (c *clock) deadline(moment int64, ttl time.Duration) int64 {
	if ttl == 0 {
		return never
	}
	offset, ms := c.offset.Load(), int64(time.Millisecond)
	unix := moment + offset + int64(min(ttl, maxTTL))
	return (unix+ms-1)/ms*ms - offset
}

// wall returns moment as the time that people know, to the millisecond.
func (c *clock) wall(moment int64) time.Time {
	return time.UnixMilli((moment + c.offset.Load()) / int64(time.Millisecond))
}
