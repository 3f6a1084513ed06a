package worker_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/worker"
)

// takes returns a task that takes a time, unless its context ends before.
func takes(name string, d time.Duration) actionhero.Task[actionhero.None] {
	return task(name, func(ctx context.Context) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return errors.Join(ctx.Err(), context.Cause(ctx))
		}
	})
}

// What ends within the grace of a stop is done. The rest is put back, as if it had not been started, and run after the
// next start.
func TestStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, worker.Config{Grace: 10 * time.Second, Workers: 3}, takes("short", 9*time.Second), takes("long", 11*time.Second))
		short, long := n.enqueue("short"), n.enqueue("long", actionhero.WithMaxAttempts(1))
		n.want(long, backend.Running)
		begun := time.Now()
		n.stop()
		if took := time.Since(begun); took < 10*time.Second || took > 11*time.Second {
			t.Errorf("the stop took %v", took)
		}
		if err := n.Config().Backend.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
		n.want(short, backend.Completed)
		if job := n.want(long, backend.Available); job.Attempt != 0 || job.Crashes != 0 || job.Starts != 1 || job.Error != "" {
			t.Errorf("put back is %+v", job)
		}
		if err := n.Config().Backend.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		n.start()
		time.Sleep(12 * time.Second)
		if job := n.want(long, backend.Completed); job.Attempt != 1 {
			t.Errorf("after the restart it is %+v", job)
		}
	})
}

// Nothing is taken while a stop is under way, and what fails for a reason of its own before the grace is over is tried
// again later.
func TestStopTakesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fails := task("fails", func(context.Context) error { time.Sleep(5 * time.Second); return errFailed })
		n := start(t, worker.Config{Workers: 1, Grace: time.Minute}, fails)
		first, second := n.enqueue("fails"), n.enqueue("fails")
		n.want(first, backend.Running)
		n.stop()
		if err := n.Config().Backend.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
		if job := n.want(first, backend.Retryable); job.Attempt != 1 {
			t.Errorf("it is %+v", job)
		}
		if job := n.want(second, backend.Available); job.Starts != 0 {
			t.Errorf("it is %+v", job)
		}
		if err := n.Config().Backend.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

// The grace of tasks may be longer than that of requests, and shorter.
func TestGraceOfItsOwn(t *testing.T) {
	t.Parallel()
	for _, grace := range []time.Duration{-1, time.Second, 2 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			n := start(t, worker.Config{Grace: grace}, takes("long", time.Hour))
			n.want(n.enqueue("long"), backend.Running)
			begun := time.Now()
			n.stop()
			if took := time.Since(begun); took != max(grace, 0) {
				t.Errorf("with a grace of %v the stop took %v", grace, took)
			}
		})
	}
}

// Who cannot wait for the grace ends the context of Stop.
func TestStopInAHurry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, worker.Config{}, takes("long", time.Hour))
		n.want(n.enqueue("long"), backend.Running)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		begun := time.Now()
		if err := n.API.Stop(ctx); err != nil {
			t.Error(err)
		}
		if took := time.Since(begun); took != 2*time.Second {
			t.Errorf("the stop took %v", took)
		}
	})
}

// A task that ignores the end of its context does not hold up the stop, and is run again.
func TestStubbornTask(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		n := start(t, worker.Config{Grace: time.Second}, task("stubborn", func(context.Context) error { <-release; return errFailed }))
		id := n.enqueue("stubborn")
		n.want(id, backend.Running)
		begun := time.Now()
		n.stop()
		if took := time.Since(begun); took != 6*time.Second {
			t.Errorf("the stop took %v", took)
		}
		n.start() // the first run is still at it
		if job := n.want(id, backend.Running); job.Starts != 2 || job.Attempt != 1 {
			t.Errorf("it is %+v", job)
		}
		close(release)
		if job := n.want(id, backend.Retryable); job.Attempt != 1 || job.Starts != 2 {
			t.Errorf("at the end it is %+v", job)
		}
	})
}

// A job that is cancelled while the stop waits for it ends as cancelled, and is not put back.
func TestCancelDuringStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, worker.Config{}, takes("long", time.Hour))
		id := n.enqueue("long")
		n.want(id, backend.Running)
		stopped := make(chan struct{})
		go func() {
			defer close(stopped)
			n.stop()
		}()
		synctest.Wait()
		if _, err := n.Tasks.Cancel(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		<-stopped
		if err := n.Config().Backend.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
		n.want(id, backend.Cancelled)
		if err := n.Config().Backend.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

// A start that fails leaves nothing that takes jobs.
func TestFailedStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, nil, worker.Config{}, task("it", func(context.Context) error { return nil }))
		n.Add(failing{})
		if err := n.API.Start(t.Context()); !errors.Is(err, errFailed) {
			t.Errorf("Start = %v", err)
		}
	})
}

type failing struct{}

func (failing) Start(context.Context) error { return errFailed }
func (failing) Stop(context.Context) error  { return nil }
