package backendtest

import (
	"fmt"
	"sync"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/actionhero-go/actionhero/backend"
)

// setLastRun checks that SetLastRun moves the last run of a schedule forward and back, and that EnqueueScheduled uses
// the new last run.
func setLastRun(t *tester) {
	q := t.open().Queue()
	noon := time.Now().Truncate(time.Second).Add(-3 * time.Hour) // no time here is ahead of the clock
	set := func(before, at time.Time, want bool) {
		t.Helper()
		if done, err := q.SetLastRun(t.ctx, "daily", before, at); err != nil || done != want {
			t.Errorf("SetLastRun from %v to %v = %t, %v, want %t", before, at, done, err, want)
		}
	}
	enqueue := func(at time.Time, want bool) {
		t.Helper()
		if won, err := q.EnqueueScheduled(t.ctx, "daily", at, backend.NewJob{Task: "a"}); err != nil || won != want {
			t.Errorf("EnqueueScheduled at %v = %t, %v, want %t", at, won, err, want)
		}
	}
	set(noon, noon, false) // the schedule never ran
	set(time.Time{}, noon, true)
	set(time.Time{}, noon, false)
	enqueue(noon, false)
	enqueue(noon.Add(time.Hour), true)
	set(noon, noon.Add(2*time.Hour), false)
	set(noon.Add(time.Hour), noon.Add(-time.Hour), true)
	enqueue(noon.Add(-time.Hour), false)
	enqueue(noon, true)
	t.wantTotal(q, backend.Counts{Available: 2})
	last, err := q.LastRuns(t.ctx)
	t.must(err)
	if !last["daily"].Equal(noon) || len(last) != 1 {
		t.Errorf("LastRuns = %v, want %v", last, noon)
	}
}

// manySchedules checks that a new schedule never fails because of old ones, and that the newest last runs are kept.
func manySchedules(t *tester) {
	q := t.open().Queue()
	const schedules, at = 10_100, 1_000_000
	var wg sync.WaitGroup
	for n := range 50 {
		wg.Go(func() {
			for i := n; i < schedules; i += 50 {
				if won, err := q.EnqueueScheduled(t.ctx, fmt.Sprint("schedule ", i), time.UnixMilli(int64(at+i))); err != nil || !won {
					t.Errorf("EnqueueScheduled of schedule %d = %t, %v", i, won, err)
					return
				}
			}
		})
	}
	wg.Wait()
	if done, err := q.SetLastRun(t.ctx, "one more", time.Time{}, time.UnixMilli(at+schedules)); err != nil || !done {
		t.Errorf("SetLastRun of a new schedule = %t, %v", done, err)
	}
	last, err := q.LastRuns(t.ctx)
	t.must(err)
	for i := schedules - 900; i < schedules; i++ {
		if name := fmt.Sprint("schedule ", i); !last[name].Equal(time.UnixMilli(int64(at + i))) {
			t.Errorf("the last run of schedule %d is %v", i, last[name])
		}
	}
	if len(last) > 10_050*max(t.h.Shards, 1) {
		t.Errorf("the last runs of %d schedules are kept", len(last))
	}
}

// taskStats checks that Stats counts the jobs of each task by state.
func taskStats(t *tester) {
	q := t.open().Queue()
	want := func(counts map[string]backend.Counts) {
		t.Helper()
		stats, err := q.Stats(t.ctx)
		t.must(err)
		if diff := cmp.Diff(counts, stats.Tasks); diff != "" {
			t.Errorf("the tasks (-want +got):\n%s", diff)
		}
	}
	want(map[string]backend.Counts{})
	ids := t.enqueue(q, backend.NewJob{Task: "a"}, backend.NewJob{Task: "a", Delay: time.Hour}, backend.NewJob{Task: "b", Delay: time.Hour})
	t.finish(q, backend.Outcome{Run: t.fetchOne(q, ids[0]).Run(), State: backend.Completed})
	want(map[string]backend.Counts{"a": {Completed: 1, Scheduled: 1}, "b": {Scheduled: 1}})
	t.must(q.Delete(t.ctx, ids[2]))
	t.enqueue(q, backend.NewJob{Task: "c"})
	want(map[string]backend.Counts{"a": {Completed: 1, Scheduled: 1}, "c": {Available: 1}})
}
