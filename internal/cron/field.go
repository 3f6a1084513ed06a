package cron

import (
	"fmt"
	"strconv"
	"strings"
)

// field describes one of the five fields of a cron expression, for example the minute, and parses the text of the
// field.
type field struct {
	name     string
	allowed  string
	min, max int
	last     int      // the last value that * stands for; 6 for the day of week, because 0 and 7 both mean Sunday
	names    []string // names of the values, beginning with min
}

var fields = [5]field{
	{name: "minute", allowed: "0-59", max: 59, last: 59},
	{name: "hour", allowed: "0-23", max: 23, last: 23},
	{name: "day of month", allowed: "1-31", min: 1, max: 31, last: 31},
	{
		name: "month", allowed: "1-12 or JAN-DEC", min: 1, max: 12, last: 12,
		names: []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"},
	},
	{
		name: "day of week", allowed: "0-7 or SUN-SAT (0 and 7 are Sunday)", max: 7, last: 6,
		names: []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"},
	},
}

// parse parses the text of the field. In the returned set, bit n is 1 if the field has the value n. elapsed is true if
// the text has a * or a step. In the minute or hour field, a * or a step makes the schedule follow elapsed time.
func (f *field) parse(text string) (set uint64, elapsed bool, err error) {
	for entry := range strings.SplitSeq(text, ",") {
		span, stepText, stepped := strings.Cut(entry, "/")
		lo, hi, ranged, err := f.parseSpan(span)
		if err != nil {
			return 0, false, err
		}
		step := 1
		if stepped {
			if !ranged {
				from := lo % (f.last + 1) // 7 is 0
				return 0, false, fmt.Errorf("%s must have a range before its step, such as %d-%d/2 or */2, not %q", f.name, from, f.last, entry)
			}
			if step, err = f.parseStep(stepText); err != nil {
				return 0, false, err
			}
		}
		for v := lo; v <= hi; v += step {
			set |= 1 << v
		}
		elapsed = elapsed || stepped || span == "*"
	}
	return set, elapsed, nil
}

func (f *field) parseStep(text string) (int, error) {
	step, err := strconv.ParseUint(text, 10, 8)
	if greatest := f.last - f.min; err != nil || step < 1 || int(step) > greatest {
		return 0, fmt.Errorf("%s must have a step of 1-%d, not %s", f.name, greatest, quote(text))
	}
	return int(step), nil
}

// parseSpan parses "*", a single value or a range. ranged is false only for a single value.
func (f *field) parseSpan(text string) (lo, hi int, ranged bool, err error) {
	if text == "*" {
		return f.min, f.last, true, nil
	}
	from, to, ranged := strings.Cut(text, "-")
	if ranged && (from == "" || to == "") {
		return 0, 0, false, f.errNotAllowed(text)
	}
	if lo, err = f.parseValue(from); err != nil || !ranged {
		return lo, lo, false, err
	}
	if hi, err = f.parseValue(to); err != nil {
		return 0, 0, false, err
	}
	if hi == 0 && lo > 0 && f.max > f.last {
		hi = f.max // FRI-SUN
	}
	if lo > hi {
		return 0, 0, false, fmt.Errorf("%s must not have a range that runs backwards: write two ranges, not %s", f.name, text)
	}
	return lo, hi, true, nil
}

func (f *field) parseValue(text string) (int, error) {
	for i, name := range f.names {
		if strings.EqualFold(text, name) {
			return f.min + i, nil
		}
	}
	v, err := strconv.ParseUint(text, 10, 8)
	if err != nil || int(v) < f.min || int(v) > f.max {
		return 0, f.errNotAllowed(text)
	}
	return int(v), nil
}

func (f *field) errNotAllowed(text string) error {
	return fmt.Errorf("%s must be %s, not %s", f.name, f.allowed, quote(text))
}

// quote returns text in double quotes, or unchanged if it consists of digits only.
func quote(text string) string {
	if text != "" && strings.Trim(text, "0123456789") == "" {
		return text
	}
	return strconv.Quote(text)
}
