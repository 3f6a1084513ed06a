// Command processors compares requests and messages with one and with two processors for Go code. The server and its clients
// are in one process, and the connections are in memory: the clients cost next to nothing, and the kernel takes no part.
//
// The table shows what the server's own locks, shared counters, allocations and garbage collections leave of a second
// processor. It does not show how the network of the kernel scales.
package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/metrics"
	"runtime/pprof"
	"syscall"
	"time"

	"github.com/actionhero-go/actionhero/bench/internal/slices"
	"github.com/actionhero-go/actionhero/internal/heapfloor"
)

func main() {
	passes := flag.Int("passes", 12, "slices for each number of processors")
	slice := flag.Duration("slice", time.Second, "length of a slice")
	mutex := flag.String("mutexprofile", "", "write a profile of the locks that goroutines wait for")
	flag.Parse()
	if err := run(*passes, *slice, *mutex); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

// lane is a load on a server in this process. run runs it for a duration and returns the number of requests or deliveries.
type lane struct {
	name string
	open func(context.Context) (run func(time.Duration) (int, error), err error)
}

var lanes = []lane{{"GET", openGET}, {"action over WebSocket", openWebSocket}, {"message to rooms of 100", openRooms}}

func run(passes int, slice time.Duration, mutex string) error {
	if mutex != "" {
		runtime.SetMutexProfileFraction(10)
	}
	defer heapfloor.Keep(16 << 20)() // as the command start does
	fmt.Print("| lane | rate with two processors, ratio to one (IQR) | bound by processor time | µs of processor time, one; two | ns of waiting for locks, two |\n|---|---|---|---|---|\n")
	for _, l := range lanes {
		load, err := l.open(context.Background())
		if err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
		row, err := compare(load, passes, slice)
		if err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
		fmt.Printf("| %s | %s |\n", l.name, row)
	}
	fmt.Printf("\n%s, %s, %d slices of %v each, %s\n", runtime.Version(), runtime.GOARCH, passes, slice, time.Now().Format(time.DateOnly))
	if mutex == "" {
		return nil
	}
	file, err := os.Create(mutex)
	if err != nil {
		return err
	}
	defer file.Close()
	return pprof.Lookup("mutex").WriteTo(file, 0)
}

// sample has the figures of a slice.
type sample struct{ rate, cost, wait float64 }

// compare runs slices with one and with two processors in turn and returns the cells of the table.
func compare(load func(time.Duration) (int, error), passes int, slice time.Duration) (string, error) {
	var ratios, bounds, ones, twos, waits []float64
	for pass := range passes + 1 { // the first one warms up
		var got [3]sample
		order := []int{1, 2}
		rand.Shuffle(2, func(i, j int) { order[i], order[j] = order[j], order[i] })
		for _, processors := range order {
			var err error
			if got[processors], err = measure(load, processors, slice); err != nil {
				return "", err
			}
		}
		if pass > 0 {
			ratios, bounds = append(ratios, got[2].rate/got[1].rate), append(bounds, 2*got[1].cost/got[2].cost)
			ones, twos, waits = append(ones, got[1].cost), append(twos, got[2].cost), append(waits, got[2].wait)
		}
	}
	middle := func(values []float64) float64 { return slices.Quantile(values, 0.5) }
	return fmt.Sprintf("%.2f (%.2f–%.2f) | %.2f | %.2f; %.2f | %.0f", middle(ratios), slices.Quantile(ratios, 0.25), slices.Quantile(ratios, 0.75),
		middle(bounds), middle(ones), middle(twos), middle(waits)), nil
}

func measure(load func(time.Duration) (int, error), processors int, slice time.Duration) (s sample, err error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors))
	cost, wait, begun := processorTime(), lockWait(), time.Now()
	n, err := load(slice)
	if err != nil || n == 0 {
		return s, fmt.Errorf("%d requests in %v: %w", n, slice, err)
	}
	took := time.Since(begun)
	each := func(seconds float64) float64 { return seconds / float64(n) }
	return sample{1 / each(took.Seconds()), each((processorTime() - cost).Seconds()) * 1e6, each(lockWait()-wait) * 1e9}, nil
}

func processorTime() time.Duration {
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		panic(err) // the arguments are valid
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}

// lockWait returns the seconds that goroutines have waited for locks.
func lockWait() float64 {
	samples := []metrics.Sample{{Name: "/sync/mutex/wait/total:seconds"}}
	metrics.Read(samples)
	return samples[0].Value.Float64()
}
