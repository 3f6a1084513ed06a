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

// A task is run with its input, its request and its job, inside the middleware.
func TestRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		notes := newDiary()
		var seen *actionhero.Request
		mail := actionhero.Task[mailInput]{
			Name: "mail", Queue: "post",
			Middleware: []actionhero.Middleware{func(next actionhero.Handler) actionhero.Handler {
				return func(ctx context.Context, req *actionhero.Request) (any, error) {
					notes.note("own " + req.Params.Get("to"))
					return next(ctx, req)
				}
			}},
			Run: func(ctx context.Context, in mailInput) error {
				notes.note("run " + in.To)
				seen = actionhero.RequestFrom(ctx)
				return nil
			},
		}
		n := start(t, worker.Config{Node: "here"}, mail)
		n.Use(func(next actionhero.Handler) actionhero.Handler {
			return func(ctx context.Context, req *actionhero.Request) (any, error) {
				notes.note("api " + req.Transport)
				return next(ctx, req)
			}
		})
		added, err := mail.Enqueue(t.Context(), n.API, mailInput{To: "ann@example.com"})
		if err != nil {
			t.Fatal(err)
		}
		job := n.want(added.ID, backend.Completed)
		if diff := cmp.Diff([]string{"api task", "own ann@example.com", "run ann@example.com"}, notes.all()); diff != "" {
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

// A task that fails is run again after its Backoff until it succeeds.
func TestRetry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		notes := newDiary()
		flaky := task("flaky", func(context.Context) error {
			if notes.note("run") < 4 {
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
		if diff := cmp.Diff([]time.Duration{0, time.Minute, 3 * time.Minute, 6 * time.Minute}, notes.when(), near); diff != "" {
			t.Errorf("the times (-want +got):\n%s", diff)
		}
	})
}

// near compares times to a few milliseconds.
var near = cmp.Comparer(func(a, b time.Duration) bool { return (a - b).Abs() < 5*time.Millisecond })

func TestEnds(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		run   func(ctx context.Context) error
		limit int
		state backend.State
		error string // what the job's error begins with
	}{
		"dead at once":   {func(context.Context) error { return errFailed }, 1, backend.Dead, "it failed"},
		"with a code":    {func(context.Context) error { return actionhero.Errorf(actionhero.CodeNotFound, "no user %d", 7) }, 1, backend.Dead, "no user 7"},
		"panic":          {func(context.Context) error { panic("oh no") }, 1, backend.Dead, "panic: oh no\n"},
		"cancels itself": {func(context.Context) error { return actionhero.CancelJob(errFailed) }, 9, backend.Cancelled, "it failed"},
		"cancels, coded": {func(context.Context) error {
			return actionhero.CancelJob(actionhero.Errorf(actionhero.CodeNotFound, "gone"))
		}, 9, backend.Cancelled, "gone"},
		"cancels, no word": {func(context.Context) error { return actionhero.CancelJob(nil) }, 9, backend.Cancelled, "the task ended it"},
		"snoozes":          {func(context.Context) error { return actionhero.SnoozeJob(time.Hour) }, 1, backend.Scheduled, ""},
		"too long":         {func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, 1, backend.Dead, "context deadline exceeded"},
		"no limit":         {func(context.Context) error { return errFailed }, -1, backend.Retryable, "it failed"},
		"ends its goroutine": {func(context.Context) error { runtime.Goexit(); return nil }, 5, backend.Retryable,
			"the task ended its goroutine"},
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
				if name == "panic" && !strings.Contains(job.Error, "run_test.go") {
					t.Errorf("the error has no stack: %s", job.Error)
				}
				if name == "snoozes" && (job.Attempt != 0 || job.RunAt.Sub(job.Started) < time.Hour) {
					t.Errorf("a job that snoozes is %+v", job)
				}
				n.want(n.enqueue("next"), backend.Completed) // and the worker is there for others
			})
		})
	}
}

// The declaration is asked for what the options do not say, and the worker for what neither says.
func TestTimeouts(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		worker, task, option, want time.Duration
	}{
		"default":      {0, 0, 0, 30 * time.Minute},
		"of worker":    {time.Minute, 0, 0, time.Minute},
		"of task":      {time.Minute, time.Hour, 0, time.Hour},
		"none at all":  {-1, 0, 0, 0},
		"task, none":   {time.Minute, -1, 0, 0},
		"of the job":   {time.Minute, time.Hour, 2 * time.Hour, 2 * time.Hour},
		"job, no task": {time.Minute, -1, time.Second, time.Second},
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
					t.Errorf("it may take %v, want %v", left, tt.want)
				}
			})
		})
	}
}

