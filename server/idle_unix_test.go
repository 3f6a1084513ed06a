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

// An idle server with 100 schedules, and with tasks on disk that are not due, uses next to no processor time. The test is
// not parallel, because it measures the whole process.
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

// processorTime returns the processor time that this process has used.
func processorTime(t testing.TB) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
