// Package slices compares servers in interleaved slices of time: each pass gives every server one slice, in random order, so
// that other work on the machine affects all servers equally.
//
// Begin with [Run].
package slices

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero/bench/internal/proc"
)

// Target is a server with its load.
type Target struct {
	Server *proc.Server
	Others []*proc.Server                                  // their processor time counts, too
	Load   func(d time.Duration) (requests int, err error) // runs for d and returns the number of answers
}

func (t Target) cpu() (sum time.Duration, err error) {
	for _, s := range append([]*proc.Server{t.Server}, t.Others...) {
		used, err := s.CPU()
		if err != nil {
			return 0, err
		}
		sum += used
	}
	return sum, nil
}

// Result holds the figures of one target.
type Result struct {
	Name   string
	PerCPU []float64 // requests per second of the server's processor time, by pass
	Ratio  []float64 // PerCPU divided by the PerCPU of the baseline, by pass
	Rate   []float64 // requests per second, by pass
	RSS    int64     // resident bytes after the last slice
}

// warmUp is the time of load that each target gets before the first pass.
const warmUp = 300 * time.Millisecond

// Run measures the targets in passes. Each pass gives every target one slice. The first target is the baseline.
func Run(targets []Target, passes int, slice time.Duration) ([]Result, error) {
	results := make([]Result, len(targets))
	for _, t := range targets { // a warm-up, which does not count
		if _, err := t.Load(min(slice, warmUp)); err != nil {
			return nil, fmt.Errorf("%s while it warms up: %w", t.Server.Name, err)
		}
	}
	for pass := range passes {
		for _, i := range rand.Perm(len(targets)) {
			perCPU, rate, err := measure(targets[i], slice)
			for range 2 { // a busy machine may give the server no whole tick of its clock
				if !errors.Is(err, errNoTime) {
					break
				}
				perCPU, rate, err = measure(targets[i], slice)
			}
			if err != nil {
				return nil, fmt.Errorf("%s in pass %d: %w", targets[i].Server.Name, pass, err)
			}
			results[i].PerCPU = append(results[i].PerCPU, perCPU)
			results[i].Rate = append(results[i].Rate, rate)
		}
	}
	for i := range results {
		results[i].Name = targets[i].Server.Name
		for pass := range passes {
			results[i].Ratio = append(results[i].Ratio, results[i].PerCPU[pass]/results[0].PerCPU[pass])
		}
		results[i].RSS, _ = targets[i].Server.RSS()
	}
	return results, nil
}

var errNoTime = errors.New("took no processor time")

func measure(t Target, d time.Duration) (perCPU, rate float64, err error) {
	before, err := t.cpu()
	if err != nil {
		return 0, 0, err
	}
	begun := time.Now()
	n, err := t.Load(d)
	took := time.Since(begun)
	if err != nil {
		return 0, 0, err
	}
	after, err := t.cpu()
	if err != nil {
		return 0, 0, err
	}
	if after == before {
		return 0, 0, fmt.Errorf("%d requests %w", n, errNoTime)
	}
	return float64(n) / (after - before).Seconds(), float64(n) / took.Seconds(), nil
}

// Quantile returns the value below which the share q of the values lies, between two values if need be; for 0.5 it is the
// median.
func Quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	at := q * float64(len(sorted)-1)
	low := int(at)
	high := min(low+1, len(sorted)-1)
	return sorted[low] + (at-float64(low))*(sorted[high]-sorted[low])
}

// Table returns the results as a Markdown table.
func Table(results []Result) string {
	var b strings.Builder
	b.WriteString("| server | ratio to the first (IQR) | requests per CPU second | requests per second | resident MB |\n|---|---|---|---|---|\n")
	for _, r := range results {
		fmt.Fprintf(&b, "| %s | %.2f (%.2f–%.2f) | %s | %s | %.1f |\n", r.Name,
			Quantile(r.Ratio, 0.5), Quantile(r.Ratio, 0.25), Quantile(r.Ratio, 0.75), Rate(Quantile(r.PerCPU, 0.5)), Rate(Quantile(r.Rate, 0.5)), float64(r.RSS)/(1<<20))
	}
	return b.String()
}

// Rate returns a number of requests per second in thousands, or, if there are few, the number.
func Rate(n float64) string {
	if n < 100 {
		return fmt.Sprintf("%.0f", n)
	}
	return fmt.Sprintf("%.1fk", n/1000)
}
