package backendtest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/google/go-cmp/cmp"
)

// outcomes checks Finish with the states Completed, Cancelled and Dead, and with invalid outcomes. It also checks that
// an outcome of an earlier run does not end the current run.
func outcomes(t *tester) {
	q := t.open().Queue()
	for _, state := range []backend.State{backend.Completed, backend.Cancelled, backend.Dead} {
		id := t.enqueue(q, backend.NewJob{Task: "a"})[0]
		j := t.fetchOne(q, id)
		t.finish(q, backend.Outcome{Run: j.Run(), State: state, Error: "why"})
		before := time.Now()
		j = t.wantState(q, id, state)
		t.wantBetween("Finished", j.Finished, j.Started, before)
		if j.Error != "why" || j.Attempt != 1 {
			t.Errorf("after a run ended as %v the job is %+v", state, j)
		}
		// A worker repeats Finish if the connection was lost before the answer came.
		if lost, err := q.Finish(t.ctx, backend.Outcome{Run: j.Run(), State: backend.Retryable}); err != nil || len(lost) > 0 {
			t.Errorf("a repeated Finish = %v, %v", lost, err)
		}
		t.wantState(q, id, state)
	}
	id := t.enqueue(q, backend.NewJob{Task: "a"})[0]
	run := t.fetchOne(q, id).Run()
	for _, state := range []backend.State{0, backend.Running, backend.Dead + 1} {
		if _, err := q.Finish(t.ctx, backend.Outcome{Run: run, State: state}); err == nil {
			t.Errorf("Finish with the state %v succeeds, want an error", state)
		}
	}
	t.wantState(q, id, backend.Running)
	// An outcome of an earlier run must not end the current run.
	t.finish(q, backend.Outcome{Run: run, State: backend.Available})
	t.fetchOne(q, id)
	unknown := backend.Run{ID: 1 << 40, Fence: 1}
	lost, err := q.Finish(t.ctx, backend.Outcome{Run: run, State: backend.Completed}, backend.Outcome{Run: unknown, State: backend.Completed})
	inAnyOrder := slices.Equal(lost, []backend.Run{run, unknown}) || slices.Equal(lost, []backend.Run{unknown, run})
	if err != nil || !inAnyOrder {
		t.Errorf("Finish of runs that ended = %v, %v", lost, err)
	}
	again := t.wantState(q, id, backend.Running).Run()
	if again.Fence <= run.Fence {
		t.Errorf("the second run has the fence %d, the first one %d", again.Fence, run.Fence)
	}
	long := strings.Repeat("ü", backend.MaxErrorBytes)
	t.finish(q, backend.Outcome{Run: again, State: backend.Dead, Error: long})
	if j := t.job(q, id); !strings.HasPrefix(long, j.Error) || len(j.Error) > backend.MaxErrorBytes || len(j.Error) < backend.MaxErrorBytes-4 {
		t.Errorf("an error of %d bytes is stored with %d bytes, or is a different one", len(long), len(j.Error))
	}
}

func uniqueJobs(t *tester) {
	q := t.open().Queue()
	job := backend.NewJob{Task: "a", Unique: "key"}
	id := t.enqueue(q, job)[0]
	exists := func(job backend.NewJob, want uint64) {
		t.Helper()
		added, err := q.Enqueue(t.ctx, job, backend.NewJob{Task: "free"})
		if err != nil || !added[0].Existing || added[0].ID != want || added[1].Existing {
			t.Fatalf("Enqueue with a held key = %+v, %v, want job %d", added, err, want)
		}
		t.must(q.Delete(t.ctx, added[1].ID))
	}
	exists(job, id)
	j := t.fetchOne(q, id)
	exists(job, id)
	t.finish(q, backend.Outcome{Run: j.Run(), State: backend.Retryable, Error: "again"})
	exists(job, id)
	j = t.fetchOne(q, id)
	t.finish(q, backend.Outcome{Run: j.Run(), State: backend.Dead})
	second := t.enqueue(q, job)[0] // the first job has finished
	_, err := q.Retry(t.ctx, id)
	t.wantError("Retry of a job whose key another job holds", err, backend.ErrDuplicate)
	t.must(q.Delete(t.ctx, second))
	if j, err := q.Retry(t.ctx, id); err != nil || j.State != backend.Available {
		t.Errorf("Retry = %v, %v", j.State, err)
	}
	exists(job, id)
	if _, err := q.Cancel(t.ctx, id); err != nil {
		t.Errorf("Cancel: %v", err)
	}
	twice, err := q.Enqueue(t.ctx, job, job)
	if err != nil || twice[0].Existing || !twice[1].Existing || twice[0].ID != twice[1].ID {
		t.Errorf("the same key twice in one Enqueue = %+v, %v", twice, err)
	}
}

