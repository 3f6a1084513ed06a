package cron

import (
	"math"
	"math/bits"
	"time"
)

// Functions of this file use two kinds of int64. An instant is a time in Unix seconds. A wall time is what a local
// clock shows, as the Unix seconds at which a clock in UTC shows the same date and time.
const (
	minute = 60
	day    = 24 * 60 * minute

	firstSecond = -62135596800 // the start of the year 1, which is the zero time.Time
	lastSecond  = 253402300799 // the end of the year 9999

	// slack is two days, in seconds: more than any difference between a local clock and UTC, and more than any step by
	// which a clock was set back.
	slack = 2 * day

	// horizon limits the search for the next due time to 50 years. The limit is needed because daylight saving may skip
	// every due time of a schedule. Within 50 years, common years and leap years begin on each day of the week.
	horizon = 50 * 366 * day
)

// Next returns the first due time that is later than after, in the time zone of the schedule. It returns the zero time
// if there is no due time until the end of the year 9999, or if daylight saving skips all due times of the next 50
// years. If after is before the year 1, Next searches from the start of the year 1.
func (s Schedule) Next(after time.Time) time.Time {
	from := max(after.Unix(), firstSecond)
	if from >= lastSecond || s.loc == nil {
		return time.Time{}
	}
	var next int64
	switch {
	case s.every > 0:
		next = floor(from, s.every) + s.every
	case s.elapsed:
		next = s.nextElapsed(from)
	default:
		next = s.nextCalendar(from)
	}
	if next > lastSecond {
		return time.Time{}
	}
	return time.Unix(next, 0).In(s.loc)
}

// nextElapsed returns the first instant later than after at which the local clock shows a due time of the schedule. It
// is for schedules that follow elapsed time. It returns math.MaxInt64 if the schedule is not due within horizon.
func (s *Schedule) nextElapsed(after int64) int64 {
	for from := after + 1; from <= after+horizon; {
		offset, end := s.offset(from)
		if at := s.match(ceil(from+offset, minute)) - offset; at < end {
			return at
		}
		from = end
	}
	return math.MaxInt64
}

// nextCalendar returns the next due instant of a schedule that follows the calendar. This is the first instant later
// than after at which the local clock shows, for the first time, a matching wall time or a later one.
func (s *Schedule) nextCalendar(after int64) int64 {
	wall := s.match(s.latestShown(after) + minute)
	for from := after + 1; ; {
		offset, end := s.offset(from)
		if at := max(wall, ceil(from+offset, minute)) - offset; at < end {
			return at
		}
		from = max(end, wall-slack)
	}
}

// latestShown returns the latest whole minute that the local clock has shown until the instant until. If the clock was
// set back, that minute is later than the minute that the clock shows now.
func (s *Schedule) latestShown(until int64) int64 {
	from := until - slack
	offset, end := s.offset(from)
	latest := floor(from+offset, minute)
	for {
		if shown := floor(min(end-1, until)+offset, minute); shown >= from+offset {
			latest = max(latest, shown)
		}
		if end > until {
			return latest
		}
		from = end
		offset, end = s.offset(from)
	}
}

// offset returns how many seconds the local clock is ahead of UTC at the instant at. It also returns end, a later
// instant until which this offset applies.
func (s *Schedule) offset(at int64) (offset, end int64) {
	t := time.Unix(at, 0).In(s.loc)
	_, seconds := t.Zone()
	_, until := t.ZoneBounds()
	if until.IsZero() {
		return int64(seconds), math.MaxInt64
	}
	// For years for which a zone has only a rule, ZoneBounds ends the year after 365 days: on the last day of a leap year
	// it returns an end that has passed. No rule changes the clock on that day.
	if end = until.Unix(); end <= at {
		end = floor(at, day) + day
	}
	return int64(seconds), end
}

// match returns the first wall time that matches the fields of the schedule and is not before the argument wall. wall
// must be a whole minute.
func (s *Schedule) match(wall int64) int64 {
	midnight := floor(wall, day)
	if d := s.matchDay(midnight); d != midnight {
		return s.matchTime(d, 0, 0)
	}
	minutes := int(wall-midnight) / minute
	if at := s.matchTime(midnight, minutes/60, minutes%60); at < midnight+day {
		return at
	}
	return s.matchTime(s.matchDay(midnight+day), 0, 0)
}

// matchTime returns the first wall time of a day that matches the schedule, at or after the hour h and minute m.
// midnight is the start of the day. If the day has no further matching time, matchTime returns the start of the next
// day.
func (s *Schedule) matchTime(midnight int64, h, m int) int64 {
	if s.hours>>h&1 == 1 {
		if rest := s.minutes >> m; rest != 0 {
			return midnight + int64(h*60+m+bits.TrailingZeros64(rest))*minute
		}
	}
	if rest := s.hours >> (h + 1); rest != 0 {
		h += 1 + bits.TrailingZeros32(rest)
		return midnight + int64(h*60+bits.TrailingZeros64(s.minutes))*minute
	}
	return midnight + day
}

// matchDay returns the start of the first day that matches the schedule. The search begins with the day that starts at
// midnight. The loop ends because Parse rejects schedules without a matching day. The rarest matching day is the 29th
// of February, which is at most eight years later.
func (s *Schedule) matchDay(midnight int64) int64 {
	t := time.Unix(midnight, 0).UTC()
	year, m, dom := t.Date()
	month := int(m)
	first := midnight - int64(dom-1)*day
	weekday := (int(t.Weekday()) - (dom - 1) + 35) % 7 // of the first of the month
	for {
		if s.months>>month&1 == 1 {
			if rest := s.daysOf(year, month, weekday) >> dom; rest != 0 {
				return first + int64(dom-1+bits.TrailingZeros32(rest))*day
			}
		}
		length := monthLength(year, month)
		first += int64(length) * day
		weekday = (weekday + length) % 7
		dom = 1
		if month++; month > 12 {
			year, month = year+1, 1
		}
	}
}

// daysOf returns the days of a month that match the schedule: bit n is 1 if day n matches. weekday is the day of the
// week of the first day of the month.
func (s *Schedule) daysOf(year, month, weekday int) uint32 {
	const weeks = 1 | 1<<7 | 1<<14 | 1<<21 | 1<<28 | 1<<35
	byWeekday := uint32(uint64(s.weekdays) * weeks >> weekday << 1)
	days := s.days | byWeekday
	switch {
	case s.days == allDays:
		days = byWeekday
	case s.weekdays == allWeekdays:
		days = s.days
	}
	return days & (1<<(monthLength(year, month)+1) - 2)
}

func monthLength(year, month int) int {
	if month == 2 {
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 30 + (month+month>>3)&1
}

// floor rounds v down to a multiple of unit.
func floor(v, unit int64) int64 {
	return v - ((v%unit)+unit)%unit
}

// ceil rounds v up to a multiple of unit.
func ceil(v, unit int64) int64 { return floor(v+unit-1, unit) }
