// Command cache compares the embedded cache with a bare map in shards: reads, writes and a mix of both, by 64 goroutines,
// with a Zipf distribution of the keys. It also checks that each value that was written without an error can be read. It
// prints Markdown tables.
package main

import (
	"bufio"
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero/bench/internal/proc"
	samples "github.com/actionhero-go/actionhero/bench/internal/slices"
)

func main() {
	be := flag.String("be", "", "serve this cache (internal)")
	passes := flag.Int("passes", 12, "slices for each cache")
	slice := flag.Duration("slice", time.Second, "length of a slice")
	only := flag.String("only", "", "compare only the caches whose names contain one of these texts, separated by commas, with the first one")
	base := flag.String("base", "", "another checkout of this repository: compare only our caches with those of that checkout")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	if *be != "" {
		err = serve(ctx, *be, os.Stdin, os.Stdout)
	} else {
		err = run(ctx, *passes, *slice, *only, *base)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

// The caches, the baseline first. Each runs in its own process, so that the values of one cache are no work for the garbage
// collector of another.
var names = []string{
	"bare map", "bare map, nothing copied", "Store", "Cache", "CacheOf[string]", "CacheOf[string] with a prefix", "CacheOf a struct", "otter (evicts values if full)",
}

func run(ctx context.Context, passes int, slice time.Duration, only, base string) error {
	if base == "" {
		return compare(ctx, chosen(only), "", passes, slice)
	}
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "cache")
	if err := proc.Build(ctx, filepath.Join(base, "bench"), "./cache", program); err != nil {
		return err
	}
	for _, name := range ours {
		if err := compare(ctx, []string{name + proc.BaseSuffix, name}, program, passes, slice); err != nil {
			return err
		}
	}
	return nil
}

// chosen returns the baseline and the caches whose names contain one of the texts in only, or all if only is empty.
func chosen(only string) []string {
	some := names[:1:1]
	for _, name := range names[1:] {
		if slices.ContainsFunc(strings.Split(only, ","), func(part string) bool { return strings.Contains(name, part) }) {
			some = append(some, name)
		}
	}
	return some
}

// ours are the caches of this repository.
var ours = names[2:7]

// compare measures caches and prints a table for each load. The first cache is the baseline. base is the program of the other
// checkout, "" without the flag -base.
func compare(ctx context.Context, names []string, base string, passes int, slice time.Duration) error {
	var caches []*process
	for _, name := range names {
		p, err := start(ctx, name, base)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		defer p.stop()
		caches = append(caches, p)
	}
	for _, l := range loads {
		results := make([]result, len(caches))
		for range passes {
			for _, i := range rand.Perm(len(caches)) {
				perOp, err := caches[i].measure(l.name, slice)
				if err != nil {
					return fmt.Errorf("%s, %s: %w", names[i], l.name, err)
				}
				results[i].cost = append(results[i].cost, perOp)
			}
			for i := range results {
				last := len(results[i].cost) - 1
				results[i].ratio = append(results[i].ratio, results[0].cost[last]/results[i].cost[last])
			}
		}
		fmt.Printf("%s:\n\n%s\n", l.name, table(names, results))
	}
	for i, p := range caches {
		report, err := p.ask("check")
		if err != nil {
			return fmt.Errorf("%s: %w", names[i], err)
		}
		fmt.Printf("%s: %s\n", names[i], strings.TrimSpace(report))
	}
	fmt.Printf("\n%s, %s, %d processors, %d slices of %v each, %d goroutines, %d keys, %s\n", runtime.Version(), runtime.GOARCH,
		runtime.NumCPU(), passes, slice, goroutines, keys, time.Now().Format(time.DateOnly))
	return nil
}

// result holds the figures of one cache, by pass.
type result struct {
	cost  []float64 // nanoseconds of processor time for an operation
	ratio []float64 // the cost of the baseline divided by this cost
}

func table(names []string, results []result) string {
	var b strings.Builder
	b.WriteString("| cache | operations for the same processor time, ratio (IQR) | ns of processor time |\n|---|---|---|\n")
	for i, r := range results {
		fmt.Fprintf(&b, "| %s | %.2f (%.2f–%.2f) | %.0f |\n", names[i], samples.Quantile(r.ratio, 0.5), samples.Quantile(r.ratio, 0.25),
			samples.Quantile(r.ratio, 0.75), samples.Quantile(r.cost, 0.5))
	}
	return b.String()
}

// process is a process that serves one cache: it reads an order from its input and writes one line for it.
type process struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func start(ctx context.Context, name, base string) (*process, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	name, isBase := strings.CutSuffix(name, proc.BaseSuffix)
	if isBase {
		program = base
		name = cmp.Or(formerNames[name], name)
	}
	p := &process{cmd: exec.CommandContext(ctx, program, "-be", name)}
	p.cmd.Stderr = os.Stderr
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	_, err = p.ask("fill") // so that the first slice is like the others
	return p, err
}

// stop closes the input of the process, which ends it.
func (p *process) stop() {
	_ = p.in.Close()
	_ = p.cmd.Wait() // the process has printed its error
}

func (p *process) ask(order string) (string, error) {
	if _, err := fmt.Fprintln(p.in, order); err != nil {
		return "", err
	}
	return p.out.ReadString('\n')
}

func (p *process) measure(load string, d time.Duration) (perOp float64, err error) {
	answer, err := p.ask(fmt.Sprintf("%s %v", load, d))
	if err != nil {
		return 0, err
	}
	_, err = fmt.Sscan(answer, &perOp)
	return perOp, err
}
