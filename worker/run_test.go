package worker_test

import (
	"context"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/worker"
)

type mailInput struct {
	To    string `json:"to" required:"true" format:"email"`
	Times int    `json:"times" default:"1"`
}

// A task runs inside the middleware, with its input, its request and its job.
func TestRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		events := newRecorder()
		var seen *actionhero.Request
		mail := actionhero.Task[mailInput]{
			Name: "mail", Queue: "post",
			Middleware: []actionhero.Middleware{func(next actionhero.Handler) actionhero.Handler {
				return func(ctx context.Context, req *actionhero.Request) (any, error) {
					events.add("task middleware " + req.Params.Get("to"))
					return next(ctx, req)
				}
			}},
			Run: func(ctx context.Context, in mailInput) error {
				events.add("run " + in.To)
				seen = actionhero.RequestFrom(ctx)
				return nil
			},
		}
		n := start(t, worker.Config{Node: "here"}, mail)
		n.Use(func(next actionhero.Handler) actionhero.Handler {
			return func(ctx context.Context, req *actionhero.Request) (any, error) {
				events.add("api middleware " + req.Transport)
				return next(ctx, req)
			}
		})
		added, err := mail.Enqueue(t.Context(), n.API, mailInput{To: "ann@example.com"})
		if err != nil {
			t.Fatal(err)
		}
		job := n.want(added.ID, backend.Completed)
		if diff := cmp.Diff([]string{"api middleware task", "task middleware ann@example.com", "run ann@example.com"}, events.all()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if seen.API != n.API || seen.Transport != "task" || seen.Action != "mail" || seen.Job.ID != added.ID || seen.Job.Attempt != 1 {
			t.Errorf("the request is for %s over %s, of %+v", seen.Action, seen.Transport, seen.Job)
		}
		if job.Queue != "post" || job.Node != "here" || job.Attempt != 1 || job.Error != "" {
			t.Errorf("the job is %+v", job)
		}
	})
}

// A task that fails runs again after its Backoff, until it succeeds.
func TestRetry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		runs := newRecorder()
		flaky := task("flaky", func(context.Context) error {
			if runs.add("run") < 4 {
				return errFailed
			}
			return nil
		})
		flaky.Backoff = func(attempt int) time.Duration { return time.Duration(attempt) * time.Minute }
		n := start(t, worker.Config{}, flaky)
		id := n.enqueue("flaky")
		job := n.want(id, backend.Retryable)
		if job.Error != "it failed" || job.Attempt != 1 {
			t.Errorf("after the first failure the job is %+v", job)
		}
		time.Sleep(time.Hour)
		if job = n.want(id, backend.Completed); job.Attempt != 4 {
			t.Errorf("it took %d attempts", job.Attempt)
		}
		if diff := cmp.Diff([]time.Duration{0, time.Minute, 3 * time.Minute, 6 * time.Minute}, runs.times(), near); diff != "" {
			t.Errorf("the times (-want +got):\n%s", diff)
		}
	})
}

// near compares durations with a tolerance of 5 ms.
var near = cmp.Comparer(func(a, b time.Duration) bool { return (a - b).Abs() < 5*time.Millisecond })

// Each way in which a run can end gives the job its state and error, and leaves the worker able to run the next job.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		run   func(ctx context.Context) error
		limit int
		state backend.State
		error string // the prefix of the job's error
	}{
		"last attempt fails": {func(context.Context) error { return errFailed }, 1, backend.Dead, "it failed"},
		"error with a code":  {func(context.Context) error { return actionhero.Errorf(actionhero.CodeNotFound, "no user %d", 7) }, 1, backend.Dead, "no user 7"},
		"panics":             {func(context.Context) error { panic("oh no") }, 1, backend.Dead, "panic: oh no\n"},
		"cancels":            {func(context.Context) error { return actionhero.CancelJob(errFailed) }, 9, backend.Cancelled, "it failed"},
		"cancels with a code": {func(context.Context) error {
			return actionhero.CancelJob(actionhero.Errorf(actionhero.CodeNotFound, "gone"))
		}, 9, backend.Cancelled, "gone"},
		"cancels without an error": {func(context.Context) error { return actionhero.CancelJob(nil) }, 9, backend.Cancelled, "the task ended it"},
		"snoozes":                  {func(context.Context) error { return actionhero.SnoozeJob(time.Hour) }, 1, backend.Scheduled, ""},
		"exceeds its timeout":      {func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, 1, backend.Dead, "context deadline exceeded"},
		"unlimited attempts":       {func(context.Context) error { return errFailed }, -1, backend.Retryable, "it failed"},
		"calls Goexit in its last attempt": {func(context.Context) error { runtime.Goexit(); return nil }, 1, backend.Dead,
			"the action or task ended its goroutine"},
		"calls Goexit": {func(context.Context) error { runtime.Goexit(); return nil }, 5, backend.Retryable,
			"the action or task ended its goroutine"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				it := task("it", tt.run)
				it.Timeout = time.Second
				n := start(t, worker.Config{Workers: 1}, it, task("next", func(context.Context) error { return nil }))
				id := n.enqueue("it", actionhero.WithMaxAttempts(tt.limit))
				time.Sleep(1500 * time.Millisecond)
				if tt.limit == -1 {
					time.Sleep(100 * time.Hour)
				}
				job := n.want(id, tt.state)
				if !strings.HasPrefix(job.Error, tt.error) || tt.error == "" && job.Error != "" {
					t.Errorf("the error is %q, want %q", job.Error, tt.error)
				}
				if name == "panics" && !strings.Contains(job.Error, "run_test.go") {
					t.Errorf("the error has no stack: %s", job.Error)
				}
				if name == "snoozes" && (job.Attempt != 0 || job.RunAt.Sub(job.Started) < time.Hour) {
					t.Errorf("a job that snoozes is %+v", job)
				}
				n.want(n.enqueue("next"), backend.Completed) // the worker still runs jobs
			})
		})
	}
}

