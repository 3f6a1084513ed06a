//go:build unix

package server_test

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

// A server that has nothing to do but to keep a hundred timetables, and tasks on disk that are not due, does next to
// nothing. The test runs alone: it looks at all that this process does.
func TestIdle(t *testing.T) {
	var parts actionhero.Parts
	for i := range 100 {
		parts = append(parts, actionhero.Task[actionhero.None]{
			Name: fmt.Sprint("task", i), Frequency: time.Minute, Scope: actionhero.Scope(i % 2),
			Run: func(context.Context, actionhero.None) error { return nil },
		})
	}
	s := testkit.Start(t, testkit.Options{Parts: parts, Change: func(cfg *server.Config) {
		cfg.Tasks.Memory, cfg.Tasks.Path = false, t.TempDir()
	}})
	for range 1000 {
		if _, err := s.Tasks.Enqueue(t.Context(), "task0", nil, actionhero.After(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	const look = 2 * time.Second
	busy := processorTime(t)
	time.Sleep(look)
	busy = processorTime(t) - busy
	t.Logf("it takes %.3f %% of a processor", 100*busy.Seconds()/look.Seconds())
	// A minute may begin meanwhile, and with it a hundred runs.
	if busy > look/100+100*time.Millisecond {
		t.Errorf("in %v it kept a processor busy for %v", look, busy)
	}
}

// processorTime is how long this process has kept processors busy.
func processorTime(t testing.TB) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
