package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	stats "github.com/actionhero-go/actionhero/bench/internal/slices"
)

// The names of the contenders.
const (
	asynqQueue    = "asynq"
	ours          = "actionhero"
	riverPostgres = "River on Postgres"
	bullMQ        = "BullMQ"
	nodeResque    = "node-resque"
)

// queueNames has the contenders of the tables of jobs. The first one is the baseline.
var queueNames = []string{asynqQueue, ours, bullMQ, nodeResque, riverPostgres}

// nodeScripts has the scripts of the contenders on Node.js. They execute the same orders as serve.
var nodeScripts = map[string]string{bullMQ: "queues.js", nodeResque: "queues.js"}

var queues = map[string]func() contender{
	asynqQueue:    func() contender { return &asynqClient{} },
	ours:          func() contender { return &node{} },
	riverPostgres: func() contender { return &riverClient{} },
}

// contender is a queue of jobs.
type contender interface {
	open(ctx context.Context, addr string) error
	enqueue(ctx context.Context) error // enqueues one job, which the server has when it returns
	// begin starts a worker with a concurrency of 10. Each run calls started with the time at which its job was enqueued.
	begin(ctx context.Context, started func(enqueued time.Time)) error
	end(ctx context.Context) error // stops the worker, after the outcomes of all runs are stored
	close(ctx context.Context) error
}

const concurrency = 10

// mail is the parameters of a job, of a usual size.
type mail struct {
	To       string `json:"to"`
	Template string `json:"template"`
	Text     string `json:"text"`
	User     int    `json:"user"`
	At       int64  `json:"at"` // the time of the enqueue, in nanoseconds since 1970
}

func newMail() mail {
	return mail{"someone@example.com", "welcome", "Hello, and thank you for your order. It will be on its way to you tomorrow morning.", 12345, time.Now().UnixNano()}
}

// serve executes the orders in in, one a line, until its end.
func serve(ctx context.Context, name, addr string, in io.Reader, out io.Writer) error {
	execute := func(words []string) (string, error) { return "", fmt.Errorf("there is no contender %q", name) }
	if maker := queues[name]; maker != nil {
		c := maker()
		execute = func(words []string) (string, error) { return do(ctx, c, addr, words) }
	} else if maker := caches[name]; maker != nil {
		c := maker()
		execute = func(words []string) (string, error) { return doCache(ctx, c, addr, words) }
	}
	for lines := bufio.NewScanner(in); lines.Scan(); {
		answer, err := execute(strings.Fields(lines.Text()))
		if err != nil {
			return fmt.Errorf("%s: %s: %w", name, lines.Text(), err)
		}
		if _, err := fmt.Fprintln(out, answer); err != nil {
			return err
		}
	}
	return nil
}

// do executes an order and returns its answer: numbers.
func do(ctx context.Context, c contender, addr string, words []string) (string, error) {
	number, duration := 0, time.Duration(0)
	if len(words) > 1 {
		if _, err := fmt.Sscan(words[1], &number); err != nil {
			return "", err
		}
	}
	if len(words) > 2 {
		var err error
		if duration, err = time.ParseDuration(words[2]); err != nil {
			return "", err
		}
	}
	switch words[0] {
	case "open":
		return "", c.open(ctx, addr)
	case "close":
		return "", c.close(ctx)
	case "fill":
		var n atomic.Int64
		_, err := parallel(200, func() bool { return n.Add(1) <= int64(number) }, func() error { return c.enqueue(ctx) })
		return "", err
	case "enqueue": // callers, duration
		return measured(func() (int64, time.Duration, error) {
			begun := time.Now()
			n, err := parallel(number, func() bool { return time.Since(begun) < duration }, func() error { return c.enqueue(ctx) })
			return n, time.Since(begun), err
		})
	case "run": // the number of jobs that wait
		return measured(func() (int64, time.Duration, error) {
			took, err := runAll(ctx, c, int64(number))
			return int64(number), took, err
		})
	case "start": // samples, pause
		return startTimes(ctx, c, number, duration)
	case "idle": // ignored, duration
		return idle(ctx, c, duration)
	}
	return "", fmt.Errorf("there is no order %q", words[0])
}

// measured calls do, which returns a number of operations and the time that they took. Its answer has the number, the
// seconds and the seconds of processor time.
func measured(do func() (int64, time.Duration, error)) (string, error) {
	cpu := processorTime()
	n, took, err := do()
	return fmt.Sprint(n, " ", took.Seconds(), " ", (processorTime() - cpu).Seconds()), err
}

func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// parallel lets callers call f concurrently while more returns true. It returns the number of calls.
func parallel(callers int, more func() bool, f func() error) (int64, error) {
	return parallelEach(callers, func() (func() bool, func() error) { return more, f })
}

// parallelEach works like parallel, and each caller has functions of its own.
func parallelEach(callers int, begin func() (more func() bool, f func() error)) (int64, error) {
	var n atomic.Int64
	errs := make([]error, callers)
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			for more, f := begin(); errs[i] == nil && more(); n.Add(1) {
				errs[i] = f()
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

// runAll runs the n jobs that wait. It returns the time from the start of the worker to the start of the last run. The
// processor time of measured also has the end of the worker, which stores the last outcomes.
func runAll(ctx context.Context, c contender, n int64) (time.Duration, error) {
	var runs atomic.Int64
	done := make(chan struct{})
	begun := time.Now()
	if err := c.begin(ctx, func(time.Time) {
		if runs.Add(1) == n {
			close(done)
		}
	}); err != nil {
		return 0, err
	}
	<-done
	return time.Since(begun), c.end(ctx)
}

// startTimes enqueues jobs one at a time, with pauses. Its answer has the p50 and p99 of the milliseconds until their starts.
func startTimes(ctx context.Context, c contender, samples int, pause time.Duration) (string, error) {
	took := make(chan time.Duration, 1)
	if err := c.begin(ctx, func(enqueued time.Time) { took <- time.Since(enqueued) }); err != nil {
		return "", err
	}
	var times []float64
	for range samples {
		time.Sleep(pause)
		if err := c.enqueue(ctx); err != nil {
			return "", err
		}
		times = append(times, float64(<-took)/1e6)
	}
	slices.Sort(times)
	return fmt.Sprint(stats.Quantile(times, 0.5), stats.Quantile(times, 0.99)), c.end(ctx)
}

// idle lets a worker wait for jobs that do not come.
func idle(ctx context.Context, c contender, d time.Duration) (string, error) {
	if err := c.begin(ctx, func(time.Time) {}); err != nil {
		return "", err
	}
	time.Sleep(d)
	return "", c.end(ctx)
}
