package redis

import (
	"context"
	"time"
)

// maxUndo is the number of commands that are taken back at a time. undoTime is the longest time for that.
const maxUndo, undoTime = 1000, 8 * time.Second

// undo takes back what a command without an answer may have done, or may do a little later: it calls f until f has found the
// effect of the command. If that fails, the effect stays until it expires.
func (c *core) undo(f func(ctx context.Context) (found bool)) {
	if c.undoing.Add(1) > maxUndo {
		c.undoing.Add(-1)
		return
	}
	ok := c.spawn(func(ctx context.Context, _ *session) {
		defer c.undoing.Add(-1)
		for wait := undoTime / 32; wait <= undoTime && ctx.Err() == nil && !f(ctx); wait *= 2 {
			pause(ctx, wait)
		}
	})
	if !ok {
		c.undoing.Add(-1)
	}
}
