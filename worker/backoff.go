package worker

import (
	"context"
	"log/slog"
	"time"
)

// The shortest and the longest pause between two attempts.
const (
	minPause = 100 * time.Millisecond
	maxPause = 30 * time.Second
)

// backoff waits between attempts of an operation that fails. The pause doubles with each failure.
type backoff struct {
	log     *slog.Logger
	failure string // the log message of a failure
	pause   time.Duration
}

// wait logs a failure and waits for the pause or until ctx is done.
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

// reset makes the next pause the shortest one. Call it after a success.
func (b *backoff) reset() { b.pause = 0 }