func uniqueFor(t *tester) {
	q := t.open().Queue()
	const span = 80 * time.Millisecond
	job := backend.NewJob{Task: "a", Unique: "key", UniqueFor: span}
	before := time.Now()
	id := t.enqueue(q, job)[0]
	t.finish(q, backend.Outcome{Run: t.fetchOne(q, id).Run(), State: backend.Completed})
	for {
		asked := time.Now()
		added, err := q.Enqueue(t.ctx, job)
		t.must(err)
		if !added[0].Existing {
			if took := time.Since(before); took < span {
				t.Errorf("the key was free after %v, want at least %v", took, span)
			}
			id = added[0].ID
			break
		}
		if late := asked.Sub(before) - span; added[0].ID != id || late > t.h.Slack+waitLimit {
			t.Fatalf("job %d holds the key %v after its time, want job %d", added[0].ID, late, id)
		}
		time.Sleep(time.Millisecond)
	}
	t.must(q.Delete(t.ctx, id))
	id = t.enqueue(q, job)[0] // Delete frees the key
	if j := t.job(q, id); j.Unique != "key" || j.UniqueUntil.IsZero() {
		t.Errorf("the job is %+v", j)
	}
}

func listing(t *tester) {
	q := t.open().Queue()
	var ids []uint64
	for i := range 30 {
		ids = append(ids, t.enqueue(q, backend.NewJob{Task: fmt.Sprint("task ", i%2), Queue: fmt.Sprint("queue ", i%3), Delay: time.Duration(i%5) * time.Hour})...)
	}
	list := func(f backend.JobFilter) []uint64 {
		t.Helper()
		jobs, err := q.List(t.ctx, f)
		t.must(err)
		return idsOf(jobs)
	}
	want := func(keep func(i int) bool) (want []uint64) {
		for i, id := range ids {
			if keep(i) {
				want = append(want, id)
			}
		}
		return want
	}
	check := func(f backend.JobFilter, want []uint64) {
		t.Helper()
		if got := list(f); !slices.Equal(got, want) {
			t.Errorf("List(%+v) (-want +got):\n%s", f, cmp.Diff(want, got))
		}
		f.Newest = true
		slices.Reverse(want)
		if got := list(f); !slices.Equal(got, want) {
			t.Errorf("List(%+v) (-want +got):\n%s", f, cmp.Diff(want, got))
		}
	}
	if t.h.Shards > 1 {
		by := make(map[uint64]int, len(ids))
		for i, id := range ids {
			by[id] = i
		}
		slices.Sort(ids)
		unsorted := want
		want = func(keep func(i int) bool) []uint64 {
			return unsorted(func(i int) bool { return keep(by[ids[i]]) })
		}
	}
	check(backend.JobFilter{}, slices.Clone(ids))
	check(backend.JobFilter{Task: "task 1"}, want(func(i int) bool { return i%2 == 1 }))
	check(backend.JobFilter{Queue: "queue 2"}, want(func(i int) bool { return i%3 == 2 }))
	check(backend.JobFilter{States: []backend.State{backend.Available}}, want(func(i int) bool { return i%5 == 0 }))
	check(backend.JobFilter{States: []backend.State{backend.Running, backend.Scheduled}, Task: "task 0", Queue: "queue 0"},
		want(func(i int) bool { return i%5 != 0 && i%6 == 0 }))
	check(backend.JobFilter{Task: "nothing"}, nil)
	check(backend.JobFilter{States: []backend.State{backend.Dead}}, nil)
	for _, limit := range []int{1, 7, 29, 30} {
		for _, newest := range []bool{false, true} {
			var got []uint64
			f := backend.JobFilter{Limit: limit, Newest: newest}
			for page := list(f); len(page) > 0; page = list(f) {
				if len(page) > limit {
					t.Fatalf("List(%+v) returns %d jobs", f, len(page))
				}
				got = append(got, page...)
				f.After = page[len(page)-1]
			}
			want := slices.Clone(ids)
			if newest {
				slices.Reverse(want)
			}
			if !slices.Equal(got, want) {
				t.Errorf("pages of List(%+v) (-want +got):\n%s", f, cmp.Diff(want, got))
			}
		}
	}
	t.enqueue(q, slices.Repeat([]backend.NewJob{{Task: "more"}}, 200)...)
	if n := len(list(backend.JobFilter{})); n != 100 {
		t.Errorf("List without a limit returns %d jobs, want 100", n)
	}
}

