package backend

import (
	"errors"
	"fmt"
	"time"
)

// ErrRate means that a field of a [Rate] is out of range.
var ErrRate = errors.New("the rate is refused: use an Every from 1 µs and a Burst from 1, whose product is at most 366 days")

// maxRate is the longest time in which the full limit of a Rate becomes available again.
const maxRate = 366 * 24 * time.Hour

// Rate is a limit on events, see [Store.Take].
type Rate struct {
	Every time.Duration // the time in which one more event becomes allowed; from 1 µs, rounded up to µs by a server
	Burst int           // the number of events that are allowed at once after a pause; from 1
}

// Check returns an error that wraps [ErrRate] if a field is out of range.
func (r Rate) Check() error {
	if r.Every < time.Microsecond || r.Burst < 1 || r.Every > maxRate/time.Duration(r.Burst) {
		return fmt.Errorf("%d events, and one more each %v: %w", r.Burst, r.Every, ErrRate)
	}
	return nil
}

// Window returns the time in which the full limit becomes available again if all of it is used.
func (r Rate) Window() time.Duration { return r.Every * time.Duration(r.Burst) }

// Wait returns the time until one event is allowed if the full limit is available after the time full. If the event is
// allowed at once, Wait returns 0.
func (r Rate) Wait(full time.Duration) time.Duration { return max(full+r.Every-r.Window(), 0) }

// Left returns the number of events that are allowed at once if the full limit is available after the time full.
func (r Rate) Left(full time.Duration) int { return int(max(r.Window()-full, 0) / r.Every) }

// Taken is the result of [Store.Take].
type Taken struct {
	Wait time.Duration // 0: the event was counted; otherwise nothing was counted, and the next event is allowed after this time
	Full time.Duration // after this time without events, the full limit is available
}
