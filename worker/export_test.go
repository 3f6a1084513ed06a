package worker

import "time"

// SetClock has the worker read another wall clock. Call it before the start.
func (w *Worker) SetClock(now func() time.Time) { w.now = now }
