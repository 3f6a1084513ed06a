package cron

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// window is a span of real minutes in a zone, with the reading of the local clock at each.
type window struct {
	loc   *time.Location
	start time.Time
	shown []clock
	steps []int // the indexes of the minutes at which the clock is set
}

type clock struct {
	fields  [5]int
	minutes int // since 1970, by the local clock
}

func newWindow(t testing.TB, name string, year int) *window {
	w := &window{loc: zone(t, name)}
	w.start = time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
	end := time.Date(year+3, 1, 1, 0, 0, 0, 0, time.UTC)
	var day clock // its first minute
	for at := w.start; at.Before(end); at = at.Add(time.Minute) {
		_, offset := at.In(w.loc).Zone()
		local := int(math.Floor(float64(at.Unix()+int64(offset)) / 60))
		minuteOfDay := ((local % (24 * 60)) + 24*60) % (24 * 60) // also before 1970
		if first := local - minuteOfDay; len(w.shown) == 0 || first != day.minutes {
			day = showing(time.Unix(int64(first)*60, 0).UTC())
		}
		c := day
		c.fields[0], c.fields[1], c.minutes = minuteOfDay%60, minuteOfDay/60, local
		if n := len(w.shown); n > 0 && c.minutes != w.shown[n-1].minutes+1 {
			w.steps = append(w.steps, n)
		}
		w.shown = append(w.shown, c)
	}
	return w
}

func showing(t time.Time) clock {
	wall := time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), 0, 0, time.UTC)
	return clock{
		[5]int{t.Minute(), t.Hour(), t.Day(), int(t.Month()), int(t.Weekday())}, int(wall.Unix() / 60),
	}
}

// random is an expression that was generated together with its meaning.
type random struct {
	words   [5]string
	allows  [5][]bool
	elapsed bool
}

func (r *random) String() string { return strings.Join(r.words[:], " ") }

func newRandom(rnd *rand.Rand) *random {
	r := new(random)
	for i, f := range fields {
		allows := make([]bool, f.max+1)
		var entries []string
		for range 1 + rnd.IntN(3) {
			lo := f.min + rnd.IntN(f.last-f.min+1)
			hi := lo + rnd.IntN(f.last-lo+1)
			step := 1 + rnd.IntN(f.last-f.min)
			var entry string
			switch kind := rnd.IntN(16); {
			case kind < 5:
				entry, hi, step = strconv.Itoa(lo), lo, 1
			case kind < 8:
				entry, step = fmt.Sprintf("%d-%d", lo, hi), 1
			case kind < 9:
				entry = fmt.Sprintf("%d-%d/%d", lo, hi, step)
			case kind < 10:
				entry, lo, hi = fmt.Sprintf("*/%d", step), f.min, f.last
			case i < 2 && kind < 14: // early hours, in which clocks are set
				lo = rnd.IntN(4)
				entry, hi, step = strconv.Itoa(lo), lo, 1
			default:
				entry, lo, hi, step = "*", f.min, f.last, 1
			}
			for v := lo; v <= hi; v += step {
				allows[v] = true
			}
			entries = append(entries, entry)
			r.elapsed = r.elapsed || i < 2 && strings.ContainsAny(entry, "*/")
		}
		r.words[i], r.allows[i] = strings.Join(entries, ","), allows
	}
	r.elapsed = r.elapsed || !slices.Contains(r.allows[0], false) || !slices.Contains(r.allows[1], false)
	return r
}

func (r *random) matches(c clock) bool {
	for i := range 2 {
		if !r.allows[i][c.fields[i]] {
			return false
		}
	}
	if !r.allows[3][c.fields[3]] {
		return false
	}
	byDay, byWeekday := r.allows[2][c.fields[2]], r.allows[4][c.fields[4]]
	if slices.Contains(r.allows[2][1:], false) && slices.Contains(r.allows[4][:7], false) {
		return byDay || byWeekday
	}
	return byDay && byWeekday
}

// due returns, for each minute of the window, whether the expression is due.
func (w *window) due(r *random) []bool {
	due := make([]bool, len(w.shown))
	if r.elapsed {
		for i, c := range w.shown {
			due[i] = r.matches(c)
		}
		return due
	}
	seen := w.shown[0].minutes - 1 // the latest minute that the clock has shown
	for i, c := range w.shown {
		for m := seen + 1; m < c.minutes; m++ { // a gap
			due[i] = due[i] || r.matches(showing(time.Unix(int64(m)*60, 0).UTC()))
		}
		if c.minutes > seen {
			due[i] = due[i] || r.matches(c)
			seen = c.minutes
		}
	}
	return due
}

