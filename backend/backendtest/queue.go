package backendtest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/google/go-cmp/cmp"
)

// enqueue adds jobs and returns their ids. The test fails if a job is not new because another job holds its unique key.
func (t *tester) enqueue(q backend.Queue, jobs ...backend.NewJob) []uint64 {
	t.Helper()
	added, err := q.Enqueue(t.ctx, jobs...)
	if err != nil {
		t.Fatalf("Enqueue: %v", err)
	}
	if len(added) != len(jobs) {
		t.Fatalf("Enqueue of %d jobs returns %d", len(jobs), len(added))
	}
	ids := make([]uint64, len(added))
	for i := range added {
		if ids[i] = added[i].ID; added[i].Existing || ids[i] == 0 {
			t.Fatalf("Enqueue returns %+v for a new job", added[i])
		}
	}
	return ids
}

// fetch fetches at most n jobs of the default queue, with a lease of one hour.
func (t *tester) fetch(q backend.Queue, n int) []backend.Job {
	t.Helper()
	jobs, err := q.Fetch(t.ctx, backend.FetchRequest{Node: "node", Queues: []string{backend.DefaultQueue}, Max: n})
	if err != nil {
		t.Fatalf("Fetch: %v", err)
	}
	return jobs
}

// fetchOne fetches and returns one job of the default queue. The test fails unless the job has this id.
func (t *tester) fetchOne(q backend.Queue, id uint64) backend.Job {
	t.Helper()
	jobs := t.fetch(q, 1)
	if len(jobs) != 1 || jobs[0].ID != id {
		t.Fatalf("Fetch returns %v, want job %d", idsOf(jobs), id)
	}
	return jobs[0]
}

func (t *tester) fetchNone(q backend.Queue) {
	t.Helper()
	if jobs := t.fetch(q, 10); len(jobs) > 0 {
		t.Fatalf("Fetch returns %v, want nothing", idsOf(jobs))
	}
}

// waitFetch waits until a job of the default queue is due, fetches the job and returns it.
func (t *tester) waitFetch(q backend.Queue) backend.Job {
	t.Helper()
	due, stop := q.Watch(backend.DefaultQueue)
	defer stop()
	deadline := time.NewTimer(time.Hour)
	if t.h.Bubble == nil {
		deadline.Reset(waitLimit)
	}
	defer deadline.Stop()
	for {
		if jobs := t.fetch(q, 1); len(jobs) > 0 {
			return jobs[0]
		}
		select {
		case <-due:
		case <-deadline.C:
			t.Fatal("no job became due")
		}
	}
}

func (t *tester) finish(q backend.Queue, outcomes ...backend.Outcome) {
	t.Helper()
	if lost, err := q.Finish(t.ctx, outcomes...); err != nil || len(lost) > 0 {
		t.Fatalf("Finish = %v, %v", lost, err)
	}
}

func (t *tester) job(q backend.Queue, id uint64) backend.Job {
	t.Helper()
	j, err := q.Get(t.ctx, id)
	if err != nil {
		t.Fatalf("Get(%d): %v", id, err)
	}
	return j
}

func (t *tester) wantState(q backend.Queue, id uint64, want backend.State) backend.Job {
	t.Helper()
	j := t.job(q, id)
	if j.State != want {
		t.Fatalf("job %d is %v, want %v; its error is %q", id, j.State, want, j.Error)
	}
	return j
}

// wantTotal checks that the total counts of Stats are want, and that the counts of all queues add up to these totals.
func (t *tester) wantTotal(q backend.Queue, want backend.Counts) {
	t.Helper()
	stats, err := q.Stats(t.ctx)
	t.must(err)
	if diff := cmp.Diff(want, stats.Total); diff != "" {
		t.Errorf("Stats (-want +got):\n%s", diff)
	}
	var sum backend.Counts
	for _, c := range stats.Queues {
		for s := backend.Scheduled; s <= backend.Dead; s++ {
			*sum.Of(s) += *c.Of(s)
		}
	}
	if sum != stats.Total {
		t.Errorf("the counts of the queues add up to %+v, the total is %+v", sum, stats.Total)
	}
}

