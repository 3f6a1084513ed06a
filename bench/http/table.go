package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero/bench/internal/proc"
	samples "github.com/actionhero-go/actionhero/bench/internal/slices"
)

// report prints the results of a lane. summary replaces it.
var report = func(lane string, results []samples.Result) {
	fmt.Printf("%s:\n\n%s\n", lane, samples.Table(results))
}

// summary measures all lanes and prints one table, in which each lane has a row, or several if it compares this server with
// itself.
func summary(ctx context.Context, passes int, slice time.Duration) error {
	fmt.Print("| lane | baseline, requests per CPU second | actionhero, ratio (IQR) | others, ratio | ahead of actionhero |\n|---|---|---|---|---|\n")
	report = func(lane string, results []samples.Result) { fmt.Print(summaryRows(lane, results)) }
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	ours := filepath.Join(dir, "actionhero")
	if err := proc.Build(ctx, "..", "./cmd/actionhero", ours); err != nil {
		return err
	}
	plain := slices.DeleteFunc(slices.Clone(order), func(name string) bool { return strings.HasPrefix(name, "actionhero, ") })
	for _, t := range []struct {
		lane  string
		names []string
	}{
		{"GET, keep-alive", plain},
		{"GET with the default log, to console and file", []string{order[0], "actionhero, requests logged to console and file"}},
	} {
		if err := table(ctx, t.lane, t.names, "", ours, dir, passes, slice); err != nil {
			return err
		}
	}
	if err := posts(ctx, passes, slice); err != nil {
		return err
	}
	if err := lanes(ctx, passes, slice, ""); err != nil {
		return err
	}
	l := &scale{passes: passes, slice: slice, dir: dir, ours: ours, noStarts: true}
	for _, measure := range []func(context.Context, *scale) error{files, actions, idle} {
		if err := measure(ctx, l); err != nil {
			return err
		}
	}
	return nil
}

// summaryRows returns the rows of a lane. The first result is the baseline.
func summaryRows(lane string, results []samples.Result) string {
	hasOurs := slices.ContainsFunc(results, func(r samples.Result) bool { return strings.HasPrefix(r.Name, "actionhero") })
	own := strings.HasPrefix(results[0].Name, "actionhero") || !hasOurs && !strings.HasPrefix(results[0].Name, "net/http")
	var mine, others []samples.Result
	for _, r := range results[1:] {
		if own || strings.HasPrefix(r.Name, "actionhero") {
			mine = append(mine, r)
		} else {
			others = append(others, r)
		}
	}
	slices.SortStableFunc(others, func(a, b samples.Result) int { return int(1000 * (middle(b) - middle(a))) })
	baseline := results[0].Name + " " + samples.Rate(samples.Quantile(results[0].PerCPU, 0.5))
	var b strings.Builder
	for _, o := range others {
		if len(mine) == 0 { // another server compared with itself
			fmt.Fprintf(&b, "| %s | %s | – | %s %.2f | |\n", lane, baseline, o.Name, middle(o))
		}
	}
	for _, r := range mine {
		name := lane
		if own || len(mine) > 1 {
			name += ": " + r.Name
		}
		var all, ahead []string
		for _, o := range others {
			all = append(all, fmt.Sprintf("%s %.2f", o.Name, middle(o)))
			if middle(o) > middle(r) {
				ahead = append(ahead, o.Name)
			}
		}
		if middle(r) < 1 {
			ahead = append(ahead, results[0].Name)
		}
		fmt.Fprintf(&b, "| %s | %s | %.2f (%.2f–%.2f) | %s | %s |\n", name, baseline, middle(r),
			samples.Quantile(r.Ratio, 0.25), samples.Quantile(r.Ratio, 0.75), strings.Join(all, ", "), strings.Join(ahead, ", "))
	}
	return b.String()
}

func middle(r samples.Result) float64 { return samples.Quantile(r.Ratio, 0.5) }

// posts measures the lanes with a body.
func posts(ctx context.Context, passes int, slice time.Duration) error {
	l := &scale{passes: passes, slice: slice}
	var servers []*proc.Server
	for _, name := range postPeers {
		s, err := l.serve(ctx, name)
		if err != nil {
			return err
		}
		defer func() { _ = s.Stop() }()
		if err := checkPost(s.Addr); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		s.Name = strings.TrimSuffix(name, ", POST")
		servers = append(servers, s)
	}
	for _, lane := range []struct {
		name string
		size int
	}{{"POST of 185 bytes of JSON, five checked inputs", 0}, {"POST of 10 KB of JSON, the same inputs", 10 << 10}} {
		var targets []samples.Target
		for _, s := range servers {
			targets = append(targets, samples.Target{Server: s, Load: loadRequest(s.Addr, postOf(lane.size))})
		}
		if err := l.table(lane.name, targets); err != nil {
			return err
		}
	}
	return nil
}
