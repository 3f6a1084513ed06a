package worker_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/worker"
)

// stoppingQueue is a queue that tells the worker to stop runs, as the queue of a cluster does.
type stoppingQueue struct {
	backend.Queue

	mu   sync.Mutex
	runs []backend.Run
	stop func(backend.Run, backend.StopReason)
}

func (q *stoppingQueue) Fetch(ctx context.Context, req backend.FetchRequest) ([]backend.Job, error) {
	jobs, err := q.Queue.Fetch(ctx, req)
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range jobs {
		q.runs = append(q.runs, jobs[i].Run())
	}
	return jobs, err
}

func (q *stoppingQueue) OnStop(f func(backend.Run, backend.StopReason)) (stop func()) {
	q.stop = f
	return q.Queue.OnStop(f)
}

// stopAll tells the worker to stop all its runs.
func (q *stoppingQueue) stopAll(why backend.StopReason) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, run := range q.runs {
		q.stop(run, why)
		q.stop(run, why) // a queue may repeat a call
	}
}

// A run that is lost is cancelled, and its failure costs no attempt. A run of a task that must not overlap ends as soon
// as another node could start the job; another run goes on while the server of the cluster is away.
func TestLostRuns(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		why       backend.StopReason
		exclusive bool
		cause     error
	}{
		{backend.RunLost, false, actionhero.ErrJobLost},
		{backend.RunLost, true, actionhero.ErrJobLost},
		{backend.RunSilent, false, nil},
		{backend.RunSilent, true, actionhero.ErrJobLost},
		{backend.RunCancelled, false, actionhero.ErrJobCancelled},
	} {
		t.Run(fmt.Sprint(tt.why, " ", tt.exclusive), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				runs := newRecorder()
				it := task("it", func(ctx context.Context) error {
					if len(runs.all()) > 0 {
						return nil
					}
					select {
					case <-ctx.Done():
					case <-time.After(10 * time.Second):
					}
					runs.add(fmt.Sprint(context.Cause(ctx)))
					return context.Cause(ctx)
				})
				it.Exclusive = tt.exclusive
				b := newBackend()
				q := &stoppingQueue{Queue: b.Queue()}
				n := newNode(t, backendWithQueue{b, q}, worker.Config{}, it)
				n.start()
				id := n.enqueue("it")
				n.want(id, backend.Running)
				q.stopAll(tt.why)
				time.Sleep(time.Minute)
				if diff := cmp.Diff([]string{fmt.Sprint(tt.cause)}, runs.all()); diff != "" {
					t.Errorf("the cause (-want +got):\n%s", diff)
				}
				want := backend.Completed
				if tt.cause == actionhero.ErrJobCancelled {
					want = backend.Cancelled
				}
				if job := n.want(id, want); job.Attempt != 1 || job.Crashes != 0 {
					t.Errorf("the job is %+v", job)
				}
			})
		})
	}
}

// If an API has two workers, a cancellation reaches the runs of both. A task of ScopeAllNodes runs once for each node.
func TestTwoWorkers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		runs := newRecorder()
		everywhere := task("everywhere", func(ctx context.Context) error { runs.add(actionhero.RequestFrom(ctx).Job.Node); return nil })
		everywhere.Scope, everywhere.Frequency = actionhero.ScopeAllNodes, time.Minute
		slow, fast := lasting("slow", time.Hour), lasting("fast", time.Hour)
		slow.Queue, fast.Queue = "slow", "fast"
		n := newNode(t, nil, worker.Config{Queues: map[string]int{"slow": 1}}, everywhere, slow, fast)
		n.Add(worker.New(n.API, worker.Config{Queues: map[string]int{"fast": 1}}))
		n.start()
		ids := []uint64{n.enqueue("slow"), n.enqueue("fast")}
		for _, id := range ids {
			n.want(id, backend.Running)
			if _, err := n.Tasks.Cancel(t.Context(), id); err != nil {
				t.Fatal(err)
			}
			n.want(id, backend.Cancelled)
		}
		n.enqueue("everywhere")
		synctest.Wait()
		if got := runs.all(); len(got) != 1 {
			t.Errorf("after an enqueue the task ran on %v", got)
		}
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		if got := runs.all(); len(got) != 4 {
			t.Errorf("after three due times the task ran on %v", got)
		}
	})
}
