package cron

import (
	"math/bits"
	"strconv"
	"strings"
	"time"
)

// String returns the canonical cron expression of the schedule, with numbers only and in ascending order. Parse returns
// an equal schedule for this expression and the same time zone. String returns "" for the zero value.
func (s Schedule) String() string {
	if s.every > 0 {
		return "@every " + (time.Duration(s.every) * time.Second).String()
	}
	if s.minutes == 0 {
		return ""
	}
	sets := [len(fields)]uint64{s.minutes, uint64(s.hours), uint64(s.days), uint64(s.months), uint64(s.weekdays)}
	var words [len(fields)]string
	for i, set := range sets {
		words[i] = fields[i].format(set, s.elapsed && i < 2)
	}
	if s.elapsed && !strings.ContainsAny(words[0]+words[1], "*/") {
		// Neither field shows that the schedule follows elapsed time. A step of 1 shows it and changes nothing else.
		last := bits.Len32(s.hours) - 1
		if strings.HasSuffix(words[1], "-"+strconv.Itoa(last)) {
			words[1] += "/1"
		} else {
			words[1] += "-" + strconv.Itoa(last) + "/1"
		}
	}
	return strings.Join(words[:], " ")
}

// format returns the text of a field; the bits of set are the values of the field. If set has all values, it returns
// "*". If steps is true and the values have a constant distance, it returns a range with a step. Otherwise it returns a
// list of values and ranges.
func (f *field) format(set uint64, steps bool) string {
	first, last := bits.TrailingZeros64(set), bits.Len64(set)-1
	if bits.OnesCount64(set) == f.last-f.min+1 {
		return "*"
	}
	if step := stepOf(set); steps && step > 1 {
		if first == f.min && last+step > f.last {
			return "*/" + strconv.Itoa(step)
		}
		return strconv.Itoa(first) + "-" + strconv.Itoa(last) + "/" + strconv.Itoa(step)
	}
	var text []byte
	for set != 0 {
		lo := bits.TrailingZeros64(set)
		hi := lo + bits.TrailingZeros64(^(set >> lo)) - 1
		set &^= 1<<(hi+1) - 1
		if text != nil {
			text = append(text, ',')
		}
		text = strconv.AppendInt(text, int64(lo), 10)
		if hi > lo {
			text = append(text, '-')
			text = strconv.AppendInt(text, int64(hi), 10)
		}
	}
	return string(text)
}

// stepOf returns the distance between consecutive values of set if the distance is constant, and 0 otherwise.
func stepOf(set uint64) int {
	first := bits.TrailingZeros64(set)
	step := bits.TrailingZeros64(set >> first &^ 1)
	var even uint64
	for v := first; v < bits.Len64(set); v += step {
		even |= 1 << v
	}
	if even != set || step == 64 {
		return 0
	}
	return step
}
