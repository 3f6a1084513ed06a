package backendtest

import (
	"slices"

	"github.com/actionhero-go/actionhero/backend"
)

// restart closes and opens the backend b, which ends all runs of its node, and returns the job.
func (t *tester) restart(b backend.Backend, id uint64) backend.Job {
	t.Helper()
	t.mustClose(b)
	t.must(b.Open(t.ctx, testNode))
	j := t.job(b.Queue(), id)
	if j.State == backend.Running {
		t.Fatalf("after Close the job is %+v, want no run", j)
	}
	return j
}

func (t *tester) wantLost(q backend.Queue, o backend.Outcome) {
	t.Helper()
	if lost, err := q.Finish(t.ctx, o); err != nil || !slices.Equal(lost, []backend.Run{o.Run}) {
		t.Fatalf("Finish = %v, %v, want %v as lost", lost, err, o.Run)
	}
}

// crashes checks that a run that has not ended before its node closes counts as a crash.
func crashes(t *tester) {
	b := t.open()
	q := b.Queue()
	id := t.enqueue(q, backend.NewJob{Task: "crashes"})[0]
	for crashes := 1; crashes <= backend.DefaultMaxCrashes; crashes++ {
		t.fetchOne(q, id)
		if j := t.restart(b, id); j.Crashes != crashes || j.Attempt != 0 {
			t.Fatalf("the job is %+v, want %d crashes", j, crashes)
		}
	}
	if j := t.wantState(q, id, backend.Dead); j.Error == "" || j.Finished.IsZero() {
		t.Errorf("a job with the maximum number of crashes is %+v, want an error and a finish time", j)
	}
}

