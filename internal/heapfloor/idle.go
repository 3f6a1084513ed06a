package heapfloor

import (
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"
)

const (
	// lookInterval is the time between two looks at the memory of the process.
	lookInterval = 4 * time.Second
	// idleBytes is how much an idle process allocates at most between two looks.
	idleBytes = 1 << 20
	// worthBytes is how much the heap must have grown since the last return of memory, and at least a quarter of the
	// heap, so that the next return is worth its collection.
	worthBytes = 6 << 20
)

// ReturnIdle returns the memory of garbage to the system when the process has become idle: when it allocates next to
// nothing, but its heap has grown since the last return. Go keeps this memory for the next objects otherwise, up to the
// size of the live bytes. After thousands of clients have connected and wait, that is most of their memory. Each return
// costs one collection. The function stop ends this, and waits until it has ended.
func ReturnIdle() (stop func()) {
	quit := make(chan struct{})
	r := returner{measure: use, free: freeNow, kept: use().held}
	var watching sync.WaitGroup
	watching.Go(func() {
		ticker := time.NewTicker(lookInterval)
		defer ticker.Stop()
		for {
			select {
			case <-quit:
				return
			case <-ticker.C:
				r.look()
			}
		}
	})
	return sync.OnceFunc(func() {
		close(quit)
		watching.Wait()
	})
}

// memory is the use of memory by a process, in bytes.
type memory struct {
	allocated int64 // since the start of the process
	held      int64 // by the heap: objects, garbage, and free memory that the system has not got back
}

// returner decides when memory returns to the system.
type returner struct {
	measure func() memory
	free    func()

	last int64 // the bytes allocated at the last look
	kept int64 // the bytes that the heap held after the last return
}

// look looks at the memory once, and returns memory if the process is idle and it is worth it.
func (r *returner) look() {
	now := r.measure()
	idle := now.allocated-r.last <= idleBytes
	r.last = now.allocated
	r.kept = min(r.kept, now.held)
	if !idle || now.held-r.kept < max(worthBytes, now.held/4) {
		return
	}
	r.free()
	now = r.measure()
	r.last, r.kept = now.allocated, now.held
}

// freeNow collects garbage and gives the free memory to the system.
func freeNow() { debug.FreeOSMemory() }

func use() memory {
	samples := []metrics.Sample{
		{Name: "/gc/heap/allocs:bytes"}, {Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"}, {Name: "/memory/classes/heap/free:bytes"},
	}
	metrics.Read(samples)
	value := func(i int) int64 { return int64(samples[i].Value.Uint64()) }
	return memory{allocated: value(0), held: value(1) + value(2) + value(3)}
}
