//go:build unix

package redis

import (
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/testkit/basics"
	"github.com/actionhero-go/actionhero/internal/testkit/redistest"
)

// A failover loses jobs that one node has enqueued, and their runs on another node. That node meets the new server first,
// when the jobs are not there yet.
func TestOutcomesWaitForTheJobsOfAnotherNode(t *testing.T) {
	onEachFlavor(t, func(tt *testing.T, f redistest.Flavor) {
		config := at(f.Shared(tt))
		config.Prefix = redistest.Prefix()
		a, b := openQueue(tt, config), openQueue(tt, config)
		a.enqueue(backend.NewJob{Task: "before"})
		b.finish(b.fetch(1)[0].Run(), backend.Completed)
		failover := a.snapshot()
		a.enqueue(backend.NewJob{Task: "completed"}, backend.NewJob{Task: "running"}, backend.NewJob{Task: "ending"}, backend.NewJob{Task: "waiting"})
		started := b.fetch(3)
		b.finish(started[0].Run(), backend.Completed)
		failover()
		if err := b.q.shards[0].beatNow(tt.Context()); err != nil {
			tt.Fatal(err)
		}
		b.finish(started[2].Run(), backend.Completed) // it waits until a has sent the job
		b.wantState(started[0].ID, backend.Completed)
		b.wantState(started[2].ID, backend.Completed)
		var jobs []backend.Job
		basics.Eventually(tt, "the queue has settled", func() bool { jobs = append(jobs, a.fetch(10)...); return len(jobs) > 0 })
		if len(jobs) != 1 || jobs[0].Task != "waiting" {
			tt.Errorf("after the failover %+v start", jobs)
		}
		if j := b.wantState(started[1].ID, backend.Running); j.Fence != started[1].Fence || j.Crashes != 0 {
			tt.Errorf("the run %+v is %+v now", started[1].Run(), j)
		}
		b.finish(started[1].Run(), backend.Completed)
	})
}

// A failover loses a tick. The node that has won it remembers it, and no other node wins it again.
func TestATickThatAFailoverLosesIsNotWonAgain(t *testing.T) {
	onEachFlavor(t, func(tt *testing.T, f redistest.Flavor) {
		config := at(f.Shared(tt))
		config.Prefix = redistest.Prefix()
		a, b := openQueue(tt, config), openQueue(tt, config)
		due := time.Now().Truncate(time.Second)
		tick := func(t *queueTest, at time.Time) bool {
			won, err := t.q.EnqueueScheduled(tt.Context(), "schedule", at, backend.NewJob{Task: "tick"})
			if err != nil {
				tt.Fatal(err)
			}
			return won
		}
		if !tick(b, due.Add(-time.Second)) {
			tt.Fatal("the first tick is not won")
		}
		failover := a.snapshot()
		if !tick(a, due) {
			tt.Fatal("the second tick is not won")
		}
		failover()
		if tick(b, due) {
			tt.Error("after the failover, another node wins the tick again")
		}
		basics.Eventually(tt, "the queue has settled", func() bool { return len(a.fetch(1)) == 1 })
		if jobs := a.fetch(10); len(jobs) != 1 {
			tt.Errorf("the second tick has %d jobs", len(jobs))
		}
	})
}

// A second failover comes before the node that has enqueued a job has met the first new server.
func TestTwoFailoversInARowLoseNoJob(t *testing.T) {
	onEachFlavor(t, func(tt *testing.T, f redistest.Flavor) {
		config := at(f.Shared(tt))
		config.Prefix = redistest.Prefix()
		a, b := openQueue(tt, config), openQueue(tt, config)
		a.enqueue(backend.NewJob{Task: "before", Delay: time.Hour})
		failover := a.snapshot()
		id := a.enqueue(backend.NewJob{Task: "lost", Delay: time.Hour})[0]
		resume, err := a.pauseSettling(tt)
		if err != nil {
			tt.Fatal(err)
		}
		failover()
		for range 2 {
			if err := b.q.shards[0].beatNow(tt.Context()); err != nil {
				tt.Fatal(err)
			}
			b.do("HSET", b.q.shards[0].keys[0], "rid", "another former master")
		}
		resume()
		basics.Eventually(tt, "the job is there again", func() bool { _, err := b.q.Get(tt.Context(), id); return err == nil })
	})
}

// pauseSettling keeps the node from settling until resume is called.
func (t *queueTest) pauseSettling(tt *testing.T) (resume func(), err error) {
	if err := t.q.shards[0].runs.changing.close(tt.Context()); err != nil {
		return nil, err
	}
	return t.q.shards[0].runs.changing.open, nil
}
