package backendtest

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// maxDelay is the maximum time from the time at which a job is due to the Fetch of the job by a waiting worker.
const maxDelay = 50 * time.Millisecond

// soon is maxDelay as a test may measure it. On the real clock, the machine may be busy, so that only a delay that no
// load explains is a fault.
func (t *tester) soon() time.Duration {
	if t.h.Bubble == nil {
		return waitLimit
	}
	return maxDelay + t.h.Slack
}

// delayedJobs fetches jobs that become due within 2 seconds, with one worker: 2,000 on a virtual clock, and fewer on the
// real one. No job may be fetched before it is due, and on a virtual clock no job may start more than 2 ms late.
func delayedJobs(t *tester) {
	q := t.open().Queue()
	n := 300
	if t.h.Bubble != nil {
		n = 2000
	}
	random := rand.New(rand.NewPCG(1, 2))
	notBefore := make(map[uint64]time.Time)
	var jobs []backend.NewJob
	var times []time.Time
	time.Sleep(123 * time.Microsecond) // so that not all times are full milliseconds
	for i := range n {
		delay := time.Duration(random.Int64N(int64(2 * time.Second)))
		at := time.Now().Add(delay)
		job := backend.NewJob{Task: "delayed", Delay: delay}
		if i%2 == 0 {
			job = backend.NewJob{Task: "at a time", RunAt: at}
		}
		jobs, times = append(jobs, job), append(times, at)
	}
	for i, id := range t.enqueue(q, jobs...) {
		notBefore[id] = times[i]
	}
	for range n {
		j := t.waitFetch(q)
		now := time.Now()
		if now.Before(notBefore[j.ID]) || j.Started.Before(j.RunAt) || j.RunAt.Before(notBefore[j.ID].Add(-t.h.Slack)) {
			t.Fatalf("job %d, expected at %v, with the RunAt %v, started at %v", j.ID, notBefore[j.ID], j.RunAt, j.Started)
		}
		// On the real clock, the delay includes the time that the test takes between two jobs.
		if late := j.Started.Sub(notBefore[j.ID]); t.h.Bubble != nil && late > 2*time.Millisecond {
			t.Fatalf("job %d of %d started %v late", j.ID, n, late)
		}
		delete(notBefore, j.ID)
	}
	t.fetchNone(q)
}

// shortDelayAfterLong checks that a job is fetched on time although a job that is due later was enqueued before.
func shortDelayAfterLong(t *tester) {
	q := t.open().Queue()
	t.enqueue(q, backend.NewJob{Task: "in an hour", Delay: time.Hour})
	const delay = 2 * time.Second // also on a busy machine long enough for what happens before
	before := time.Now()
	soon := t.enqueue(q, backend.NewJob{Task: "soon", Delay: delay})[0]
	t.wantTotal(q, backend.Counts{Scheduled: 2})
	t.fetchNone(q)
	j := t.waitFetch(q)
	if took := time.Since(before); j.ID != soon || took < delay || took > delay+t.soon() {
		t.Errorf("job %d was fetched after %v, want %d after %v", j.ID, took, soon, delay)
	}
	past := t.enqueue(q, backend.NewJob{Task: "past", RunAt: time.Now().Add(-time.Hour)})[0]
	t.fetchOne(q, past)
}

func retryAndSnooze(t *tester) {
	q := t.open().Queue()
	id := t.enqueue(q, backend.NewJob{Task: "a", MaxAttempts: 3})[0]
	const delay = time.Second // also on a busy machine longer than the test looks at the state
	for i, o := range []struct {
		state, want backend.State
		delay       time.Duration
		attempts    int
	}{
		{backend.Retryable, backend.Retryable, delay, 1},
		{backend.Scheduled, backend.Scheduled, delay, 1},
		{backend.Available, backend.Available, 0, 1},
		{backend.Retryable, backend.Available, 0, 2},
		{backend.Retryable, backend.Retryable, delay, 3},
	} {
		j := t.waitFetch(q)
		if j.ID != id || j.Starts != i+1 {
			t.Fatalf("run %d is run %d of job %d, want of %d", i+1, j.Starts, j.ID, id)
		}
		before := time.Now()
		t.finish(q, backend.Outcome{Run: j.Run(), State: o.state, Delay: o.delay, Error: fmt.Sprint("error ", i)})
		j = t.wantState(q, id, o.want)
		t.wantBetween("RunAt", j.RunAt, before.Add(o.delay), time.Now().Add(o.delay))
		if j.Attempt != o.attempts || j.Error != fmt.Sprint("error ", i) || !j.Finished.IsZero() || j.MaxAttempts != 3 {
			t.Errorf("after outcome %d the job is %+v, want %d attempts", i, j, o.attempts)
		}
	}
	j := t.waitFetch(q)
	t.finish(q, backend.Outcome{Run: j.Run(), State: backend.Completed})
	j = t.wantState(q, id, backend.Completed)
	if j.Attempt != 4 || j.Crashes != 0 || j.Finished.Before(j.Started) {
		t.Errorf("the completed job is %+v", j)
	}
	t.wantTotal(q, backend.Counts{Completed: 1})
}

func watchQueues(t *tester) {
	b := t.h.New(t.T)
	q := b.Queue()
	due, stop := q.Watch("a", "", "a")
	other, stopOther := q.Watch("b")
	t.mustOpen(b)
	within := func(limit time.Duration, due <-chan struct{}) bool {
		select {
		case <-due:
			return true
		case <-time.After(limit):
			return false
		}
	}
	notified := func(due <-chan struct{}) bool { return within(t.soon(), due) }
	unasked := func(due <-chan struct{}) bool { return within(maxDelay+t.h.Slack, due) }
	if unasked(due) {
		t.Error("a watcher is notified although no job is due")
	}
	for _, name := range []string{"a", "", "default"} {
		t.enqueue(q, backend.NewJob{Task: "x", Queue: name}, backend.NewJob{Task: "x", Queue: name})
		if !notified(due) {
			t.Errorf("a watcher is not notified of jobs of %q", name)
		}
	}
	late, stopLate := q.Watch("a")
	if !notified(late) {
		t.Error("a later watcher is not notified of jobs that are due already")
	}
	stopLate()
	if unasked(other) {
		t.Error("the watcher of another queue is notified")
	}
	t.mustClose(b)
	t.must(b.Open(t.ctx, testNode))
	t.enqueue(q, backend.NewJob{Task: "x", Queue: "b", Delay: 10 * time.Millisecond})
	if !notified(other) {
		t.Error("a watcher is not notified after Close and Open")
	}
	stop()
	stop()
	for unasked(due) { // drain the value from before stop
		continue
	}
	t.enqueue(q, backend.NewJob{Task: "x", Queue: "a"})
	if unasked(due) {
		t.Error("a watcher is notified after stop")
	}
	stopOther()
}
