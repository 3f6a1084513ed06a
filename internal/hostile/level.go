package hostile

import (
	"bytes"
	"os"
	"runtime"
	"runtime/pprof"
	"testing"
	"time"
)

// Level is what a process holds at a moment.
type Level struct{ Goroutines, Files int }

// Now returns the level of this process. Files is 0 where the system does not list them in /dev/fd.
func Now() Level {
	l := Level{Goroutines: runtime.NumGoroutine()}
	if dir, err := os.Open("/dev/fd"); err == nil {
		names, _ := dir.Readdirnames(-1)
		_ = dir.Close()
		l.Files = len(names)
	}
	return l
}

// Eventually looks fifty times a second until the condition holds, for at most within. It returns whether it does.
func Eventually(within time.Duration, condition func() bool) bool {
	return eventually(20*time.Millisecond, within, condition)
}

func eventually(every, within time.Duration, condition func() bool) bool {
	if condition() {
		return true
	}
	end := time.NewTimer(within)
	defer end.Stop()
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			if condition() {
				return true
			}
		case <-end.C:
			return condition()
		}
	}
}

// settleTime is how long a server may take to put away what is left of clients that have gone.
const settleTime = 5 * time.Second

// CheckLeaks notes what the process holds now. The function that it returns waits until the process is back there,
// and fails the test, with the stacks of all goroutines, if it does not get there. Tests that run at the same time
// would be counted too: use it in tests that are not parallel.
func CheckLeaks(t testing.TB) (check func()) {
	t.Helper()
	before := Now()
	return func() {
		t.Helper()
		var now Level
		back := func() bool {
			now = Now()
			return now.Goroutines <= before.Goroutines && now.Files <= before.Files
		}
		if !Eventually(settleTime, back) {
			var stacks bytes.Buffer
			_ = pprof.Lookup("goroutine").WriteTo(&stacks, 1)
			t.Errorf("before there were %d goroutines and %d open files, now %d and %d\n%s",
				before.Goroutines, before.Files, now.Goroutines, now.Files, stacks.String())
		}
	}
}