// lateOutcomes checks the outcomes of runs that have ended with their node. While no other run of the job has begun, a late
// outcome counts. Afterwards it is lost, and must not change the other run. In both cases it takes back the crash.
func lateOutcomes(t *tester) {
	b := t.open()
	q := b.Queue()
	late := func(state backend.State, newJob backend.NewJob) (id uint64, run backend.Run) {
		id = t.enqueue(q, newJob)[0]
		run = t.fetchOne(q, id).Run()
		t.restart(b, id)
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
	id, _ = late(backend.Retryable, backend.NewJob{Task: "dead by the crash", MaxCrashes: 1, Unique: "key"})
	if j := t.wantState(q, id, backend.Available); j.Crashes != 0 || j.Attempt != 1 || j.Error != "late" {
		t.Errorf("the job is %+v", j)
	}
	// Another job has taken the unique key since.
	t.must(q.Delete(t.ctx, id))
	id = t.enqueue(q, backend.NewJob{Task: "dead by the crash", MaxCrashes: 1, Unique: "key"})[0]
	run = t.fetchOne(q, id).Run()
	t.restart(b, id)
	other := t.enqueue(q, backend.NewJob{Task: "has the key", Unique: "key"})[0]
	t.wantLost(q, backend.Outcome{Run: run, State: backend.Retryable})
	t.wantState(q, id, backend.Dead)
	t.must(q.Delete(t.ctx, other))

	id = t.enqueue(q, backend.NewJob{Task: "runs again", MaxCrashes: 2})[0]
	first := t.fetchOne(q, id).Run()
	t.restart(b, id)
	second := t.fetchOne(q, id)
	if second.Crashes != 1 || second.Fence <= first.Fence {
		t.Errorf("the second run is of %+v", second)
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
	b := t.open()
	q := b.Queue()
	for state, crashes := range map[backend.State]int{backend.Scheduled: 0, backend.Retryable: 0, backend.Completed: 0, backend.Available: 2} {
		id := t.enqueue(q, backend.NewJob{Task: "a", MaxCrashes: 3})[0]
		for range 2 {
			t.fetchOne(q, id)
			t.restart(b, id)
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

// oneCrashLeft checks that two jobs whose next crash kills them do not run at the same time on one node, so that the job
// that crashes the process is known. Other jobs run at the same time.
func oneCrashLeft(t *tester) {
	b := t.open()
	q := b.Queue()
	fetch := func(n int) []uint64 {
		t.Helper()
		jobs, err := q.Fetch(t.ctx, backend.FetchRequest{Node: "node", Queues: []string{backend.DefaultQueue}, Max: 10})
		if t.must(err); len(jobs) != n {
			t.Fatalf("%v were fetched, want %d jobs", idsOf(jobs), n)
		}
		return idsOf(jobs)
	}
	risky := t.enqueue(q, backend.NewJob{Task: "a"}, backend.NewJob{Task: "b"}, backend.NewJob{Task: "c", MaxCrashes: 9})
	for range backend.DefaultMaxCrashes - 1 {
		fetch(3)
		t.restart(b, risky[0])
	}
	due, stop := q.Watch(backend.DefaultQueue)
	defer stop()
	var left []uint64
	await := func(want int, what string) (jobs []backend.Job) {
		t.Helper()
		for len(jobs) < want {
			some, err := q.Fetch(t.ctx, backend.FetchRequest{Node: "node", Queues: []string{backend.DefaultQueue}, Max: 10})
			t.must(err)
			if jobs = append(jobs, some...); len(jobs) < want {
				t.await(what, due)
			}
		}
		return jobs
	}
	first := await(2, "one of the jobs with one crash left, and another job")
	for _, id := range risky[:2] {
		if !slices.Contains(idsOf(first), id) {
			left = append(left, id)
		}
	}
	if len(first) != 2 || len(left) != 1 {
		t.Fatalf("%v were fetched, want %d and one of %d", idsOf(first), risky[2], risky[:2])
	}
	fresh := t.enqueue(q, backend.NewJob{Task: "fresh"})
	if jobs := await(1, "a new job"); jobs[0].ID != fresh[0] || len(jobs) != 1 {
		t.Fatalf("%v were fetched next to a job with one crash left, want %d", idsOf(jobs), fresh)
	}
	for _, j := range first {
		t.finish(q, backend.Outcome{Run: j.Run(), State: backend.Completed})
	}
	if jobs := await(1, "the other job with one crash left"); jobs[0].ID != left[0] || jobs[0].Crashes != backend.DefaultMaxCrashes-1 {
		t.Errorf("%+v were fetched, want %d", jobs, left)
	}
	t.restart(b, left[0])
	t.wantState(q, left[0], backend.Dead)
	t.wantState(q, risky[2], backend.Completed)
}

// draining checks that a run for which Drain was called is requeued, and does not count as a crash, if its queue
// closes.
func draining(t *tester) {
	b := t.open()
	q := b.Queue()
	id := t.enqueue(q, backend.NewJob{Task: "a", MaxCrashes: 1})[0]
	run := t.fetchOne(q, id).Run()
	t.must(q.Drain(t.ctx, backend.Run{ID: 1 << 40, Fence: 1}, run))
	t.wantState(q, id, backend.Running)
	if j := t.restart(b, id); j.State != backend.Available || j.Crashes != 0 || j.Attempt != 0 {
		t.Errorf("after Close and Open the job is %+v", j)
	}
	t.must(q.Drain(t.ctx, run)) // ended already
	for range 2 {
		run = t.fetchOne(q, id).Run()
		t.must(q.Drain(t.ctx, run))
		if j := t.restart(b, id); j.State != backend.Available || j.Crashes != 0 || j.Attempt != 0 {
			t.Errorf("after Close and Open the job is %+v", j)
		}
	}
	// The mark ends with the run.
	run = t.fetchOne(q, id).Run()
	t.must(q.Drain(t.ctx, run))
	t.finish(q, backend.Outcome{Run: run, State: backend.Scheduled})
	t.fetchOne(q, id)
	if j := t.restart(b, id); j.State != backend.Dead || j.Crashes != 1 {
		t.Errorf("after a crash of a run that was not marked the job is %+v", j)
	}
	// A cancelled run does not come back.
	id = t.enqueue(q, backend.NewJob{Task: "a"})[0]
	run = t.fetchOne(q, id).Run()
	if _, err := q.Cancel(t.ctx, id); err != nil {
		t.Fatal(err)
	}
	t.must(q.Drain(t.ctx, run))
	t.restart(b, id)
	t.wantState(q, id, backend.Cancelled)
}

// unknownTasks checks that jobs of tasks that a worker does not know wait for one that knows them, and hide no other job.
func unknownTasks(t *tester) {
	q := t.open().Queue()
	fetch := func(tasks []string, want ...uint64) {
		t.Helper()
		jobs, err := q.Fetch(t.ctx, backend.FetchRequest{Node: "node", Queues: []string{backend.DefaultQueue}, Tasks: tasks, Max: 10})
		if t.must(err); !slices.Equal(idsOf(jobs), want) {
			t.Errorf("a worker that knows %q fetches %v, want %v", tasks, idsOf(jobs), want)
		}
	}
	var ids []uint64
	for _, task := range []string{"b", "a", "c", "b"} {
		ids = append(ids, t.enqueue(q, backend.NewJob{Task: task})...)
	}
	fetch([]string{}) // none
	fetch([]string{"a", "x"}, ids[1])
	fetch([]string{"a", "x"})
	t.wantState(q, ids[0], backend.Available)
	id := t.enqueue(q, backend.NewJob{Task: "a"})[0]
	fetch([]string{"a", "x"}, id)
	if _, err := q.Cancel(t.ctx, ids[3]); err != nil {
		t.Error(err)
	}
	fetch([]string{"b"}, ids[0])
	fetch(nil, ids[2])
}
