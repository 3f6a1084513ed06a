// Package cron parses cron expressions and computes the times at which they are due. Begin with [Parse] and
// [Schedule.Next].
//
// An expression has five fields: minute, hour, day of month, month, day of week. A field is * or a list of values and
// ranges, with steps: "*/15 9-17 * JAN-JUN,12 MON-FRI". The alternatives to five fields are @hourly, @daily (@midnight),
// @weekly, @monthly, @yearly (@annually) and "@every 90s".
//
// Implementations of cron disagree about the following points. This package follows these rules:
//
//   - If an expression restricts the day of month and the day of week, a day must match only one of the two fields, as in
//     POSIX. "0 9 1 * MON" is due on the first of the month and on every Monday. A field that allows every value
//     restricts nothing, in any notation (*, 1-31, */1). Every other field restricts the days, including */2.
//   - If minute and hour have numbers only ("30 2 * * *", "0 9-17 * * *"), the schedule follows the calendar. Each time is
//     due once, in the first minute in which the local clock shows that time or a later one. A time that daylight saving
//     skips is therefore due immediately after the gap. A time that daylight saving repeats is due only the first time.
//   - If minute or hour has a * or a step ("*/5 * * * *", "0 */6 * * *"), the schedule follows elapsed time. It is due in
//     every real minute in which the local clock matches: twice in a repeated hour and never in a skipped hour. A list of
//     all values counts as *.
//   - "@every 90s" is due at multiples of 90 seconds since 1970-01-01T00:00:00Z, not since the start of the process.
//     Therefore all nodes of a cluster compute the same due times, and a restart changes nothing.
package cron

import (
	"fmt"
	"strings"
	"time"
)

// MaxLength is the maximum length of a cron expression, in bytes.
const MaxLength = 256

// Schedule is a parsed cron expression. [Parse] returns a Schedule. The zero value is never due. Two schedules are
// equal (==) if their expressions have the same meaning and their time zone is the same *time.Location. The notation of
// the expressions does not matter.
type Schedule struct {
	minutes  uint64 // bit n: minute n
	every    int64  // the interval of @every in seconds; 0 for other expressions
	loc      *time.Location
	hours    uint32
	days     uint32 // bits 1-31
	months   uint16 // bits 1-12
	weekdays uint8  // bit 0: Sunday
	elapsed  bool   // the schedule follows elapsed time, not the calendar
}

const (
	allMinutes  = 1<<60 - 1
	allHours    = 1<<24 - 1
	allDays     = 1<<32 - 2
	allWeekdays = 1<<7 - 1
)

var shorthands = map[string]string{
	"@hourly":   "0 * * * *",
	"@daily":    "0 0 * * *",
	"@midnight": "0 0 * * *",
	"@weekly":   "0 0 * * 0",
	"@monthly":  "0 0 1 * *",
	"@yearly":   "0 0 1 1 *",
	"@annually": "0 0 1 1 *",
}

// Parse parses a cron expression whose times are in the time zone loc; a nil loc means UTC. The error names the
// expression, the field, the fault and the allowed values. Parse also returns an error if the expression can never be
// due, for example only on the 30th of February.
func Parse(expr string, loc *time.Location) (Schedule, error) {
	if len(expr) > MaxLength {
		return Schedule{}, fmt.Errorf("a cron expression must be of at most %d bytes, not %d", MaxLength, len(expr))
	}
	if loc == nil {
		loc = time.UTC
	}
	s, err := parse(expr)
	if err != nil {
		return Schedule{}, fmt.Errorf("cron %q: %w", expr, err)
	}
	s.loc = loc
	return s, nil
}

func parse(expr string) (Schedule, error) {
	words := strings.Fields(expr)
	if len(words) == 0 {
		return parseFields(words)
	}
	first := strings.ToLower(words[0])
	switch {
	case strings.HasPrefix(first, "tz="), strings.HasPrefix(first, "cron_tz="):
		return Schedule{}, fmt.Errorf("%q cannot stand here: the time zone has its own setting", words[0])
	case first == "@every":
		return parseEvery(words[1:])
	case first[0] != '@':
		return parseFields(words)
	}
	fields, ok := shorthands[first]
	if !ok {
		return Schedule{}, fmt.Errorf("%q is unknown: write @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually, @every 90s or five fields", words[0])
	}
	if len(words) > 1 {
		return Schedule{}, fmt.Errorf("nothing may follow %s, but %q does", words[0], words[1])
	}
	return parseFields(strings.Fields(fields))
}

func parseEvery(words []string) (Schedule, error) {
	if len(words) != 1 {
		return Schedule{}, fmt.Errorf("one duration must follow @every, such as 90s or 1h30m, not %d words", len(words))
	}
	interval, err := time.ParseDuration(words[0])
	if err != nil {
		return Schedule{}, fmt.Errorf("%q is not a duration: write @every 90s or @every 1h30m", words[0])
	}
	if interval < time.Second || interval%time.Second != 0 {
		return Schedule{}, fmt.Errorf("the duration after @every must be a whole number of seconds, 1s or more, not %s", words[0])
	}
	return Schedule{every: int64(interval / time.Second)}, nil
}

func parseFields(words []string) (Schedule, error) {
	if len(words) != len(fields) {
		return Schedule{}, fmt.Errorf(`there must be five fields (minute, hour, day of month, month, day of week; such as "30 2 * * MON-FRI"), not %d`, len(words))
	}
	var sets [len(fields)]uint64
	var elapsed [len(fields)]bool
	for i := range fields {
		var err error
		if sets[i], elapsed[i], err = fields[i].parse(words[i]); err != nil {
			return Schedule{}, err
		}
	}
	s := Schedule{
		minutes: sets[0], hours: uint32(sets[1]), days: uint32(sets[2]), months: uint16(sets[3]),
		weekdays: uint8(sets[4]|sets[4]>>7) & allWeekdays, // 7 is Sunday, like 0
	}
	s.elapsed = elapsed[0] || elapsed[1] || s.minutes == allMinutes || s.hours == allHours
	if !s.occurs() {
		return Schedule{}, fmt.Errorf("it would never be due: no month of %q has a day of %q", words[3], words[2])
	}
	return s, nil
}

// occurs reports whether at least one month of the schedule has a day on which the schedule is due.
func (s Schedule) occurs() bool {
	const leapYear = 2000
	for month := 1; month <= 12; month++ {
		if s.months>>month&1 == 1 && s.daysOf(leapYear, month, 0) != 0 {
			return true
		}
	}
	return false
}
