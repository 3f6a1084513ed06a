// Command tasks compares the queue of background jobs with River on SQLite, and with a minimal durable log: a file to which
// each record is appended and synced. It prints Markdown tables:
//   - enqueue: jobs enqueued per second, each on disk when the call returns
//   - run: jobs enqueued and run per second
//   - start: the time from the enqueue to the start of the run
//   - scale: a queue with a million waiting and a million completed jobs, compared with an empty one
package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero/bench/internal/proc"
	"github.com/actionhero-go/actionhero/bench/internal/slices"
)

func main() {
	be := flag.String("be", "", "run this contender (internal)")
	dir := flag.String("dir", "", "folder on the disk to measure; default: the one of temporary files")
	passes := flag.Int("passes", 10, "slices for each contender")
	slice := flag.Duration("slice", time.Second, "length of a slice")
	samples := flag.Int("samples", 1000, "jobs of the table start")
	scale := flag.Int("scale", 1_000_000, "waiting jobs of the table scale, and as many completed ones; 0 leaves the table out")
	tables := flag.String("tables", "enqueue,run,start,scale", "tables to print")
	base := flag.String("base", "", "another checkout of this repository: compare only our queues with those of that checkout")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	if *be != "" {
		err = serve(ctx, *be, *dir, os.Stdin, os.Stdout)
	} else {
		err = run(ctx, bench{dir: *dir, passes: *passes, slice: *slice, samples: *samples, scale: *scale}, *tables, *base)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

// bench holds the settings of the measurement.
type bench struct {
	dir     string
	passes  int
	slice   time.Duration
	samples int
	scale   int
	base    string // the program of the other checkout, "" without the flag -base
}

func run(ctx context.Context, b bench, tables, base string) error {
	dir, err := os.MkdirTemp(b.dir, "bench-tasks")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b.dir = dir
	if base != "" {
		b.base = filepath.Join(dir, "tasks")
		if err := proc.Build(ctx, filepath.Join(base, "bench"), "./tasks", b.base); err != nil {
			return err
		}
	}
	for name := range strings.SplitSeq(tables, ",") {
		makers := map[string]func(context.Context) error{"enqueue": b.enqueueing, "run": b.running, "start": b.starting, "scale": b.scaling}
		if makers[name] == nil {
			return fmt.Errorf("there is no table %q: choose among enqueue, run, start and scale", name)
		}
		if err := makers[name](ctx); err != nil {
			return fmt.Errorf("table %s: %w", name, err)
		}
	}
	fmt.Printf("%s, %s, %d processors, %d slices of %v each, %s\n", runtime.Version(), runtime.GOARCH, runtime.NumCPU(), b.passes, b.slice, time.Now().Format(time.DateOnly))
	return nil
}

// measured holds the figures of one contender, by pass.
type measured struct {
	name  string
	rate  []float64 // jobs per second
	ratio []float64 // rate divided by the rate of the first contender
	cpu   []float64 // jobs per second of processor time
}

// measure gives each contender one slice in each pass, in random order, in which the contender executes order.
func (b bench) measure(ctx context.Context, order string, names ...string) ([]measured, error) {
	results := make([]measured, len(names))
	processes := make([]*proc.Worker, len(names))
	for i, name := range names {
		p, err := b.start(ctx, name)
		if err != nil {
			return nil, err
		}
		defer p.Stop()
		processes[i], results[i].name = p, name
	}
	for range b.passes {
		for _, i := range rand.Perm(len(names)) {
			var rate, cpu float64
			if err := processes[i].Ask(fmt.Sprintf("%s %v", order, b.slice), &rate, &cpu); err != nil {
				return nil, fmt.Errorf("%s: %w", names[i], err)
			}
			results[i].rate, results[i].cpu = append(results[i].rate, rate), append(results[i].cpu, cpu)
		}
		for i := range results {
			last := len(results[i].rate) - 1
			results[i].ratio = append(results[i].ratio, results[i].rate[last]/results[0].rate[last])
		}
	}
	return results, nil
}

// withBase returns the contenders of a table: names, or with the flag -base only our own ones, each after the one of the other
// checkout.
func (b bench) withBase(own []string, names ...string) []string {
	if b.base == "" {
		return names
	}
	names = nil
	for _, name := range own {
		names = append(names, name+proc.BaseSuffix, name)
	}
	return names
}

func (b bench) enqueueing(ctx context.Context) error {
	for _, t := range []struct {
		callers int
		names   []string
	}{
		{1, b.withBase([]string{ours}, bareAppend, bareAppendReady, ours, riverSQLite)},
		{64, b.withBase([]string{ours}, bareGroup, bareGroupReady, ours, riverSQLite)},
	} {
		results, err := b.measure(ctx, fmt.Sprintf("enqueue %d", t.callers), t.names...)
		if err != nil {
			return err
		}
		fmt.Printf("Jobs enqueued by %d callers, on disk when the call returns:\n\n| | ratio to the first (IQR) | jobs per second |\n|---|---|---|\n", t.callers)
		for _, r := range results {
			fmt.Printf("| %s | %.2f (%.2f–%.2f) | %.0f |\n", r.name, slices.Quantile(r.ratio, 0.5), slices.Quantile(r.ratio, 0.25), slices.Quantile(r.ratio, 0.75), slices.Quantile(r.rate, 0.5))
		}
		fmt.Println()
	}
	return nil
}

func (b bench) running(ctx context.Context) error {
	tables := [][]string{{ours, oursQueue, riverSQLite, oursMemory, oursMemoryQueue}}
	if b.base != "" {
		tables = nil
		for _, name := range []string{ours, oursQueue, oursMemory, oursMemoryQueue} {
			tables = append(tables, b.withBase([]string{name}))
		}
	}
	fmt.Print("Jobs that do nothing, enqueued by 16 callers and run:\n\n| | jobs per second | jobs per CPU second | ratio of the latter to the first |\n|---|---|---|---|\n")
	for _, names := range tables {
		results, err := b.measure(ctx, "run", names...)
		if err != nil {
			return err
		}
		for _, r := range results {
			var ratio []float64
			for pass := range r.cpu {
				ratio = append(ratio, r.cpu[pass]/results[0].cpu[pass])
			}
			fmt.Printf("| %s | %.0f | %.0f | %.2f |\n", r.name, slices.Quantile(r.rate, 0.5), slices.Quantile(r.cpu, 0.5), slices.Quantile(ratio, 0.5))
		}
	}
	fmt.Println()
	return nil
}

func (b bench) starting(ctx context.Context) error {
	fmt.Print("From the enqueue to the start of the run, one job at a time:\n\n| | p50, ms | p99, ms |\n|---|---|---|\n")
	for _, name := range b.withBase([]string{ours, oursMemory}, ours, oursMemory, riverSQLite) {
		samples := b.samples
		if name == riverSQLite {
			samples = min(samples, 100) // each takes a large part of a second
		}
		p, err := b.start(ctx, name)
		if err != nil {
			return err
		}
		defer p.Stop()
		var p50, p99 float64
		if err := p.Ask(fmt.Sprintf("start %d", samples), &p50, &p99); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fmt.Printf("| %s | %.2f | %.2f |\n", name, p50, p99)
	}
	fmt.Println()
	return nil
}
