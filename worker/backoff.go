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
	success string // the log message of the success that ends the failures
	pause   time.Duration
	since   time.Time // of the first failure
}

// wait doubles the pause. It logs the failure err if it is the first one, or if the pause does not grow any more: of a
// short outage, the log has one line. wait then blocks for the pause, or until ctx is done.
func (b *backoff) wait(ctx context.Context, err error) {
	if b.pause == 0 {
		b.since = time.Now()
	}
	first := b.pause == 0
	if b.pause = min(max(2*b.pause, minPause), maxPause); first || b.pause == maxPause {
		b.log.Error(b.failure, "error", err.Error(), "again in", b.pause.String())
	}
	timer := time.NewTimer(b.pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// reset sets the next pause to minPause, and logs that the failures have ended. The caller calls reset after a success.
func (b *backoff) reset() {
	if b.pause > 0 {
		b.log.Info(b.success, "after", time.Since(b.since).Round(100*time.Millisecond))
	}
	b.pause = 0
}
