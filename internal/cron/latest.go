package cron

import "time"

// Latest returns the last due time that is later than after and not later than until, in the time zone of the schedule.
// It returns the zero time if there is no due time in between.
func (s Schedule) Latest(after, until time.Time) time.Time {
	due := s.Next(after)
	if due.IsZero() || due.After(until) {
		return time.Time{}
	}
	// A later argument of Next never returns an earlier time: a binary search finds the last second for which Next is not later than until.
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

// Calendar reports whether the schedule follows the calendar. If the clock is set back, a schedule that follows the
// calendar must not be due again for the repeated times. Calendar returns false for a schedule that follows elapsed
// time.
func (s Schedule) Calendar() bool { return s.every == 0 && !s.elapsed }
