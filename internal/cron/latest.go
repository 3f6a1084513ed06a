package cron

import "time"

// Latest returns the last time after one and not after another at which the schedule is due, in the schedule's zone, or
// the zero time if there is none.
func (s Schedule) Latest(after, until time.Time) time.Time {
	due := s.Next(after)
	if due.IsZero() || due.After(until) {
		return time.Time{}
	}
	// The next time after a second only grows with that second, so the last second whose next time has come is sought.
	from, to := after.Unix(), until.Unix()
	for from+1 < to {
		middle := from + (to-from)/2
		if next := s.Next(time.Unix(middle, 0)); !next.IsZero() && !next.After(until) {
			due, from = next, middle
		} else {
			to = middle
		}
	}
	return due
}

// Calendar reports whether the schedule follows the calendar, so that a clock that is set back must not make it due
// again; otherwise it follows elapsed time.
func (s Schedule) Calendar() bool { return s.every == 0 && !s.elapsed }