func TestCancelJobs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var cause error
		slow := task("slow", func(ctx context.Context) error {
			<-ctx.Done()
			cause = context.Cause(ctx)
			return errFailed
		})
		stubborn := task("stubborn", func(ctx context.Context) error { <-ctx.Done(); return nil })
		n := start(t, worker.Config{Workers: 2}, slow, stubborn)
		one, two := n.enqueue("slow"), n.enqueue("stubborn")
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
		n.want(two, backend.Completed) // it was done all the same
		time.Sleep(48 * time.Hour)
		if stats, err := n.Tasks.Stats(t.Context()); err != nil || stats.Total.Running+stats.Total.Available+stats.Total.Scheduled+stats.Total.Retryable > 0 {
			t.Errorf("left are %+v, %v", stats.Total, err)
		}
	})
}

// No more run at a time than there are workers, and no fewer.
func TestWorkers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const workers, jobs = 7, 100
		var now, most atomic.Int32
		n := start(t, worker.Config{Workers: workers}, task("it", func(context.Context) error {
			most.Store(max(most.Load(), now.Add(1)))
			defer now.Add(-1)
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
			t.Errorf("%d ran at a time, and all took %v", most.Load(), took)
		}
	})
}

// Of two queues with much to do, the heavier one comes first more often; the lighter one is not forgotten.
func TestWeights(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		notes := newDiary()
		heavy, light, other := task("heavy", nil), task("light", nil), task("other", nil)
		heavy.Queue, light.Queue, other.Queue = "heavy", "light", "other"
		for _, it := range []*actionhero.Task[actionhero.None]{&heavy, &light, &other} {
			it.Run = func(context.Context, actionhero.None) error { notes.note(it.Name); return nil }
		}
		n := newNode(t, nil, worker.Config{Workers: 1, Queues: map[string]int{"heavy": 9, "light": 1}}, heavy, light, other)
		if err := n.Config().Backend.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 1000 {
			n.enqueue("heavy")
			n.enqueue("light")
		}
		lost := n.enqueue("other")
		if err := n.Config().Backend.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		n.start()
		synctest.Wait()
		first := notes.all()[:1000]
		if n := len(slices.DeleteFunc(first, func(name string) bool { return name == "light" })); n < 850 || n > 950 {
			t.Errorf("of the first 1000 runs %d are of the queue with the weight 9 of 10", n)
		}
		if total := len(notes.all()); total != 2000 {
			t.Errorf("%d tasks ran", total)
		}
		n.want(lost, backend.Available) // nobody serves its queue
	})
}

// A job whose task nobody has registered is kept and tried again: the next version of the app may know it.
func TestUnknownTask(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, worker.Config{})
		added, err := n.Config().Backend.Queue().Enqueue(t.Context(), backend.NewJob{Task: "ghost", MaxAttempts: 3})
		if err != nil {
			t.Fatal(err)
		}
		if job := n.want(added[0].ID, backend.Retryable); job.Error != "ghost is not a known task." {
			t.Errorf("the job is %+v", job)
		}
		var ran sync.WaitGroup
		ran.Add(1)
		if err := n.Register(task("ghost", func(context.Context) error { ran.Done(); return nil })); err != nil {
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
		"tasks.lease is 1ms: it must be a second or more, or negative for never":         {Lease: time.Millisecond},
		`tasks.queues gives "a" the weight 0: it must be from 1 to 1000000`:              {Queues: map[string]int{"a": 0}},
		`tasks.queues has the name "" of 0 bytes: a queue has a name of 1 to 1024 bytes`: {Queues: map[string]int{"": 1}},
	} {
		n := newNode(t, nil, cfg)
		if err := n.API.Start(t.Context()); err == nil || err.Error() != want {
			t.Errorf("Start = %v, want %s", err, want)
		}
	}
}

// A worker that is off runs nothing, and what is enqueued waits.
func TestOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, worker.Config{Enable: new(false)}, task("it", func(context.Context) error { return nil }))
		id := n.enqueue("it")
		time.Sleep(time.Hour)
		n.want(id, backend.Available)
	})
}