func retrying(t *tester) {
	q := t.open().Queue()
	_, err := q.Retry(t.ctx, 1<<40)
	t.wantError("Retry of an unknown job", err, backend.ErrNotFound)
	id := t.enqueue(q, backend.NewJob{Task: "a", Delay: time.Hour, MaxAttempts: 1})[0]
	if j, err := q.Retry(t.ctx, id); err != nil || j.State != backend.Available {
		t.Errorf("Retry of a scheduled job = %v, %v", j.State, err)
	}
	for i := 1; i <= 3; i++ {
		run := t.fetchOne(q, id).Run()
		_, err := q.Retry(t.ctx, id)
		t.wantError("Retry of a running job", err, backend.ErrRunning)
		t.finish(q, backend.Outcome{Run: run, State: backend.Dead, Error: "no"})
		j, err := q.Retry(t.ctx, id)
		if err != nil || j.State != backend.Available || j.MaxAttempts != i+1 || !j.Finished.IsZero() {
			t.Errorf("Retry of a dead job = %+v, %v, want another attempt", j, err)
		}
	}
}

func cancelling(t *tester) {
	b := t.h.New(t.T)
	q := b.Queue()
	var mu sync.Mutex
	var got, second []backend.Run
	called := make(chan struct{}, 20)
	listen := func(to *[]backend.Run) (stop func()) {
		return q.OnStop(func(run backend.Run, why backend.StopReason) {
			if why != backend.RunCancelled {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			if slices.Contains(*to, run) { // a backend may repeat a call
				return
			}
			*to = append(*to, run)
			called <- struct{}{}
		})
	}
	q.OnStop(func(backend.Run, backend.StopReason) { t.Error("a callback is called after stop") })()
	defer listen(&got)()
	defer listen(&second)()
	t.mustOpen(b)
	_, err := q.Cancel(t.ctx, 1<<40)
	t.wantError("Cancel of an unknown job", err, backend.ErrNotFound)
	cancel := func(id uint64, want backend.State) {
		t.Helper()
		if j, err := q.Cancel(t.ctx, id); err != nil || j.State != want || j.ID != id {
			t.Errorf("Cancel(%d) = %v, %v, want %v", id, j.State, err, want)
		}
	}
	waiting := t.enqueue(q, backend.NewJob{Task: "a"}, backend.NewJob{Task: "a", Delay: time.Hour})
	for _, id := range waiting {
		cancel(id, backend.Cancelled)
		cancel(id, backend.Cancelled)
	}
	t.fetchNone(q)
	ends := map[backend.State]backend.State{
		backend.Completed: backend.Completed, backend.Dead: backend.Dead, backend.Cancelled: backend.Cancelled,
		backend.Retryable: backend.Cancelled, backend.Scheduled: backend.Cancelled, backend.Available: backend.Cancelled,
	}
	var running []backend.Run
	for end, want := range ends {
		id := t.enqueue(q, backend.NewJob{Task: "a"})[0]
		run := t.fetchOne(q, id).Run()
		running = append(running, run)
		cancel(id, backend.Running)
		if j := t.job(q, id); !j.Cancelling {
			t.Errorf("a cancelled running job is %+v", j)
		}
		<-called
		<-called
		t.finish(q, backend.Outcome{Run: run, State: end, Error: "ended"})
		if j := t.wantState(q, id, want); j.Cancelling || j.Error != "ended" {
			t.Errorf("the job is %+v", j)
		}
		cancel(id, want)
	}
	mu.Lock()
	defer mu.Unlock()
	if !slices.Equal(got, running) || !slices.Equal(second, running) {
		t.Errorf("the callbacks were called with %v and %v, want %v", got, second, running)
	}
}

func deletingJobs(t *tester) {
	q := t.open().Queue()
	t.wantError("Delete of an unknown job", q.Delete(t.ctx, 1<<40), backend.ErrNotFound)
	ids := t.enqueue(q, backend.NewJob{Task: "a"}, backend.NewJob{Task: "b"}, backend.NewJob{Task: "c", Delay: time.Hour}, backend.NewJob{Task: "d"})
	j := t.fetchOne(q, ids[0])
	t.wantError("Delete of a running job", q.Delete(t.ctx, ids[0]), backend.ErrRunning)
	t.finish(q, backend.Outcome{Run: j.Run(), State: backend.Completed})
	for _, id := range ids[:3] {
		t.must(q.Delete(t.ctx, id))
		t.wantError("second Delete", q.Delete(t.ctx, id), backend.ErrNotFound)
		_, err := q.Get(t.ctx, id)
		t.wantError("Get of a deleted job", err, backend.ErrNotFound)
	}
	t.wantTotal(q, backend.Counts{Available: 1})
	t.fetchOne(q, ids[3])
	t.fetchNone(q)
}

// enqueueScheduled calls EnqueueScheduled for the same times from several nodes. For each time at most one call may
// return true, and for the last time exactly one call must return true.
func enqueueScheduled(t *tester) {
	q := t.open().Queue()
	const nodes, rounds = 4, 20
	start := time.Now().Truncate(time.Second).Add(-rounds * time.Second) // no time here is ahead of the clock
	won := make([]int, rounds)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range nodes {
		wg.Go(func() {
			for i := range rounds {
				ok, err := q.EnqueueScheduled(t.ctx, "each second", start.Add(time.Duration(i)*time.Second), backend.NewJob{Task: "scheduled", Unique: "one at a time"})
				if err != nil {
					t.Errorf("EnqueueScheduled: %v", err)
				}
				if ok {
					mu.Lock()
					won[i]++
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	for i, n := range won {
		if n > 1 {
			t.Errorf("time %d has %d winners", i, n)
		}
	}
	if won[rounds-1] != 1 {
		t.Error("the last time has no winner")
	}
	t.wantTotal(q, backend.Counts{Available: 1}) // the first job still waits
	if ok, err := q.EnqueueScheduled(t.ctx, "other", start, backend.NewJob{Task: "a"}, backend.NewJob{Task: "b"}); err != nil || !ok {
		t.Errorf("EnqueueScheduled of another schedule = %t, %v", ok, err)
	}
	if ok, err := q.EnqueueScheduled(t.ctx, "other", start.Add(-time.Second), backend.NewJob{Task: "c"}); err != nil || ok {
		t.Errorf("EnqueueScheduled before the last run = %t, %v", ok, err)
	}
	if _, err := q.EnqueueScheduled(t.ctx, "other", start.Add(time.Hour), backend.NewJob{}); err == nil {
		t.Error("EnqueueScheduled with a job without a task succeeds, want an error")
	}
	t.wantTotal(q, backend.Counts{Available: 3})
	last, err := q.LastRuns(t.ctx)
	t.must(err)
	want := map[string]time.Time{"each second": start.Add((rounds - 1) * time.Second), "other": start}
	if diff := cmp.Diff(want, last, cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })); diff != "" {
		t.Errorf("LastRuns (-want +got):\n%s", diff)
	}
}

// reopenQueue checks that jobs outlive Close unchanged, except that the run of a running job counts as a crash.
func reopenQueue(t *tester) {
	b := t.h.New(t.T)
	q := b.Queue()
	t.mustOpen(b)
	start := time.Now().Truncate(time.Second)
	ids := t.enqueue(q,
		backend.NewJob{Task: "completed", Params: []byte(`1`)}, backend.NewJob{Task: "dead"}, backend.NewJob{Task: "running", Priority: 9, MaxCrashes: 2},
		backend.NewJob{Task: "deleted"}, backend.NewJob{Task: "waits", Params: []byte(`"waits"`), Unique: "key"}, backend.NewJob{Task: "later", Delay: time.Hour},
	)
	t.must(q.Delete(t.ctx, ids[3]))
	run := t.fetchOne(q, ids[2]).Run()
	for i, state := range []backend.State{backend.Completed, backend.Dead} {
		t.finish(q, backend.Outcome{Run: t.fetchOne(q, ids[i]).Run(), State: state, Error: "so"})
	}
	if ok, err := q.EnqueueScheduled(t.ctx, "schedule", start); err != nil || !ok {
		t.Fatalf("EnqueueScheduled = %t, %v", ok, err)
	}
	before := t.listAll(q)
	t.mustClose(b)
	t.must(b.Open(t.ctx, testNode))
	t.wantTotal(q, backend.Counts{Scheduled: 1, Available: 2, Completed: 1, Dead: 1})
	for i := range before {
		if before[i].ID == ids[2] {
			before[i].State, before[i].Crashes, before[i].Attempt = backend.Available, 1, 0
			before[i].RunAt = t.job(q, ids[2]).RunAt
		}
	}
	if diff := cmp.Diff(before, t.listAll(q), cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })); diff != "" {
		t.Errorf("jobs before and after Close (-before +after):\n%s", diff)
	}
	if added, err := q.Enqueue(t.ctx, backend.NewJob{Task: "x", Unique: "key"}); err != nil || !added[0].Existing || added[0].ID != ids[4] {
		t.Errorf("Enqueue with a held key = %+v, %v", added, err)
	}
	if ok, err := q.EnqueueScheduled(t.ctx, "schedule", start); err != nil || ok {
		t.Errorf("EnqueueScheduled before the last run = %t, %v", ok, err)
	}
	if id := t.enqueue(q, backend.NewJob{Task: "new"})[0]; id <= ids[5] && t.h.Shards <= 1 || slices.Contains(ids, id) {
		t.Errorf("a job that is enqueued after Open has the id %d, an earlier one had %d", id, ids[5])
	}
	t.fetchOne(q, ids[2])
	if lost, err := q.Finish(t.ctx, backend.Outcome{Run: run, State: backend.Available}); err != nil || !slices.Equal(lost, []backend.Run{run}) {
		t.Errorf("Finish of a run from before Close = %v, %v", lost, err)
	}
	t.mustClose(b)
	t.must(b.Open(t.ctx, testNode))
	t.fetchOne(q, ids[2])
	t.mustClose(b)
	t.must(b.Open(t.ctx, testNode))
	if j := t.wantState(q, ids[2], backend.Dead); j.Crashes != 2 || j.Error == "" {
		t.Errorf("a job with the maximum of two crashes is %+v", j)
	}
}

func (t *tester) listAll(q backend.Queue) []backend.Job {
	t.Helper()
	jobs, err := q.List(t.ctx, backend.JobFilter{Limit: 1000})
	t.must(err)
	return jobs
}
