package backendtest

import (
	"slices"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// testLease is a lease that expires during a test.
const testLease = 100 * time.Millisecond

// fetchLeased fetches the only due job of the default queue, with the lease testLease.
func (t *tester) fetchLeased(q backend.Queue, id uint64) backend.Run {
	t.Helper()
	jobs, err := q.Fetch(t.ctx, backend.FetchRequest{Node: "node", Queues: []string{backend.DefaultQueue}, Max: 1, Lease: testLease})
	if err != nil || len(jobs) != 1 || jobs[0].ID != id {
		t.Fatalf("Fetch = %d jobs, %v, want job %d", len(jobs), err, id)
	}
	return jobs[0].Run()
}

// waitLost waits until the lease of the job's run expires, and returns the job.
func (t *tester) waitLost(q backend.Queue, id uint64) backend.Job {
	t.Helper()
	end := time.Now().Add(waitLimit)
	for {
		j := t.job(q, id)
		if j.State != backend.Running {
			return j
		}
		if time.Now().After(end) {
			t.Fatalf("a run is still running after %v, with a lease of %v", waitLimit, testLease)
		}
		time.Sleep(time.Millisecond)
	}
}

func (t *tester) wantLost(q backend.Queue, o backend.Outcome) {
	t.Helper()
	if lost, err := q.Finish(t.ctx, o); err != nil || !slices.Equal(lost, []backend.Run{o.Run}) {
		t.Fatalf("Finish = %v, %v, want %v as lost", lost, err, o.Run)
	}
}

// leases checks that a run whose lease expires counts as a crash, and that Renew keeps the lease of another run.
func leases(t *tester) {
	q := t.open().Queue()
	kept := t.enqueue(q, backend.NewJob{Task: "kept"})[0]
	keptRun := t.fetchLeased(q, kept)
	renew := func() {
		t.Helper()
		if r, err := q.Renew(t.ctx, time.Hour, keptRun); err != nil || len(r.Lost)+len(r.Cancelled) > 0 {
			t.Fatalf("Renew = %+v, %v", r, err)
		}
	}
	renew()
	id := t.enqueue(q, backend.NewJob{Task: "crashes"})[0]
	for crashes := 1; crashes <= backend.DefaultMaxCrashes; crashes++ {
		before := time.Now()
		run := t.fetchLeased(q, id)
		j := t.waitLost(q, id)
		if took := time.Since(before); took < testLease || j.Crashes != crashes || j.Attempt != 0 {
			t.Fatalf("a lease of %v expired after %v; the job is %+v, want %d crashes", testLease, took, j, crashes)
		}
		if r, err := q.Renew(t.ctx, testLease, run); err != nil || !slices.Equal(r.Lost, []backend.Run{run}) || len(r.Cancelled) > 0 {
			t.Fatalf("Renew after the lease = %+v, %v, want %v as lost", r, err, run)
		}
	}
	if j := t.wantState(q, id, backend.Dead); j.Error == "" || j.Finished.IsZero() {
		t.Errorf("a job with the maximum number of crashes is %+v, want an error and a finish time", j)
	}
	renew()
	t.finish(q, backend.Outcome{Run: keptRun, State: backend.Completed})
	t.wantState(q, kept, backend.Completed)
}

// lateOutcomes checks the outcomes of runs whose leases have expired. While no other run of the job has begun, a late
// outcome counts. Afterwards it is lost, and must not change the other run. In both cases it takes back the crash.
func lateOutcomes(t *tester) {
	q := t.open().Queue()
	late := func(state backend.State, newJob backend.NewJob) (id uint64, run backend.Run) {
		id = t.enqueue(q, newJob)[0]
		run = t.fetchLeased(q, id)
		t.waitLost(q, id)
		t.finish(q, backend.Outcome{Run: run, State: state, Error: "late"})
		return id, run
	}
	id, run := late(backend.Completed, backend.NewJob{Task: "completes"})
	if j := t.wantState(q, id, backend.Completed); j.Crashes != 0 || j.Attempt != 1 {
		t.Errorf("the job is %+v", j)
	}
	t.finish(q, backend.Outcome{Run: run, State: backend.Completed}) // repeated
	id, _ = late(backend.Dead, backend.NewJob{Task: "fails"})
	t.wantState(q, id, backend.Dead)
	id, _ = late(backend.Retryable, backend.NewJob{Task: "dead by the lease", MaxCrashes: 1, Unique: "key"})
	if j := t.wantState(q, id, backend.Available); j.Crashes != 0 || j.Attempt != 1 || j.Error != "late" {
		t.Errorf("the job is %+v", j)
	}
	// Another job has taken the unique key since.
	t.must(q.Delete(t.ctx, id))
	id = t.enqueue(q, backend.NewJob{Task: "dead by the lease", MaxCrashes: 1, Unique: "key"})[0]
	run = t.fetchLeased(q, id)
	t.waitLost(q, id)
	other := t.enqueue(q, backend.NewJob{Task: "has the key", Unique: "key"})[0]
	t.wantLost(q, backend.Outcome{Run: run, State: backend.Retryable})
	t.wantState(q, id, backend.Dead)
	t.must(q.Delete(t.ctx, other))

	id = t.enqueue(q, backend.NewJob{Task: "runs again", MaxCrashes: 2})[0]
	first := t.fetchLeased(q, id)
	t.waitLost(q, id)
	second := t.fetchOne(q, id)
	if second.Crashes != 1 || second.Fence <= first.Fence {
		t.Errorf("the second run is of %+v", second)
	}
	if r, err := q.Renew(t.ctx, time.Hour, first, second.Run()); err != nil || !slices.Equal(r.Lost, []backend.Run{first}) || len(r.Cancelled) > 0 {
		t.Errorf("Renew of both runs = %+v, %v", r, err)
	}
	t.wantLost(q, backend.Outcome{Run: first, State: backend.Completed})
	if j := t.wantState(q, id, backend.Running); j.Crashes != 0 || j.Run() != second.Run() {
		t.Errorf("after the late outcome the job is %+v", j)
	}
	t.finish(q, backend.Outcome{Run: second.Run(), State: backend.Completed})
	t.wantLost(q, backend.Outcome{Run: first, State: backend.Retryable})
	t.wantState(q, id, backend.Completed)
}

// crashesInARow checks that a run that has an outcome sets the number of crashes to 0, unless it was requeued.
func crashesInARow(t *tester) {
	q := t.open().Queue()
	for state, crashes := range map[backend.State]int{backend.Scheduled: 0, backend.Retryable: 0, backend.Completed: 0, backend.Available: 2} {
		id := t.enqueue(q, backend.NewJob{Task: "a", MaxCrashes: 3})[0]
		for range 2 {
			t.fetchLeased(q, id)
			t.waitLost(q, id)
		}
		j := t.fetchOne(q, id)
		if j.Crashes != 2 {
			t.Fatalf("after two crashes the job is %+v", j)
		}
		t.finish(q, backend.Outcome{Run: j.Run(), State: state})
		if j = t.job(q, id); j.Crashes != crashes {
			t.Errorf("after a run that ended as %v the job has %d crashes, want %d", state, j.Crashes, crashes)
		}
		t.must(q.Delete(t.ctx, id))
	}
}

// draining checks that a run for which Drain was called is requeued, and does not count as a crash, if its lease expires
// or its queue closes.
func draining(t *tester) {
	b := t.h.New(t.T)
	q := b.Queue()
	t.mustOpen(b)
	id := t.enqueue(q, backend.NewJob{Task: "a", MaxCrashes: 1})[0]
	run := t.fetchLeased(q, id)
	t.must(q.Drain(t.ctx, backend.Run{ID: 1 << 40, Fence: 1}, run))
	t.wantState(q, id, backend.Running)
	if j := t.waitLost(q, id); j.State != backend.Available || j.Crashes != 0 || j.Attempt != 0 {
		t.Errorf("after the lease has expired the job is %+v", j)
	}
	t.must(q.Drain(t.ctx, run)) // ended already
	for range 2 {
		run = t.fetchOne(q, id).Run()
		t.must(q.Drain(t.ctx, run))
		t.mustClose(b)
		t.must(b.Open(t.ctx))
		if j := t.wantState(q, id, backend.Available); j.Crashes != 0 || j.Attempt != 0 {
			t.Errorf("after Close and Open the job is %+v", j)
		}
	}
	// The mark ends with the run.
	run = t.fetchOne(q, id).Run()
	t.must(q.Drain(t.ctx, run))
	t.finish(q, backend.Outcome{Run: run, State: backend.Scheduled})
	t.fetchLeased(q, id)
	if j := t.waitLost(q, id); j.State != backend.Dead || j.Crashes != 1 {
		t.Errorf("after a crash of a run that was not marked the job is %+v", j)
	}
	// A cancelled run does not come back.
	id = t.enqueue(q, backend.NewJob{Task: "a"})[0]
	run = t.fetchOne(q, id).Run()
	if _, err := q.Cancel(t.ctx, id); err != nil {
		t.Fatal(err)
	}
	t.must(q.Drain(t.ctx, run))
	t.mustClose(b)
	t.must(b.Open(t.ctx))
	t.wantState(q, id, backend.Cancelled)
}
