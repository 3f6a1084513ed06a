package redis

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestEachMissingNewsIsReported lets a room hear news that others miss, and answers of the server that count them.
func TestEachMissingNewsIsReported(t *testing.T) {
	t.Parallel()
	const ask = 1000 // the server answers with this number less
	for name, test := range map[string]struct {
		steps []int
		want  string
	}{
		"in order":                              {[]int{ask + 4, 5, 6, ask + 6}, "n n"},
		"one is missing":                        {[]int{ask + 4, 5, 7}, "n ! n"},
		"the last one is missing":               {[]int{ask + 4, 5, ask + 6}, "n !"},
		"it arrives after the answer":           {[]int{ask + 4, ask + 6, 5, 6}, "n n"},
		"from before the first answer":          {[]int{ask + 4, 3, 4, 5}, "n n n"},
		"numbers used twice":                    {[]int{ask + 4, 5, 6, 5}, "n n ! n"},
		"the server has lost numbers":           {[]int{ask + 4, 5, 6, ask + 3, 4}, "n n ! n"},
		"the next one after a reported gap":     {[]int{ask + 4, ask + 6, ask, 7}, "! n"},
		"missing after others that came late":   {[]int{ask + 4, ask + 5, 5, ask + 6}, "n !"},
		"missing after others that do not come": {[]int{ask + 4, ask + 5, ask + 6, ask, 7}, "! n"},
		"news of a damaged form":                {[]int{ask + 4, -1}, "!"},
		"further news before the gap is told":   {[]int{ask + 4, ask + 6, 7}, "! n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := chainRoom()
			now := time.Now()
			for i, step := range test.steps {
				switch {
				case step == ask: // time passes
					now = now.Add(2 * suspicion)
					r.news.resolve(r, now)
				case step > ask:
					r.news.compare(r, i == 0, r.news.last, uint64(step-ask))
				case step < 0:
					r.accept("+x")
				default:
					r.accept(fmt.Sprintf("+%d x", step))
				}
			}
			r.resolve(now.Add(2 * suspicion))
			var got []string
			for _, d := range r.queue {
				if d.gap {
					got = append(got, "!")
				} else {
					got = append(got, "n")
				}
			}
			if text := strings.Join(got, " "); text != test.want {
				t.Errorf("delivered: %q, want %q", text, test.want)
			}
		})
	}
}