// check compares Next with due, from random minutes of the window and from many minutes around the steps of the clock.
func (w *window) check(t *testing.T, rnd *rand.Rand, r *random) {
	s, err := Parse(r.String(), w.loc)
	if err != nil {
		if !strings.Contains(err.Error(), "never be due") || slices.Contains(w.due(r), true) {
			t.Error(err)
		}
		return
	}
	if s.elapsed != r.elapsed {
		t.Fatalf("%s: it follows elapsed time: %v", r, s.elapsed)
	}
	due := w.due(r)
	next := make([]int, len(due)) // the first due minute after this one
	for i, upcoming := len(due)-1, -1; i >= 0; i-- {
		next[i] = upcoming
		if due[i] {
			upcoming = i
		}
	}
	var from []int
	for range 200 {
		from = append(from, 2*24*60+rnd.IntN(len(due)-2*24*60))
	}
	for _, step := range w.steps {
		for range 60 {
			from = append(from, step-150+rnd.IntN(300), step-1500+rnd.IntN(3000))
		}
	}
	for _, i := range from {
		if i >= len(next) || next[i] < 0 {
			continue
		}
		after := w.start.Add(time.Duration(i)*time.Minute + time.Duration(rnd.IntN(60))*time.Second)
		want := w.start.Add(time.Duration(next[i]) * time.Minute)
		if got := s.Next(after); !got.Equal(want) {
			t.Fatalf("%s (%s) after %s: %s, not %s", r, s, after.In(w.loc), got, want.In(w.loc))
		}
	}
}

// Next returns the same times as a test of each minute of three years.
func TestNextAgainstEachMinute(t *testing.T) {
	t.Parallel()
	for i, test := range []struct {
		zone  string
		year  int
		steps int
	}{
		{"UTC", 2026, 0}, {"Europe/Berlin", 2026, 6}, {"America/New_York", 2103, 6}, {"America/Sao_Paulo", 2016, 6},
		{"Australia/Lord_Howe", 2034, 6}, {"Pacific/Apia", 2010, 6}, {"Africa/Casablanca", 2026, 6}, {"Asia/Kathmandu", 1985, 1},
		{"Antarctica/Troll", 2095, 6}, {"Pacific/Kwajalein", 1968, 1}, {"Africa/Cairo", 2026, 6}, {"America/Caracas", 2006, 1},
	} {
		t.Run(test.zone, func(t *testing.T) {
			t.Parallel()
			w := newWindow(t, test.zone, test.year)
			if len(w.steps) < test.steps || test.steps == 0 && len(w.steps) > 0 {
				t.Fatalf("the clock is set %d times, not %d", len(w.steps), test.steps)
			}
			rnd := rand.New(rand.NewPCG(uint64(i), 20260101))
			for range 2 {
				w.check(t, rnd, newRandom(rnd))
			}
		})
	}
}

// Every text is accepted or rejected without a panic. An accepted expression has an equal canonical form, and Next returns
// a later time.
func FuzzParse(f *testing.F) {
	for _, expr := range []string{
		"*/15 9-17 * JAN-JUN,12 MON-FRI", "30 2 29 2 *", "0 0 1,2 * 5-7/2", "5-5/1 3,4 * * *", "@daily", "@every 90s", "@every 1h0.5m",
		"TZ=0", "TZ=UTC", "CRON_TZ=", "@every -1s", "61 * * * *", "0 0 30 2 *", "0 0 * * 7/2", "@", "",
	} {
		f.Add(expr, int64(1767225600))
	}
	loc := zone(f, "Europe/Berlin")
	f.Fuzz(func(t *testing.T, expr string, sec int64) {
		s, err := Parse(expr, loc)
		if err != nil {
			if s != (Schedule{}) || len(err.Error()) > 10*MaxLength {
				t.Errorf("%+v, %v", s, err)
			}
			return
		}
		if again, err := Parse(s.String(), loc); err != nil || again != s {
			t.Errorf("%q became %q: %v", expr, s, err)
		}
		after := time.Unix(sec%lastSecond, 0)
		next := s.Next(after)
		if !next.IsZero() && !next.After(after) || next.IsZero() && after.Unix() < lastSecond-horizon && after.Unix() > 0 && s.every == 0 {
			t.Errorf("%q is due at %s after %s", expr, next, after)
		}
	})
}

func BenchmarkNext(b *testing.B) {
	for _, test := range []struct{ name, expr, zone string }{
		{"calendar", "30 2 * * *", "Europe/Berlin"},
		{"elapsed", "*/15 9-17 * * MON-FRI", "Europe/Berlin"},
		{"leapYear", "*/15 0 29 2 *", "America/New_York"},
		{"every", "@every 90s", "UTC"},
	} {
		b.Run(test.name, func(b *testing.B) {
			s, at := parseIn(b, test.expr, zone(b, test.zone)), time.Date(2097, 1, 1, 0, 0, 0, 0, time.UTC)
			b.ReportAllocs()
			for b.Loop() {
				s.Next(at)
			}
		})
	}
}

func TestNextAllocatesNothing(t *testing.T) {
	for _, expr := range []string{"30 2 * * *", "*/15 9-17 * * MON-FRI", "*/15 0 29 2 *", "@every 90s"} {
		s, at := parseIn(t, expr, zone(t, "Europe/Berlin")), time.Date(2097, 1, 1, 0, 0, 0, 0, time.UTC)
		if n := testing.AllocsPerRun(100, func() { s.Next(at) }); n != 0 {
			t.Errorf("%s: %v allocations", expr, n)
		}
	}
}
