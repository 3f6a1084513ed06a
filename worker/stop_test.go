package worker_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/worker"
)

// lasting returns a task that runs for d or until its context is done.
func lasting(name string, d time.Duration) actionhero.Task[actionhero.None] {
	return task(name, func(ctx context.Context) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return errors.Join(ctx.Err(), context.Cause(ctx))
		}
	})
}

// A task that ends within the grace period completes. The job of any other task is requeued as if it had not been started,
// and runs after the next start.
func TestStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, worker.Config{Grace: 10 * time.Second, Workers: 3}, lasting("short", 9*time.Second), lasting("long", 11*time.Second))
		short, long := n.enqueue("short"), n.enqueue("long", actionhero.WithMaxAttempts(1))
		n.want(long, backend.Running)
		begun := time.Now()
		n.stop()
		if took := time.Since(begun); took < 10*time.Second || took > 11*time.Second {
			t.Errorf("the stop took %v", took)
		}
		if got := fmt.Sprint(n.StopReport()); got != "[tasksFinished=1 tasksRequeued=1]" {
			t.Errorf("the report of the stop is %v", got)
		}
		if err := n.Config().Backend.Open(t.Context(), backend.Node{ID: "node"}); err != nil {
			t.Fatal(err)
		}
		n.want(short, backend.Completed)
		if job := n.want(long, backend.Available); job.Attempt != 0 || job.Crashes != 0 || job.Starts != 1 || job.Error != "" {
			t.Errorf("the requeued job is %+v", job)
		}
		if err := n.Config().Backend.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		n.start()
		time.Sleep(12 * time.Second)
		if job := n.want(long, backend.Completed); job.Attempt != 1 {
			t.Errorf("after the restart the job is %+v", job)
		}
	})
}

// During a stop no job is fetched. A task that fails within the grace period without being cancelled is retried later.
func TestStopFetchesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fails := task("fails", func(context.Context) error { time.Sleep(5 * time.Second); return errFailed })
		n := start(t, worker.Config{Workers: 1, Grace: time.Minute}, fails)
		first, second := n.enqueue("fails"), n.enqueue("fails")
		n.want(first, backend.Running)
		n.stop()
		if err := n.Config().Backend.Open(t.Context(), backend.Node{ID: "node"}); err != nil {
			t.Fatal(err)
		}
		if job := n.want(first, backend.Retryable); job.Attempt != 1 {
			t.Errorf("the job is %+v", job)
		}
		if job := n.want(second, backend.Available); job.Starts != 0 {
			t.Errorf("the job is %+v", job)
		}
		if err := n.Config().Backend.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

// The grace period of tasks may be longer or shorter than the one of requests.
func TestGrace(t *testing.T) {
	t.Parallel()
	for _, grace := range []time.Duration{-1, time.Second, 2 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			n := start(t, worker.Config{Grace: grace}, lasting("long", time.Hour))
			n.want(n.enqueue("long"), backend.Running)
			begun := time.Now()
			n.stop()
			if took := time.Since(begun); took != max(grace, 0) {
				t.Errorf("with a grace of %v the stop took %v", grace, took)
			}
		})
	}
}

// The end of the context of Stop ends the grace period.
func TestStopContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, worker.Config{}, lasting("long", time.Hour))
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

// If the context of the stop ends and a task ignores that, its job is requeued before the API goes on without the worker.
func TestStopContextAndTaskIgnoresCancel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		n := start(t, worker.Config{}, task("ignoring", func(context.Context) error { <-release; return nil }))
		id := n.enqueue("ignoring")
		n.want(id, backend.Running)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		begun := time.Now()
		if err := n.API.Stop(ctx); err != nil {
			t.Error(err)
		}
		if took := time.Since(begun); took > 2500*time.Millisecond {
			t.Errorf("the stop took %v", took)
		}
		if got := fmt.Sprint(n.StopReport()); got != "[tasksFinished=0 tasksRequeued=1]" {
			t.Errorf("the report of the stop is %v", got)
		}
		close(release)
		synctest.Wait()
		n.start()
		if job := n.want(id, backend.Completed); job.Starts != 2 || job.Attempt != 1 || job.Crashes != 0 {
			t.Errorf("the job is %+v", job)
		}
	})
}

// If a task ignores the end of its context, the stop requeues its job and does not wait for it.
func TestTaskIgnoresCancel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		n := start(t, worker.Config{Grace: time.Second}, task("ignoring", func(context.Context) error { <-release; return errFailed }))
		id := n.enqueue("ignoring")
		n.want(id, backend.Running)
		begun := time.Now()
		n.stop()
		if took := time.Since(begun); took != 6*time.Second {
			t.Errorf("the stop took %v", took)
		}
		n.start() // the first run has not ended
		if job := n.want(id, backend.Running); job.Starts != 2 || job.Attempt != 1 {
			t.Errorf("the job is %+v", job)
		}
		close(release)
		if job := n.want(id, backend.Retryable); job.Attempt != 1 || job.Starts != 2 {
			t.Errorf("at the end the job is %+v", job)
		}
	})
}

// A queue that cannot store that the worker stops delays no stop.
func TestDrainFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		q := &faultyQueue{Queue: b.Queue()}
		q.failDrain.Store(true)
		n := newNode(t, backendWithQueue{b, q}, worker.Config{Grace: time.Second}, lasting("long", time.Hour))
		n.start()
		n.want(n.enqueue("long"), backend.Running)
		begun := time.Now()
		n.stop()
		if took := time.Since(begun); took != time.Second {
			t.Errorf("the stop took %v", took)
		}
	})
}

// A Fetch that does not return ends with the context of the stop.
func TestStopDuringFetch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		n := newNode(t, backendWithQueue{b, hangingQueue{b.Queue()}}, worker.Config{Grace: time.Hour}, lasting("long", time.Hour))
		n.start()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		begun := time.Now()
		if err := n.API.Stop(ctx); err != nil {
			t.Error(err)
		}
		if took := time.Since(begun); took != 300*time.Millisecond {
			t.Errorf("the stop took %v", took)
		}
	})
}

// hangingQueue has a Fetch that returns when its context ends.
type hangingQueue struct{ backend.Queue }

func (hangingQueue) Fetch(ctx context.Context, _ backend.FetchRequest) ([]backend.Job, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// A job that is cancelled while the stop waits for it ends as cancelled and is not requeued.
func TestCancelDuringStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, worker.Config{}, lasting("long", time.Hour))
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
		if err := n.Config().Backend.Open(t.Context(), backend.Node{ID: "node"}); err != nil {
			t.Fatal(err)
		}
		n.want(id, backend.Cancelled)
		if err := n.Config().Backend.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

// If the start of the API fails, no goroutine of the worker remains: goleak checks it.
func TestFailedStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, nil, worker.Config{}, task("it", func(context.Context) error { return nil }))
		n.Add(failingStart{})
		if err := n.API.Start(t.Context()); !errors.Is(err, errFailed) {
			t.Errorf("Start = %v", err)
		}
	})
}

type failingStart struct{}

func (failingStart) Start(context.Context) error { return errFailed }
func (failingStart) Stop(context.Context) error  { return nil }
