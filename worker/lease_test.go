package worker_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/worker"
)

// startWithOutage starts a node with a lease of 1 s whose queue cannot renew leases from 0.1 s to 1.6 s.
func startWithOutage(t *testing.T, cfg worker.Config, it actionhero.Task[actionhero.None]) (*node, uint64) {
	t.Helper()
	b := newBackend()
	q := &faultyQueue{Queue: b.Queue()}
	cfg.Lease = time.Second
	n := newNode(t, backendWithQueue{b, q}, cfg, it)
	n.start()
	id := n.enqueue(it.Name)
	time.AfterFunc(100*time.Millisecond, func() { q.failRenew.Store(true) })
	time.AfterFunc(1600*time.Millisecond, func() { q.failRenew.Store(false) })
	return n, id
}

// A run that lost its lease never ends another run of the same job, and an outage of the queue never makes a job dead
// whose runs succeed.
func TestAnswersAboutOneRunNeverReachAnother(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		runs := newRecorder()
		n, id := startWithOutage(t, worker.Config{}, task("long", func(ctx context.Context) error {
			fence := actionhero.RequestFrom(ctx).Job.Fence
			time.Sleep(5 * time.Second)
			runs.add(fmt.Sprintf("run %d: %t, %t", fence, ctx.Err() != nil, context.Cause(ctx) == actionhero.ErrJobLost))
			return nil
		}))
		time.Sleep(time.Minute)
		if job := n.want(id, backend.Completed); job.Crashes != 0 || job.Starts != 2 || job.Attempt != 1 {
			t.Errorf("the job is %+v", job)
		}
		if diff := cmp.Diff([]string{"run 1: true, true", "run 2: false, false"}, runs.all()); diff != "" {
			t.Errorf("the runs (-want +got):\n%s", diff)
		}
	})
}

// A late renewal never ends a job as cancelled, and a run that fails because its lease is lost costs no attempt.
func TestALateRenewalCancelsNoJob(t *testing.T) {
	t.Parallel()
	for _, workers := range []int{1, 2} {
		synctest.Test(t, func(t *testing.T) {
			n, id := startWithOutage(t, worker.Config{Workers: workers}, lasting("long", 5*time.Second))
			time.Sleep(time.Minute)
			if job := n.want(id, backend.Completed); job.Error != "" || job.Crashes != 0 || job.Starts != 2 || job.Attempt != 1 {
				t.Errorf("with %d workers the job is %+v", workers, job)
			}
		})
	}
}

// Renew tells a worker of a cancellation of which no callback told it.
func TestCancelByRenewal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		n := newNode(t, backendWithQueue{b, deafQueue{b.Queue()}}, worker.Config{Lease: 3 * time.Second}, lasting("long", time.Hour))
		n.start()
		id := n.enqueue("long")
		n.want(id, backend.Running)
		if _, err := n.Tasks.Cancel(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		n.want(id, backend.Running)
		time.Sleep(time.Second)
		n.want(id, backend.Cancelled)
	})
}

// deafQueue calls no callback of OnCancel.
type deafQueue struct{ backend.Queue }

func (deafQueue) OnCancel(func(backend.Run)) (stop func()) { return func() {} }

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
