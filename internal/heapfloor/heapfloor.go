// Package heapfloor lets the heap of a process grow to a floor before the garbage collector runs. By default, Go starts a
// collection when the heap has doubled, and at 4 MiB at the earliest. A server with few live bytes therefore collects
// dozens of times a second under load, and each collection scans all globals and stacks.
//
// A process that has become idle returns the memory of its garbage to the system: [ReturnIdle].
//
// Begin reading at [Keep].
package heapfloor

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"sync/atomic"
)

const (
	// percent is the value of GOGC at which Go starts.
	percent = 100
	// minimum is the size of the heap at which Go starts the first collection, and the smallest one that it collects, if
	// GOGC is 100. Go multiplies it by GOGC/100.
	minimum = 4 << 20
	// maxPercent bounds how far the heap can grow past the floor if the live bytes multiply within one cycle: the next
	// collection adjusts the value.
	maxPercent = 1000
)

// owner makes sure that one floor at a time sets the percentage of the process.
var owner atomic.Bool

// Keep keeps the garbage collector from running until the heap has at least floor bytes. A heap of more than half the
// floor grows as Go's default lets it. The function stop ends this. Keep does nothing if floor is 0, if the environment
// variable GOGC or GOMEMLIMIT is set, or if the process keeps a floor already.
func Keep(floor int64) (stop func()) {
	if floor <= 0 || os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" || !owner.CompareAndSwap(false, true) {
		return func() {}
	}
	k := &keeper{floor: floor, current: percent}
	k.adjust()
	k.watch()
	return k.stop
}

type keeper struct {
	floor int64

	mu      sync.Mutex
	stopped bool
	current int // the percentage in force
}

// cycle is an object without references. Its finalizer therefore runs after each collection. A cycle has a pointer, so
// that it is no part of a block of tiny objects, which could stay alive.
type cycle struct{ keeper *keeper }

func (k *keeper) watch() {
	runtime.SetFinalizer(&cycle{k}, func(c *cycle) {
		if c.keeper.adjust() {
			c.keeper.watch()
		}
	})
}

// adjust sets the percentage at which the next collection starts at the floor. It returns false after stop.
func (k *keeper) adjust() (more bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.stopped {
		return false
	}
	next := wanted(k.floor, measure())
	// A new percentage stops all goroutines for some microseconds, so small differences do not count.
	if difference := next - k.current; max(difference, -difference)*8 > k.current {
		k.current = next
		debug.SetGCPercent(next)
	}
	return true
}

func (k *keeper) stop() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.stopped {
		k.stopped = true
		debug.SetGCPercent(percent)
		owner.Store(false)
	}
}

// scanned is what a collection has found, in bytes.
type scanned struct {
	live  int64 // of the heap
	roots int64 // globals and stacks
}

// wanted returns the percentage at which the next collection starts when the heap has floor bytes. Go starts it when the
// heap has grown by that percentage of the live heap and the roots, but not below its minimum.
func wanted(floor int64, s scanned) int {
	most := min(floor/(minimum/100), maxPercent)
	return int(max(min((floor-s.live)/max((s.live+s.roots)/100, 1), most), percent))
}

func measure() scanned {
	samples := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/globals:bytes"}, {Name: "/gc/scan/stack:bytes"}}
	metrics.Read(samples)
	value := func(i int) int64 { return int64(samples[i].Value.Uint64()) }
	return scanned{live: value(0), roots: value(1) + value(2)}
}
