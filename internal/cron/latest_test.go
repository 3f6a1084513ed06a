package cron

import (
	"math/rand/v2"
	"testing"
	"time"
)

// Latest returns the same time as a loop over all times with Next.
func TestLatest(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	base := time.Date(2026, 3, 28, 22, 0, 0, 0, time.UTC) // the night in which an hour is skipped
	random := rand.New(rand.NewPCG(1, 2))
	for _, expr := range []string{"* * * * *", "*/7 1-3 * * *", "30 2 * * *", "0 9 * * MON", "@every 90s", "@every 1s", "0 0 29 2 *"} {
		s, err := Parse(expr, berlin)
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			after := base.Add(time.Duration(random.Int64N(int64(24 * time.Hour))))
			until := after.Add(time.Duration(random.Int64N(int64(6 * time.Hour))))
			var want time.Time
			for due := s.Next(after); !due.IsZero() && !due.After(until); due = s.Next(due) {
				want = due
			}
			if got := s.Latest(after, until); !got.Equal(want) {
				t.Errorf("%q: Latest(%v, %v) = %v, want %v", expr, after, until, got, want)
			}
		}
		if got := s.Latest(base, base.Add(-time.Hour)); !got.IsZero() {
			t.Errorf("%q: Latest before its beginning is %v", expr, got)
		}
	}
	if got := (Schedule{}).Latest(base, base.Add(time.Hour)); !got.IsZero() {
		t.Errorf("Latest of the zero Schedule is %v", got)
	}
}

func TestCalendar(t *testing.T) {
	t.Parallel()
	for expr, want := range map[string]bool{"30 2 * * *": true, "0 9-17 * * *": true, "@daily": true, "* * * * *": false, "0 */6 * * *": false, "@every 90s": false} {
		s, err := Parse(expr, nil)
		if err != nil {
			t.Fatal(err)
		}
		if s.Calendar() != want {
			t.Errorf("%q follows the calendar: %t, want %t", expr, !want, want)
		}
	}
}
