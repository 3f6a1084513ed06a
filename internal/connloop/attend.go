package connloop

import (
	"context"
	"sync"
	"time"
)

// Attend calls do, code of the app that runs for the client before [Loop.Run]. The context of do ends with the context of
// the pool, and when gone reports that the client has gone; then left is true. Attend calls gone at intervals, from
// another goroutine.
func (l *Loop) Attend(gone func() bool, do func(ctx context.Context)) (left bool) {
	ctx, cancel := context.WithCancelCause(l.pool.ctx)
	defer cancel(nil)
	done := make(chan struct{})
	var watching sync.WaitGroup
	defer watching.Wait() // after done is closed; before left is returned
	defer close(done)
	watching.Go(func() {
		ticker := time.NewTicker(goneInterval)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				if gone() {
					left = true
					cancel(errGone)
					return
				}
			}
		}
	})
	do(ctx)
	return
}
