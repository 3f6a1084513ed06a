package worker_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/testkit/memcluster"
	"github.com/actionhero-go/actionhero/worker"
)

// aheadNode is a node of a cluster with two workers. Its task "work" runs at once, unless slow is true: then it blocks until
// open is closed.
type aheadNode struct {
	*node
	slow    atomic.Bool
	open    chan struct{}
	running atomic.Int32
	most    atomic.Int32
}

func newAheadNode(t *testing.T, net *memcluster.Net, id string) *aheadNode {
	a := &aheadNode{open: make(chan struct{})}
	work := task("work", func(ctx context.Context) error {
		now := a.running.Add(1)
		defer a.running.Add(-1)
		for most := a.most.Load(); now > most && !a.most.CompareAndSwap(most, now); most = a.most.Load() {
		}
		if a.slow.Load() {
			select {
			case <-a.open:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	a.node = newNode(t, net.Node(), worker.Config{Node: id, Workers: 2}, work)
	return a
}

// enqueueAll enqueues n jobs.
func (a *aheadNode) enqueueAll(n int) (ids []uint64) {
	for range n {
		ids = append(ids, a.enqueue("work"))
	}
	return ids
}

// states counts the jobs by state.
func (a *aheadNode) states(ids []uint64) map[backend.State]int {
	states := map[backend.State]int{}
	for _, id := range ids {
		states[a.job(id).State]++
	}
	return states
}

// warm runs short jobs, so that the worker fetches ahead.
func (a *aheadNode) warm() {
	a.t.Helper()
	ids := a.enqueueAll(100)
	synctest.Wait()
	if states := a.states(ids); states[backend.Completed] != len(ids) {
		a.t.Fatalf("the short jobs are %v", states)
	}
}

// TestJobsThatAreAheadWaitForTheirSlots fills the slots of a worker that fetches ahead. No more jobs run than it has slots. The
// jobs that wait longer than 20 ms go back, and then other nodes run them.
func TestJobsThatAreAheadWaitForTheirSlots(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		net := memcluster.New(t)
		a := newAheadNode(t, net, "a")
		a.start()
		a.warm()
		a.slow.Store(true)
		ids := a.enqueueAll(30)
		synctest.Wait()
		if states := a.states(ids); states[backend.Running] <= 2 || a.running.Load() != 2 || a.most.Load() > 2 {
			t.Fatalf("the worker with 2 slots runs %d, at most %d, and the jobs are %v", a.running.Load(), a.most.Load(), states)
		}
		time.Sleep(20 * time.Millisecond)
		synctest.Wait()
		if states := a.states(ids); states[backend.Running] != 2 || states[backend.Available] != 28 {
			t.Fatalf("after 20 ms the jobs are %v", states)
		}
		b := newAheadNode(t, net, "b")
		b.start()
		synctest.Wait()
		if states := a.states(ids); states[backend.Completed] != 28 {
			t.Errorf("beside a free node the jobs are %v", states)
		}
		close(a.open)
		synctest.Wait()
		for _, id := range ids {
			if j := a.job(id); j.State != backend.Completed || j.Attempt != 1 || j.Crashes != 0 {
				t.Errorf("the job is %+v", j)
			}
		}
	})
}

// TestAStopRequeuesTheJobsThatAreAhead stops a worker whose slots are taken.
func TestAStopRequeuesTheJobsThatAreAhead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAheadNode(t, memcluster.New(t), "a")
		a.start()
		a.warm()
		a.slow.Store(true)
		ids := a.enqueueAll(30)
		synctest.Wait()
		a.Worker.Stopping()
		synctest.Wait()
		if states := a.states(ids); states[backend.Running] != 2 || states[backend.Available] != 28 || a.most.Load() > 2 {
			t.Errorf("at the stop the jobs are %v", states)
		}
		close(a.open)
		synctest.Wait()
		if states := a.states(ids); states[backend.Completed] != 2 || states[backend.Available] != 28 {
			t.Errorf("after the stop the jobs are %v", states)
		}
	})
}

// TestACancelledJobThatIsAheadDoesNotStart cancels a job that was fetched and waits for its slot.
func TestACancelledJobThatIsAheadDoesNotStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAheadNode(t, memcluster.New(t), "a")
		a.start()
		a.warm()
		a.slow.Store(true)
		ids := a.enqueueAll(10)
		synctest.Wait()
		last := ids[len(ids)-1]
		if j, err := a.Tasks.Cancel(t.Context(), last); err != nil || j.State != backend.Running {
			t.Fatalf("Cancel = %v, %v", j.State, err)
		}
		a.slow.Store(false)
		close(a.open)
		a.want(last, backend.Cancelled)
		if states := a.states(ids); states[backend.Completed] != 9 {
			t.Errorf("the other jobs are %v", states)
		}
	})
}

// TestAWorkerWithoutOtherNodesFetchesNothingAhead has a backend without other nodes.
func TestAWorkerWithoutOtherNodesFetchesNothingAhead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &aheadNode{open: make(chan struct{})}
		block := task("work", func(ctx context.Context) error {
			if a.slow.Load() {
				<-a.open
			}
			return nil
		})
		a.node = start(t, worker.Config{Workers: 2}, block)
		a.warm()
		a.slow.Store(true)
		ids := a.enqueueAll(10)
		synctest.Wait()
		if states := a.states(ids); states[backend.Running] != 2 {
			t.Errorf("the jobs are %v", states)
		}
		close(a.open)
	})
}
