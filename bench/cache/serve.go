package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	goroutines = 64
	keys       = 1 << 17
	valueBytes = 200
	ttl        = time.Hour
	steps      = 1 << 14 // the keys that each goroutine draws in advance and then repeats
)

// loads are the mixes of operations to measure.
var loads = []struct {
	name   string
	writes int // one of so many operations is a write; 0: none
}{{"get", 0}, {"90 % get, 10 % set", 10}, {"set", 1}}

// serve executes the orders in in, one a line, until its end.
func serve(ctx context.Context, name string, in io.Reader, out io.Writer) error {
	c, err := maker(name)(ctx, 0)
	if err != nil {
		return err
	}
	b := newBench(c)
	for lines := bufio.NewScanner(in); lines.Scan(); {
		var answer string
		order := lines.Text()
		switch order {
		case "fill":
			answer, err = "filled", b.fill()
		case "check":
			answer, err = check(ctx, name)
		default:
			at := max(strings.LastIndex(order, " "), 0)
			answer, err = b.load(order[:at], strings.TrimSpace(order[at:]))
		}
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintln(out, answer); err != nil {
			return err
		}
	}
	return nil
}

// bench is a cache with its workload.
type bench struct {
	cache cache
	*workload
}

// workload holds the keys and values, and the order in which each goroutine uses them.
type workload struct {
	names  []string
	values []value             // one for each key, because two keys of a real cache do not share memory
	draws  [goroutines][]int32 // indexes of keys, for each goroutine
}

var sharedWorkload = sync.OnceValue(func() *workload {
	w := &workload{names: make([]string, keys), values: make([]value, keys)}
	for i := range w.names {
		text := fmt.Sprintf("%0*d", valueBytes, i)
		w.names[i], w.values[i] = fmt.Sprintf("session:%08d", i), value{text, []byte(text)}
	}
	for g := range w.draws {
		zipf := rand.NewZipf(rand.New(rand.NewPCG(1, uint64(g))), 1.1, 1, keys-1)
		for range steps {
			// Popular keys must not be neighbours.
			w.draws[g] = append(w.draws[g], int32(zipf.Uint64()*7919%keys))
		}
	}
	return w
})

func newBench(c cache) *bench { return &bench{c, sharedWorkload()} }

func (b *bench) fill() error {
	for i, key := range b.names {
		if err := b.cache.set(key, b.values[i]); err != nil {
			return err
		}
	}
	return nil
}

// load runs a load for a duration. It returns the processor time of one operation in nanoseconds.
func (b *bench) load(name, duration string) (string, error) {
	d, err := time.ParseDuration(duration)
	writes := -1
	for _, l := range loads {
		if l.name == name {
			writes = l.writes
		}
	}
	if err != nil || writes < 0 {
		return "", fmt.Errorf("there is no load %q for %q", name, duration)
	}
	var stop atomic.Bool
	var ops atomic.Int64
	failures := make([]error, goroutines)
	before, err := processorTime()
	if err != nil {
		return "", err
	}
	timer := time.AfterFunc(d, func() { stop.Store(true) })
	defer timer.Stop()
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			n, err := b.loop(g, writes, &stop)
			ops.Add(int64(n))
			failures[g] = err
		})
	}
	wg.Wait()
	after, err := processorTime()
	if err := errors.Join(append(failures, err)...); err != nil {
		return "", err
	}
	return fmt.Sprint(float64(after-before) / float64(ops.Load())), nil
}

func (b *bench) loop(g, writes int, stop *atomic.Bool) (n int, err error) {
	for !stop.Load() {
		for range 256 {
			n++
			if err := b.step(g, n, writes); err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

// step is operation n, from 1 on, of goroutine g. One of so many operations is a write; 0: none.
func (b *bench) step(g, n, writes int) error {
	i := b.draws[g][(n-1)%steps]
	if writes > 0 && n%writes == 0 {
		return b.cache.set(b.names[i], b.values[i])
	}
	return b.cache.get(b.names[i])
}

// check writes all keys to a new cache with room for all of them, and to a new cache without. It returns the numbers of
// refused and dropped values. It fails if a cache of this repository dropped a value, refused one that fits, or accepted
// more than its limit.
func check(ctx context.Context, name string) (string, error) {
	var reports []string
	for _, maxBytes := range []int64{1 << 30, 4 << 20} {
		c, err := maker(name)(ctx, maxBytes)
		if err != nil {
			return "", err
		}
		refused, dropped := newBench(c).check()
		if _, ours := c.(bounded); ours && (dropped > 0 || (refused > 0) != (maxBytes < keys*valueBytes)) {
			return "", fmt.Errorf("with a limit of %d bytes, %d writes were refused and %d values were dropped silently", maxBytes, refused, dropped)
		}
		reports = append(reports, fmt.Sprintf("%d refused with an error, %d dropped silently", refused, dropped))
	}
	return fmt.Sprintf("with room for all: %s; with a limit of 4 MiB: %s", reports[0], reports[1]), nil
}

// check lets each goroutine write its share of the keys, and then read and compare each value that was not refused.
func (b *bench) check() (refused, dropped int64) {
	var refusals, losses atomic.Int64
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			kept := make(map[string]string)
			for i := g; i < keys; i += goroutines {
				if b.cache.set(b.names[i], b.values[i]) != nil {
					refusals.Add(1)
				} else {
					kept[b.names[i]] = b.values[i].text
				}
			}
			for key, want := range kept {
				if got, err := b.cache.read(key); err != nil || got != want {
					losses.Add(1)
				}
			}
		})
	}
	wg.Wait()
	return refusals.Load(), losses.Load()
}

func processorTime() (time.Duration, error) {
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		return 0, err
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano()), nil
}
