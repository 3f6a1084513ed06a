package worker

import (
	"context"
	"log/slog"
	"time"
)

// minPause and maxPause are the minimum and the maximum of backoff.pause.
const (
	minPause = 100 * time.Millisecond
	maxPause = 30 * time.Second
)

// backoff waits between the attempts of an operation that fails. The pause doubles with each failure, from minPause up
// to maxPause.
type backoff struct {
	log     *slog.Logger
	failure string // the log message of a failure
	pause   time.Duration
}

// wait logs the failure err and doubles the pause. wait then blocks for the pause, or until ctx is done.
func (b *backoff) wait(ctx context.Context, err error) {
	b.pause = min(max(2*b.pause, minPause), maxPause)
	b.log.Error(b.failure, "error", err.Error(), "again in", b.pause.String())
	timer := time.NewTimer(b.pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// reset sets the next pause to minPause. The caller calls reset after a success.
func (b *backoff) reset() { b.pause = 0 }