// A job that may run without a limit never runs in a tight loop.
func TestNoTightLoop(t *testing.T) {
	t.Parallel()
	for name, result := range map[string]error{"snooze": actionhero.SnoozeJob(0), "negative snooze": actionhero.SnoozeJob(-time.Hour), "failure": errFailed} {
		synctest.Test(t, func(t *testing.T) {
			runs := newRecorder()
			it := task("it", func(context.Context) error { runs.add("run"); return result })
			it.Backoff, it.MaxAttempts = actionhero.Constant(0), -1
			n := start(t, worker.Config{}, it)
			n.enqueue("it")
			time.Sleep(10 * time.Second)
			if n := len(runs.all()); n < 50 || n > 101 {
				t.Errorf("%s: the task ran %d times in 10 s", name, n)
			}
		})
	}
}

// The timeout of the options overrides the task's, which overrides the worker's.
func TestTimeouts(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		worker, task, option, want time.Duration
	}{
		"default":                   {0, 0, 0, 30 * time.Minute},
		"worker":                    {time.Minute, 0, 0, time.Minute},
		"task":                      {time.Minute, time.Hour, 0, time.Hour},
		"worker without a limit":    {-1, 0, 0, 0},
		"task without a limit":      {time.Minute, -1, 0, 0},
		"job":                       {time.Minute, time.Hour, 2 * time.Hour, 2 * time.Hour},
		"job, task without a limit": {time.Minute, -1, time.Second, time.Second},
		"job without a limit":       {time.Minute, time.Hour, -1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var left time.Duration
				it := task("it", func(ctx context.Context) error {
					if deadline, ok := ctx.Deadline(); ok {
						left = time.Until(deadline)
					}
					return nil
				})
				it.Timeout = tt.task
				n := start(t, worker.Config{Timeout: tt.worker}, it)
				n.want(n.enqueue("it", actionhero.WithTimeout(tt.option)), backend.Completed)
				if left != tt.want {
					t.Errorf("the timeout is %v, want %v", left, tt.want)
				}
			})
		})
	}
}

// Cancel ends a waiting job at once and cancels the context of a running one, which may still complete.
func TestCancelJobs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var cause error
		slow := task("slow", func(ctx context.Context) error {
			<-ctx.Done()
			cause = context.Cause(ctx)
			return errFailed
		})
		completes := task("completes", func(ctx context.Context) error { <-ctx.Done(); return nil })
		n := start(t, worker.Config{Workers: 2}, slow, completes)
		one, two := n.enqueue("slow"), n.enqueue("completes")
		waiting, later := n.enqueue("slow"), n.enqueue("slow", actionhero.After(time.Hour))
		n.want(one, backend.Running)
		for _, id := range []uint64{waiting, later} {
			if job, err := n.Tasks.Cancel(t.Context(), id); err != nil || job.State != backend.Cancelled {
				t.Errorf("a waiting job is %v, %v", job.State, err)
			}
		}
		for _, id := range []uint64{one, two} {
			if job, err := n.Tasks.Cancel(t.Context(), id); err != nil || job.State != backend.Running {
				t.Errorf("a running job is %v, %v", job.State, err)
			}
		}
		if job := n.want(one, backend.Cancelled); cause == nil || cause.Error() != "the job was cancelled" || job.Error != "it failed" {
			t.Errorf("the cause is %v, the job %+v", cause, job)
		}
		n.want(two, backend.Completed) // it returned nil after the cancel
		time.Sleep(48 * time.Hour)
		if stats, err := n.Tasks.Stats(t.Context()); err != nil || stats.Total.Running+stats.Total.Available+stats.Total.Scheduled+stats.Total.Retryable > 0 {
			t.Errorf("the jobs are %+v, %v", stats.Total, err)
		}
	})
}

