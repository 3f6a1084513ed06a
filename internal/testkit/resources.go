package testkit

import (
	"bytes"
	"os"
	"runtime"
	"runtime/pprof"
	"testing"
	"time"
)

// Resources are what this process holds.
type Resources struct{ Goroutines, Files int }

// InUse returns what this process holds now. Files is 0 if the system does not list them in /dev/fd.
func InUse() Resources {
	r := Resources{Goroutines: runtime.NumGoroutine()}
	if dir, err := os.Open("/dev/fd"); err == nil {
		names, _ := dir.Readdirnames(-1)
		_ = dir.Close()
		r.Files = len(names)
	}
	return r
}

// settleTime is how long a server may take to free what clients held that have gone.
const settleTime = 5 * time.Second

// CheckLeaks notes what the process holds now. The function that it returns waits until the process holds no more than
// that, and fails the test, with the stacks of all goroutines, if it still does after 5 seconds. It counts tests that
// run at the same time too: use it in tests that are not parallel.
func CheckLeaks(t testing.TB) (check func()) {
	t.Helper()
	before := InUse()
	return func() {
		t.Helper()
		var now Resources
		freed := func() bool {
			now = InUse()
			return now.Goroutines <= before.Goroutines && now.Files <= before.Files
		}
		if !Within(settleTime, freed) {
			var stacks bytes.Buffer
			_ = pprof.Lookup("goroutine").WriteTo(&stacks, 1)
			t.Errorf("before there were %d goroutines and %d open files, now %d and %d\n%s",
				before.Goroutines, before.Files, now.Goroutines, now.Files, stacks.String())
		}
	}
}
