package heapfloor

import (
	"runtime"
	"testing"
)

var sink []byte

// collections returns how many collections run while the test allocates total bytes that die at once.
func collections(total int) uint32 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range total / 1024 {
		sink = make([]byte, 1024)
		if i%64 == 0 {
			runtime.Gosched() // or a collection that has begun takes as long as a busy machine lets it
		}
	}
	runtime.ReadMemStats(&after)
	return after.NumGC - before.NumGC
}

func TestASmallHeapIsCollectedOnlyAtTheFloor(t *testing.T) {
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "")
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	const floor, total = 64 << 20, 512 << 20
	stop := Keep(floor)
	runtime.GC()
	with := collections(total)
	stop()
	runtime.GC()
	without := collections(total)
	// The percentage is bounded, so the floor is not reached exactly while few bytes live.
	if with*2 > without {
		t.Errorf("%d collections with a floor, %d without: want less than half", with, without)
	}
}

func TestASecondFloorChangesNothing(t *testing.T) {
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "")
	stop := Keep(64 << 20)
	defer stop()
	Keep(1 << 40)()
	if !owner.Load() {
		t.Error("the end of the second floor has ended the first")
	}
}

func TestThePercentageOfTheUserStays(t *testing.T) {
	for _, name := range []string{"GOGC", "GOMEMLIMIT"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, "200")
			stop := Keep(64 << 20)
			defer stop()
			if owner.Load() {
				t.Errorf("with %s in the environment, the floor is kept", name)
			}
		})
	}
}

func TestThePercentageFollowsTheLiveHeap(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	for _, c := range []struct {
		floor int64
		found scanned
		want  int
	}{
		{32 * mib, scanned{3 * mib, 1 * mib}, 725},
		{32 * mib, scanned{16 * mib, 0}, 100},
		{32 * mib, scanned{100 * mib, 5 * mib}, 100},
		{32 * mib, scanned{}, 800},
		{16 * mib, scanned{1 * mib, 0}, 400},
		{1 << 62, scanned{3 * mib, 1 * mib}, maxPercent},
	} {
		if got := wanted(c.floor, c.found); got != c.want {
			t.Errorf("floor %d, %+v: %d percent, want %d", c.floor, c.found, got, c.want)
		}
	}
}
