package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/actionhero-go/actionhero/bench/internal/proc"
	"github.com/actionhero-go/actionhero/bench/internal/slices"
)

// contender stores jobs. Each runs in its own process.
type contender interface {
	open(ctx context.Context, dir string, runsJobs bool) error // dir is an empty folder
	enqueue(ctx context.Context) error                         // enqueues one job, which is durable when it returns
	close(ctx context.Context) error
}

// runner is a contender that also runs jobs.
type runner interface {
	contender
	// begin starts to run jobs; open must have been called with runsJobs. Each run calls started with the time at which its
	// job was enqueued.
	begin(ctx context.Context, started func(enqueued time.Time)) error
	end(ctx context.Context) error
}

// start starts the process of a contender.
func (b bench) start(ctx context.Context, name string) (*proc.Worker, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	name, isBase := strings.CutSuffix(name, proc.BaseSuffix)
	if isBase {
		program = b.base
	}
	return proc.StartWorker(ctx, name, program, "-be", name, "-dir", b.dir)
}

// serve executes the orders in in, one a line, until its end.
func serve(ctx context.Context, name, dir string, in io.Reader, out io.Writer) error {
	if name == atScale {
		return serveScale(ctx, dir, in, out)
	}
	folder, err := os.MkdirTemp(dir, "contender")
	if err != nil {
		return err
	}
	c := contenders[name]()
	opened := false
	for lines := bufio.NewScanner(in); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if !opened {
			if err := c.open(ctx, folder, words[0] != "enqueue"); err != nil {
				return err
			}
			opened = true
		}
		answer, err := do(ctx, c, words)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintln(out, answer); err != nil {
			return err
		}
	}
	if opened {
		return c.close(ctx)
	}
	return nil
}

// do executes one order: its name, then the number of callers or samples, then the duration.
func do(ctx context.Context, c contender, words []string) (string, error) {
	number := 0
	if words[0] != "run" {
		if _, err := fmt.Sscan(words[1], &number); err != nil {
			return "", err
		}
	}
	switch words[0] {
	case "enqueue":
		return rate(words[2], func(d time.Duration) (int64, error) { return enqueueFor(ctx, c, number, d) })
	case "run":
		return rate(words[1], func(d time.Duration) (int64, error) { return runFor(ctx, c.(runner), d) })
	case "start":
		return startTimes(ctx, c.(runner), number)
	}
	return "", fmt.Errorf("there is no order %q", words[0])
}

// rate calls do, which counts operations, and returns their number per second and per second of processor time.
func rate(duration string, do func(d time.Duration) (int64, error)) (string, error) {
	d, err := time.ParseDuration(duration)
	if err != nil {
		return "", err
	}
	cpu, begun := processorTime(), time.Now()
	n, err := do(d)
	took, used := time.Since(begun), processorTime()-cpu
	return fmt.Sprint(float64(n)/took.Seconds(), float64(n)/used.Seconds()), err
}

func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// enqueueFor lets callers enqueue jobs concurrently for the duration d. It returns the number of durable jobs.
func enqueueFor(ctx context.Context, c contender, callers int, d time.Duration) (int64, error) {
	var stop atomic.Bool
	defer time.AfterFunc(d, func() { stop.Store(true) }).Stop()
	var n atomic.Int64
	errs := make([]error, callers)
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			for !stop.Load() && errs[i] == nil {
				errs[i] = c.enqueue(ctx)
				n.Add(1)
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return 0, err
		}
	}
	return n.Load(), nil
}

// waiting is the maximum number of jobs that are enqueued and have not run. Without it the queue would grow, and its growth
// would be measured.
const waiting = 4000

// runFor lets 16 callers enqueue while jobs run, for the duration d. It returns the number of runs.
func runFor(ctx context.Context, c runner, d time.Duration) (int64, error) {
	room := make(chan struct{}, waiting)
	var n atomic.Int64
	if err := c.begin(ctx, func(time.Time) {
		n.Add(1)
		<-room
	}); err != nil {
		return 0, err
	}
	_, err := enqueueFor(ctx, bounded{c, room}, 16, d)
	total := n.Load()
	for len(room) > 0 && err == nil { // no job may be left for the next slice
		time.Sleep(time.Millisecond)
	}
	return total, errors.Join(err, c.end(ctx))
}

type bounded struct {
	contender
	room chan struct{}
}

func (b bounded) enqueue(ctx context.Context) error {
	b.room <- struct{}{}
	return b.contender.enqueue(ctx)
}

// startTimes enqueues jobs one at a time. It returns the p50 and p99 of the milliseconds until their starts.
func startTimes(ctx context.Context, c runner, samples int) (string, error) {
	took := make(chan time.Duration, 1)
	if err := c.begin(ctx, func(enqueued time.Time) { took <- time.Since(enqueued) }); err != nil {
		return "", err
	}
	var times []float64
	for range samples {
		if err := c.enqueue(ctx); err != nil {
			return "", err
		}
		times = append(times, float64(<-took)/1e6)
		time.Sleep(2 * time.Millisecond) // so that the queue is idle again
	}
	return fmt.Sprint(slices.Quantile(times, 0.5), slices.Quantile(times, 0.99)), c.end(ctx)
}
