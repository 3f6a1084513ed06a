package testkit

import (
	"bytes"
	"os"
	"runtime"
	"runtime/pprof"
	"testing"
)

// Resources holds the number of goroutines and the number of open files of this process.
type Resources struct{ Goroutines, Files int }

// InUse returns the number of goroutines and open files of this process now. Files is 0 if the system does not list
// open files in /dev/fd.
func InUse() Resources {
	r := Resources{Goroutines: runtime.NumGoroutine()}
	if dir, err := os.Open("/dev/fd"); err == nil {
		names, _ := dir.Readdirnames(-1)
		_ = dir.Close()
		r.Files = len(names)
	}
	return r
}

// CheckLeaks records the numbers of goroutines and open files of the process. The returned function check waits up to
// [Wait] until both numbers are at most the recorded numbers. Otherwise check fails the test and prints the stacks of all
// goroutines. The numbers include the goroutines and files of tests that run at the same time, so call CheckLeaks only
// in tests that are not parallel.
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
		if !Within(Wait, freed) {
			var stacks bytes.Buffer
			_ = pprof.Lookup("goroutine").WriteTo(&stacks, 1)
			t.Errorf("before there were %d goroutines and %d open files, now %d and %d\n%s",
				before.Goroutines, before.Files, now.Goroutines, now.Files, stacks.String())
		}
	}
}
