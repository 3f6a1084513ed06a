package main

import (
	"strings"
	"testing"

	samples "github.com/actionhero-go/actionhero/bench/internal/slices"
)

func TestTheTableSaysWhoIsAhead(t *testing.T) {
	t.Parallel()
	result := func(name string, ratio float64) samples.Result {
		return samples.Result{Name: name, PerCPU: []float64{50_000 * ratio}, Ratio: []float64{ratio}}
	}
	for _, test := range []struct {
		results []samples.Result
		want    string
	}{
		{[]samples.Result{result("net/http", 1), result("slow", 0.5), result("actionhero", 2), result("fast", 2.5)},
			"| lane | net/http 50.0k | 2.00 (2.00–2.00) | fast 2.50, slow 0.50 | fast |\n"},
		{[]samples.Result{result("net/http", 1), result("actionhero", 0.75)}, "| lane | net/http 50.0k | 0.75 (0.75–0.75) |  | net/http |\n"},
		{[]samples.Result{result("own GET", 1), result("after one", 1.01), result("after another", 0.5)},
			"| lane: after one | own GET 50.0k | 1.01 (1.01–1.01) |  |  |\n| lane: after another | own GET 50.0k | 0.50 (0.50–0.50) |  | own GET |\n"},
		{[]samples.Result{result("net/http, 0 idle", 1), result("net/http, many idle", 0.9)}, "| lane | net/http, 0 idle 50.0k | – | net/http, many idle 0.90 | |\n"},
	} {
		if got := summaryRows("lane", test.results); got != test.want {
			t.Errorf("got\n%swant\n%s", got, test.want)
		}
	}
}

func TestTheBodiesHaveTheSizesOfTheirLanes(t *testing.T) {
	t.Parallel()
	for size, want := range map[int]int{0: 185, 10 << 10: 10 << 10} {
		if _, body, _ := strings.Cut(postOf(size), "\r\n\r\n"); len(body) != want {
			t.Errorf("the body for %d has %d bytes, want %d: %.200s", size, len(body), want, body)
		}
	}
}