// If enough jobs are due, as many run at a time as there are workers.
func TestWorkers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const workers, jobs = 7, 100
		var current, most atomic.Int32
		n := start(t, worker.Config{Workers: workers}, task("it", func(context.Context) error {
			most.Store(max(most.Load(), current.Add(1)))
			defer current.Add(-1)
			time.Sleep(time.Second)
			return nil
		}))
		begun := time.Now()
		for range jobs {
			n.enqueue("it")
		}
		for stats := (actionhero.JobStats{}); stats.Total.Completed < jobs; stats, _ = n.Tasks.Stats(t.Context()) {
			time.Sleep(100 * time.Millisecond)
		}
		if took := time.Since(begun); most.Load() != workers || took > (jobs/workers+2)*time.Second {
			t.Errorf("at most %d ran at a time, and all jobs took %v", most.Load(), took)
		}
	})
}

// If two queues have due jobs, the one of greater weight comes first more often, and both become empty. A queue that
// Queues does not name is not fetched from.
func TestWeights(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		runs := newRecorder()
		heavy, light, other := task("heavy", nil), task("light", nil), task("other", nil)
		heavy.Queue, light.Queue, other.Queue = "heavy", "light", "other"
		for _, it := range []*actionhero.Task[actionhero.None]{&heavy, &light, &other} {
			it.Run = func(context.Context, actionhero.None) error { runs.add(it.Name); return nil }
		}
		n := newNode(t, nil, worker.Config{Workers: 1, Queues: map[string]int{"heavy": 9, "light": 1}}, heavy, light, other)
		if err := n.Config().Backend.Open(t.Context(), backend.Node{ID: "node"}); err != nil {
			t.Fatal(err)
		}
		for range 1000 {
			n.enqueue("heavy")
			n.enqueue("light")
		}
		unserved := n.enqueue("other")
		if err := n.Config().Backend.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		n.start()
		synctest.Wait()
		first := runs.all()[:1000]
		if n := len(slices.DeleteFunc(first, func(name string) bool { return name == "light" })); n < 850 || n > 950 {
			t.Errorf("%d of the first 1000 runs are of the queue with the weight 9 of 10, want about 900", n)
		}
		if total := len(runs.all()); total != 2000 {
			t.Errorf("%d tasks ran", total)
		}
		n.want(unserved, backend.Available)
	})
}

// A job whose task is not registered is retried, because the next version of the app may register it.
func TestUnknownTask(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, worker.Config{})
		added, err := n.Config().Backend.Queue().Enqueue(t.Context(), backend.NewJob{Task: "unregistered", MaxAttempts: 3})
		if err != nil {
			t.Fatal(err)
		}
		if job := n.want(added[0].ID, backend.Retryable); job.Error != "unregistered is not a known task." {
			t.Errorf("the job is %+v", job)
		}
		var ran sync.WaitGroup
		ran.Add(1)
		if err := n.Register(task("unregistered", func(context.Context) error { ran.Done(); return nil })); err != nil {
			t.Fatal(err)
		}
		ran.Wait()
		n.want(added[0].ID, backend.Completed)
	})
}

func TestSettings(t *testing.T) {
	t.Parallel()
	for want, cfg := range map[string]worker.Config{
		"tasks.workers is -1: it must be from 1 to 100000, or 0 for the default":         {Workers: -1},
		`tasks.queues gives "a" the weight 0: it must be from 1 to 1000000`:              {Queues: map[string]int{"a": 0}},
		`tasks.queues has the name "" of 0 bytes: a queue has a name of 1 to 1024 bytes`: {Queues: map[string]int{"": 1}},
	} {
		n := newNode(t, nil, cfg)
		if err := n.API.Start(t.Context()); err == nil || err.Error() != want {
			t.Errorf("Start = %v, want %s", err, want)
		}
	}
}

// If the worker is disabled, enqueued jobs wait.
func TestDisabled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, worker.Config{Enable: new(false)}, task("it", func(context.Context) error { return nil }))
		id := n.enqueue("it")
		time.Sleep(time.Hour)
		n.want(id, backend.Available)
	})
}
