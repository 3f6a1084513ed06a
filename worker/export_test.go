package worker

import "time"

// SetClock replaces the wall clock of the worker. Call it before the start.
func (w *Worker) SetClock(now func() time.Time) { w.now = now }
