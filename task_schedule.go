package actionhero

import (
	"fmt"
	"time"

	"github.com/actionhero-go/actionhero/internal/cron"
)

// Schedule defines the times at which the scheduler starts a task: the multiples of its Frequency, or the times of its
// Cron in its TimeZone. The zero Schedule is never due.
type Schedule struct {
	due  dueTimes
	text string
}

// String returns the schedule as the task declares it, for example "every 1m0s" or "30 2 * * 1-5 Europe/Berlin". String
// returns "" for the zero Schedule.
func (s Schedule) String() string { return s.text }

// isZero reports whether s is the zero Schedule, the schedule of a task without Frequency and Cron.
func (s Schedule) isZero() bool { return s.text == "" }

// dueTimes computes the times at which a Schedule is due. dueTimes implements bridge.Schedule.
type dueTimes struct {
	every int64 // milliseconds; 0: cron
	cron  cron.Schedule
}

func newSchedule(frequency time.Duration, expr, zone string) (Schedule, error) {
	switch {
	case frequency != 0 && expr != "":
		return Schedule{}, fmt.Errorf("it has both a Frequency and a Cron: use one of them")
	case zone != "" && expr == "":
		return Schedule{}, fmt.Errorf("it has the TimeZone %q but no Cron, whose it is: set Cron, or remove it", zone)
	case frequency != 0 && (frequency < minFrequency || frequency%time.Millisecond != 0):
		return Schedule{}, fmt.Errorf("its Frequency is %v: it must be a whole number of milliseconds, %v or more", frequency, minFrequency)
	case frequency != 0:
		return Schedule{due: dueTimes{every: frequency.Milliseconds()}, text: "every " + frequency.String()}, nil
	case expr == "":
		return Schedule{}, nil
	}
	loc, err := time.LoadLocation(zone)
	if err != nil {
		return Schedule{}, fmt.Errorf("its TimeZone %q is not known: use a name such as Europe/Berlin, or import time/tzdata if this machine has no time zones: %w", zone, err)
	}
	s, err := cron.Parse(expr, loc)
	if err != nil {
		return Schedule{}, err
	}
	text := s.String()
	if zone != "" {
		text += " " + zone
	}
	return Schedule{due: dueTimes{cron: s}, text: text}, nil
}

// Next returns the first due time of the schedule that is later than the argument after, or the zero time if there is
// none.
func (s *dueTimes) Next(after time.Time) time.Time {
	if s.every == 0 {
		return s.cron.Next(after)
	}
	return time.UnixMilli((floorDiv(after.UnixMilli(), s.every) + 1) * s.every)
}

// Latest returns the last due time of the schedule in the interval (after, until], or the zero time if there is none.
func (s *dueTimes) Latest(after, until time.Time) time.Time {
	if s.every == 0 {
		return s.cron.Latest(after, until)
	}
	at := floorDiv(until.UnixMilli(), s.every) * s.every
	if at <= after.UnixMilli() {
		return time.Time{}
	}
	return time.UnixMilli(at)
}

// Calendar reports whether the schedule follows the calendar instead of elapsed time. The caller needs this when a
// clock is set back a little, because a calendar schedule must then not become due again.
func (s *dueTimes) Calendar() bool { return s.every == 0 && s.cron.Calendar() }

// floorDiv returns a/b, rounded down; b must be above 0.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