func idsOf(jobs []backend.Job) []uint64 {
	ids := make([]uint64, len(jobs))
	for i := range jobs {
		ids[i] = jobs[i].ID
	}
	return ids
}

// jobFields checks that Get, List and Fetch return a job with all fields of its NewJob.
func jobFields(t *tester) {
	q := t.open().Queue()
	params := []byte(`{"user":12,"name":"Zoë \u0000"}`)
	mine := bytes.Clone(params)
	before := time.Now()
	ids := t.enqueue(q, backend.NewJob{
		Task: "mail", Queue: "slow", Priority: -7, Params: mine, MaxAttempts: 5, MaxCrashes: 2, Timeout: 90 * time.Second,
		Unique: "mail to 12", UniqueFor: time.Hour,
	}, backend.NewJob{Task: "other"})
	clear(mine)
	if ids[1] <= ids[0] {
		t.Errorf("ids do not rise: %v", ids)
	}
	want := backend.Job{
		ID: ids[0], Task: "mail", Queue: "slow", Priority: -7, Params: params, State: backend.Available,
		MaxAttempts: 5, MaxCrashes: 2, Timeout: 90 * time.Second, Unique: "mail to 12",
	}
	check := func(what string, got backend.Job) {
		t.Helper()
		t.wantBetween("Enqueued", got.Enqueued, before, time.Now())
		t.wantBetween("UniqueUntil", got.UniqueUntil, before.Add(time.Hour), time.Now().Add(time.Hour))
		if !got.RunAt.Equal(got.Enqueued) {
			t.Errorf("%s: a job without delay, enqueued at %v, may run at %v", what, got.Enqueued, got.RunAt)
		}
		got.Enqueued, got.UniqueUntil, got.RunAt, got.Started = time.Time{}, time.Time{}, time.Time{}, time.Time{}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	check("Get", t.job(q, ids[0]))
	listed, err := q.List(t.ctx, backend.JobFilter{Queue: "slow"})
	if err != nil || len(listed) != 1 {
		t.Fatalf("List = %d jobs, %v", len(listed), err)
	}
	check("List", listed[0])
	jobs, err := q.Fetch(t.ctx, backend.FetchRequest{Node: "the node", Queues: []string{"slow"}, Max: 10})
	if err != nil || len(jobs) != 1 {
		t.Fatalf("Fetch = %d jobs, %v", len(jobs), err)
	}
	want.State, want.Attempt, want.Starts, want.Fence, want.Node = backend.Running, 1, 1, jobs[0].Fence, "the node"
	if want.Fence == 0 {
		t.Error("the first run has no fence")
	}
	t.wantBetween("Started", jobs[0].Started, before, time.Now())
	check("Fetch", jobs[0])
	check("Get of a running job", t.job(q, ids[0]))
	if j := t.job(q, t.enqueue(q, backend.NewJob{Task: "a", Timeout: -1})[0]); j.Timeout >= 0 {
		t.Errorf("the timeout of a job without a limit is %v", j.Timeout)
	}
	if j := t.job(q, ids[1]); j.Queue != backend.DefaultQueue || j.MaxCrashes != backend.DefaultMaxCrashes || len(j.Params) != 0 {
		t.Errorf("a job without any options is %+v", j)
	}
	_, err = q.Get(t.ctx, 1<<40)
	t.wantError("Get of an unknown job", err, backend.ErrNotFound)
}

// wantBetween checks that got, a time from the backend, is between from and to, with the tolerance Harness.Slack, and
// is a full millisecond.
func (t *tester) wantBetween(what string, got, from, to time.Time) {
	t.Helper()
	from = from.Truncate(time.Millisecond).Add(-t.h.Slack)
	if to = to.Add(t.h.Slack + time.Millisecond); got.Before(from) || got.After(to) {
		t.Errorf("%s = %v, want from %v to %v", what, got, from, to)
	}
	if !got.Equal(got.Truncate(time.Millisecond)) {
		t.Errorf("%s = %v, which is not a full millisecond", what, got)
	}
}

// jobOrder checks the order of fetched jobs: by the position of the job's queue in the request, then by priority, then
// by the time at which the job became due.
func jobOrder(t *tester) {
	q := t.open().Queue()
	var jobs []backend.NewJob
	for i := range 40 {
		jobs = append(jobs, backend.NewJob{Task: fmt.Sprint(i), Queue: []string{"a", "b"}[i%2], Priority: []int8{0, 5, -128, 127, 0}[i%5]})
	}
	ids := t.enqueue(q, jobs...)
	var want []uint64
	for _, name := range []string{"b", "a"} {
		for _, priority := range []int8{127, 5, 0, -128} {
			for i := range jobs {
				if jobs[i].Queue == name && jobs[i].Priority == priority {
					want = append(want, ids[i])
				}
			}
		}
	}
	var got []uint64
	for _, n := range []int{0, -1, 1, 3, 30, 30, 1} {
		jobs, err := q.Fetch(t.ctx, backend.FetchRequest{Node: "n", Queues: []string{"none", "b", "a", "b"}, Max: n})
		t.must(err)
		if len(jobs) > max(n, 0) {
			t.Errorf("Fetch of at most %d returns %d", n, len(jobs))
		}
		got = append(got, idsOf(jobs)...)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("order of jobs (-want +got):\n%s", diff)
	}
	t.wantTotal(q, backend.Counts{Running: len(jobs)})
}

func oddJobs(t *tester) {
	q := t.open().Queue()
	for _, name := range oddNames[1:] {
		id := t.enqueue(q, backend.NewJob{Task: name, Queue: name, Unique: name, Params: []byte(name)})[0]
		jobs, err := q.Fetch(t.ctx, backend.FetchRequest{Node: name, Queues: []string{name}, Max: 10})
		if err != nil || len(jobs) != 1 {
			t.Fatalf("Fetch(%.40q) = %d jobs, %v", name, len(jobs), err)
		}
		j := jobs[0]
		if j.Task != name || j.Queue != name || j.Unique != name || string(j.Params) != name || j.Node != name {
			t.Errorf("a job with the name %.40q in all fields is %.300q", name, fmt.Sprintf("%+v", j))
		}
		t.finish(q, backend.Outcome{Run: j.Run(), State: backend.Dead, Error: name})
		if j := t.job(q, id); j.Error != name {
			t.Errorf("the error %.40q is kept as %.40q", name, j.Error)
		}
	}
}

func refusedJobs(t *tester) {
	q := t.open().Queue()
	long := strings.Repeat("k", backend.MaxKeyBytes+1)
	for name, want := range map[string]struct {
		job backend.NewJob
		err error
	}{
		"a long task":           {backend.NewJob{Task: long}, backend.ErrKeyTooLong},
		"a long queue":          {backend.NewJob{Task: "a", Queue: long}, backend.ErrKeyTooLong},
		"a long key":            {backend.NewJob{Task: "a", Unique: long}, backend.ErrKeyTooLong},
		"large parameters":      {backend.NewJob{Task: "a", Params: make([]byte, backend.MaxParamsBytes+1)}, backend.ErrTooLarge},
		"no task":               {backend.NewJob{}, backend.ErrInvalid},
		"negative delay":        {backend.NewJob{Task: "a", Delay: -1}, backend.ErrInvalid},
		"negative attempts":     {backend.NewJob{Task: "a", MaxAttempts: -1}, backend.ErrInvalid},
		"negative crashes":      {backend.NewJob{Task: "a", MaxCrashes: -1}, backend.ErrInvalid},
		"UniqueFor without key": {backend.NewJob{Task: "a", UniqueFor: 1}, backend.ErrInvalid},
		"the year 10000":        {backend.NewJob{Task: "a", RunAt: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}, backend.ErrInvalid},
	} {
		_, err := q.Enqueue(t.ctx, backend.NewJob{Task: "valid"}, want.job)
		t.wantError(name, err, want.err)
	}
	large := backend.NewJob{Task: "large", Params: make([]byte, backend.MaxParamsBytes)}
	_, err := q.Enqueue(t.ctx, slices.Repeat([]backend.NewJob{large}, backend.MaxEnqueueBytes/backend.MaxParamsBytes)...)
	t.wantError("too much at once", err, backend.ErrTooLarge)
	_, err = q.Fetch(t.ctx, backend.FetchRequest{Node: long, Queues: []string{"default"}, Max: 1})
	t.wantError("Fetch by a node with a long name", err, backend.ErrKeyTooLong)
	_, err = q.EnqueueScheduled(t.ctx, long, time.Now())
	t.wantError("EnqueueScheduled of a schedule with a long name", err, backend.ErrKeyTooLong)
	t.wantTotal(q, backend.Counts{})
	id := t.enqueue(q, large)[0]
	if j := t.fetchOne(q, id); len(j.Params) != backend.MaxParamsBytes {
		t.Errorf("the largest parameters come back with %d bytes", len(j.Params))
	}
}

// jobsConcurrently enqueues jobs from several goroutines and runs them in several other goroutines. Each job must run
// exactly once.
func jobsConcurrently(t *tester) {
	q := t.open().Queue()
	const producers, workers, each = 4, 4, 100
	var mu sync.Mutex
	ran := make(map[uint64]int)
	done := make(chan struct{})
	var wg, produced sync.WaitGroup
	for range workers {
		wg.Go(func() {
			if err := t.work(q, done, func(id uint64) {
				mu.Lock()
				defer mu.Unlock()
				ran[id]++
			}); err != nil {
				t.Errorf("a worker: %v", err)
			}
		})
	}
	for p := range producers {
		produced.Go(func() {
			for i := range each {
				if _, err := q.Enqueue(t.ctx, backend.NewJob{Task: fmt.Sprint(p), Delay: time.Duration(i%3) * time.Millisecond}); err != nil {
					t.Errorf("Enqueue: %v", err)
				}
			}
		})
	}
	produced.Wait()
	t.waitCompleted(q, producers*each)
	close(done)
	wg.Wait()
	for id, n := range ran {
		if n != 1 {
			t.Errorf("job %d ran %d times", id, n)
		}
	}
	if len(ran) != producers*each {
		t.Errorf("%d jobs ran, want %d", len(ran), producers*each)
	}
}

// work fetches and runs jobs of the default queue, at most three at a time, until done is closed. It calls run with the
// id of each job.
func (t *tester) work(q backend.Queue, done <-chan struct{}, run func(id uint64)) error {
	due, stop := q.Watch(backend.DefaultQueue)
	defer stop()
	for {
		jobs, err := q.Fetch(t.ctx, backend.FetchRequest{Node: "node", Queues: []string{backend.DefaultQueue}, Max: 3})
		if err != nil {
			return err
		}
		var outcomes []backend.Outcome
		for _, j := range jobs {
			run(j.ID)
			outcomes = append(outcomes, backend.Outcome{Run: j.Run(), State: backend.Completed})
		}
		lost, err := q.Finish(t.ctx, outcomes...)
		if err != nil || len(lost) > 0 {
			return fmt.Errorf("finish loses %v: %w", lost, err)
		}
		if len(jobs) > 0 {
			continue
		}
		select {
		case <-due:
		case <-done:
			return nil
		}
	}
}

// waitCompleted waits until n jobs are completed. After waitLimit the test fails.
func (t *tester) waitCompleted(q backend.Queue, n int) {
	t.Helper()
	end := time.Now().Add(waitLimit)
	for {
		stats, err := q.Stats(t.ctx)
		t.must(err)
		if stats.Total.Completed == n {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("after %v the jobs are %+v", waitLimit, stats.Total)
		}
		time.Sleep(time.Millisecond)
	}
}
