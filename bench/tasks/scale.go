package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/bench/internal/proc"
	"github.com/actionhero-go/actionhero/bench/internal/slices"
)

// scaling compares an empty queue with one that holds many jobs.
func (b bench) scaling(ctx context.Context) error {
	if b.scale == 0 {
		return nil
	}
	var processes [2]*proc.Worker
	for i, jobs := range []int{0, b.scale} {
		p, err := b.start(ctx, atScale)
		if err != nil {
			return err
		}
		defer p.Stop()
		processes[i] = p
		if err := p.Ask(fmt.Sprint("fill ", jobs)); err != nil {
			return err
		}
	}
	orders := []string{"enqueue", "enqueue by 64", "start", "stats"}
	times := [2][][]float64{make([][]float64, len(orders)), make([][]float64, len(orders))}
	for range b.passes {
		for n, order := range orders {
			for _, i := range rand.Perm(2) {
				var took float64
				if err := processes[i].Ask(order, &took); err != nil {
					return err
				}
				times[i][n] = append(times[i][n], took)
			}
		}
	}
	fmt.Printf("A queue with %d waiting and %d completed jobs, compared with an empty one:\n\n| µs | empty | full | ratio |\n|---|---|---|---|\n", b.scale, b.scale)
	for n, order := range orders {
		empty, full := slices.Quantile(times[0][n], 0.5), slices.Quantile(times[1][n], 0.5)
		fmt.Printf("| %s | %.1f | %.1f | %.2f |\n", order, empty, full, full/empty)
	}
	var heap, resident, disk, open float64
	if err := processes[1].Ask("size", &heap, &resident, &disk); err != nil {
		return err
	}
	if err := processes[1].Ask("restart", &open); err != nil {
		return err
	}
	fmt.Printf("\nMemory with all of them: %.0f MiB in the heap, %.0f MiB resident; on disk: %.0f MiB; opening it: %.2f s.\n\n", heap, resident, disk, open)
	return nil
}

// full is a queue with many jobs.
type full struct {
	dir     string
	backend *local.Backend
	params  []byte
}

func (f *full) reopen(ctx context.Context) error {
	f.backend = local.New(local.Config{Queue: local.QueueConfig{Path: f.dir, KeepMost: 1 << 30, MaxJobs: 1 << 30, MaxBytes: 1 << 40}})
	f.params = []byte(`{"to":"someone@example.com","template":"welcome","user":12345,"at":1700000000000000000}`)
	return f.backend.Open(ctx, backend.Node{ID: "node"})
}

// serveScale executes the orders in in, one a line, until its end.
func serveScale(ctx context.Context, dir string, in io.Reader, out io.Writer) error {
	folder, err := os.MkdirTemp(dir, "scale")
	if err != nil {
		return err
	}
	f := &full{dir: folder}
	if err := f.reopen(ctx); err != nil {
		return err
	}
	for lines := bufio.NewScanner(in); lines.Scan(); {
		answer, err := f.do(ctx, lines.Text())
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintln(out, answer); err != nil {
			return err
		}
	}
	return f.backend.Close(ctx)
}

func (f *full) do(ctx context.Context, order string) (string, error) {
	const n = 300
	begun := time.Now()
	each := func(times int) string { return fmt.Sprint(float64(time.Since(begun).Microseconds()) / float64(times)) }
	switch order {
	case "enqueue":
		for range n {
			if err := f.enqueue(ctx); err != nil {
				return "", err
			}
		}
		return each(n), f.drain(ctx)
	case "enqueue by 64":
		kept, err := enqueueFor(ctx, f, 64, 300*time.Millisecond)
		if err != nil {
			return "", err
		}
		return each(int(kept)), f.drain(ctx)
	case "start":
		for range n {
			if err := f.runOne(ctx); err != nil {
				return "", err
			}
		}
		return each(n), nil
	case "stats":
		for range 1000 * n {
			if _, err := f.backend.Queue().Stats(ctx); err != nil {
				return "", err
			}
		}
		return each(1000 * n), nil
	case "size":
		return f.size()
	case "restart":
		return f.restart(ctx)
	}
	var jobs int
	if _, err := fmt.Sscanf(order, "fill %d", &jobs); err != nil {
		return "", fmt.Errorf("there is no order %q", order)
	}
	return "filled", f.fill(ctx, jobs)
}

