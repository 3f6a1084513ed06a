package heapfloor

import (
	"runtime"
	"slices"
	"testing"
)

// step is one look at a process: what it has allocated and what its heap holds, in MiB, and whether memory returns then.
type step struct {
	allocated, held int64
	returns         bool
}

func TestAnIdleProcessReturnsMemoryOnceForEachGrowth(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	for name, steps := range map[string][]step{
		"a start":                             {{5, 5, false}, {5, 5, false}, {5, 5, false}},
		"a burst, then idle":                  {{100, 40, false}, {100, 40, true}, {100, 20, false}, {100, 20, false}},
		"busy all the time":                   {{100, 40, false}, {200, 40, false}, {300, 40, false}},
		"a second burst that is small":        {{100, 40, false}, {100, 40, true}, {105, 25, false}, {105, 25, false}},
		"a second burst":                      {{100, 40, false}, {100, 40, true}, {130, 40, false}, {130, 40, true}},
		"a large heap that grows by a little": {{1000, 1000, false}, {1000, 1000, true}, {1100, 620, false}, {1100, 620, false}},
		"slow growth":                         {{5, 5, false}, {6, 9, false}, {7, 12, true}, {8, 10, false}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var now memory
			returned := false
			r := returner{kept: 5 * mib, measure: func() memory { return now }, free: func() {
				returned = true
				now.held /= 2 // half of it is garbage
			}}
			var got, want []bool
			for _, s := range steps {
				now, returned = memory{s.allocated * mib, s.held * mib}, false
				r.look()
				got, want = append(got, returned), append(want, s.returns)
			}
			if !slices.Equal(got, want) {
				t.Errorf("memory returned: %v, want %v", got, want)
			}
		})
	}
}

func TestReturnedMemoryIsTheSystems(t *testing.T) {
	garbage := make([][]byte, 64)
	for i := range garbage {
		garbage[i] = make([]byte, 1<<20)
	}
	before := use()
	runtime.KeepAlive(garbage)
	clear(garbage)
	r := returner{measure: use, free: func() {}}
	r.look() // sees that much was allocated
	r.free = freeNow
	r.look()
	if after := use(); after.held > before.held-32<<20 {
		t.Errorf("the heap holds %d MiB after the return, %d before: want 32 less", after.held>>20, before.held>>20)
	}
}

func TestReturnIdleEnds(t *testing.T) {
	t.Parallel()
	stop := ReturnIdle()
	stop()
	stop()
}