func (f *full) enqueue(ctx context.Context) error {
	_, err := f.backend.Queue().Enqueue(ctx, backend.NewJob{Task: "mail", Params: f.params})
	return err
}

func (f *full) close(ctx context.Context) error { return f.backend.Close(ctx) }

// runOne enqueues a job and runs it.
func (f *full) runOne(ctx context.Context) error {
	if err := f.enqueue(ctx); err != nil {
		return err
	}
	_, err := f.run(ctx, backend.DefaultQueue, 1)
	return err
}

// run runs up to n jobs of a queue and returns their number. The completed jobs stay.
func (f *full) run(ctx context.Context, queue string, n int) (int, error) {
	jobs, err := f.backend.Queue().Fetch(ctx, backend.FetchRequest{Node: "bench", Queues: []string{queue}, Max: n})
	if err != nil || len(jobs) == 0 {
		return 0, err
	}
	outcomes := make([]backend.Outcome, len(jobs))
	for i := range jobs {
		outcomes[i] = backend.Outcome{Run: jobs[i].Run(), State: backend.Completed}
	}
	_, err = f.backend.Queue().Finish(ctx, outcomes...)
	return len(jobs), err
}

// drain runs all jobs of the default queue.
func (f *full) drain(ctx context.Context) error {
	for {
		if n, err := f.run(ctx, backend.DefaultQueue, 1000); n == 0 || err != nil {
			return err
		}
	}
}

// fill enqueues and runs a number of jobs. Then it enqueues as many again: half of them wait for their time, half for a worker.
func (f *full) fill(ctx context.Context, jobs int) error {
	const some = 1000
	for done := 0; done < 2*jobs; done += some {
		batch := make([]backend.NewJob, some)
		for i := range batch {
			batch[i] = backend.NewJob{Task: "mail", Queue: "filling", Params: f.params}
			if done >= jobs {
				if batch[i].Queue = "waiting"; i%2 == 0 {
					batch[i].Delay = time.Hour + time.Duration(rand.Int64N(int64(time.Hour)))
				}
			}
		}
		if _, err := f.backend.Queue().Enqueue(ctx, batch...); err != nil {
			return err
		}
		if done < jobs {
			if n, err := f.run(ctx, "filling", some); n != some || err != nil {
				return fmt.Errorf("%d of %d jobs could be run: %w", n, some, err)
			}
		}
	}
	return nil
}

// size returns the heap, the resident memory and the size of the folder, in MiB.
func (f *full) size() (string, error) {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return "", err
	}
	resident := 0.0
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			_, _ = fmt.Sscan(rest, &resident)
		}
	}
	files, err := filepath.Glob(filepath.Join(f.dir, "*"))
	if err != nil {
		return "", err
	}
	disk := int64(0)
	for _, name := range files {
		info, err := os.Stat(name)
		if err != nil {
			return "", err
		}
		disk += info.Size()
	}
	return fmt.Sprint(float64(m.HeapAlloc)/(1<<20), resident/1024, float64(disk)/(1<<20)), nil
}

// restart closes the queue and opens it again. It returns the seconds that the opening took.
func (f *full) restart(ctx context.Context) (string, error) {
	if err := f.backend.Close(ctx); err != nil {
		return "", err
	}
	runtime.GC()
	begun := time.Now()
	err := f.reopen(ctx)
	return fmt.Sprint(time.Since(begun).Seconds()), err
}

// open does nothing: enqueueFor needs a contender, and full is open already.
func (f *full) open(context.Context, string, bool) error { return nil }
