package queue

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/local/internal/faultfs"
)

// wallClock is a wall clock that can be set.
type wallClock struct{ ahead atomic.Int64 }

func (w *wallClock) set(by time.Duration) { w.ahead.Add(by.Milliseconds()) }

func (w *wallClock) now() time.Time {
	return time.Now().Add(time.Duration(w.ahead.Load()) * time.Millisecond)
}

// install makes q read w.
func (w *wallClock) install(q *Queue) {
	read := q.clock.read
	q.clock.read = func() (wall, mono, fraction int64) {
		wall, mono, fraction = read()
		return wall + w.ahead.Load(), mono, fraction
	}
}

func fetch(t *testing.T, q *Queue) []backend.Job {
	t.Helper()
	jobs, err := q.Fetch(t.Context(), backend.FetchRequest{Node: "n", Queues: []string{"default"}, Max: 100})
	if err != nil {
		t.Fatalf("Fetch: %v", err)
	}
	return jobs
}

func enqueue(t *testing.T, q *Queue, jobs ...backend.NewJob) []uint64 {
	t.Helper()
	added, err := q.Enqueue(t.Context(), jobs...)
	if err != nil {
		t.Fatalf("Enqueue: %v", err)
	}
	var ids []uint64
	for _, a := range added {
		ids = append(ids, a.ID)
	}
	return ids
}

// waitForJob fetches jobs as soon as one is due, and returns the first one and the time that this took.
func waitForJob(t *testing.T, q *Queue) (backend.Job, time.Duration) {
	t.Helper()
	start := time.Now()
	due, stop := q.Watch("default")
	defer stop()
	for {
		if jobs := fetch(t, q); len(jobs) > 0 {
			return jobs[0], time.Since(start)
		}
		<-due
	}
}

// inMemoryAndOnDisk runs a test with both kinds of queue, on a wall clock that can be set.
func inMemoryAndOnDisk(t *testing.T, test func(t *testing.T, q *Queue, w *wallClock)) {
	for _, fs := range []*faultfs.FS{nil, new(faultfs.FS)} {
		t.Run(fmt.Sprint("disk=", fs != nil), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				q, w := New(), new(wallClock)
				w.install(q)
				if err := q.Open(config(fs)); err != nil {
					t.Fatal(err)
				}
				test(t, q, w)
				checkInvariants(t, q)
				closeQueue(t, q)
			})
		})
	}
}

func wantWait(t *testing.T, q *Queue, task string, atLeast, atMost time.Duration) {
	t.Helper()
	j, took := waitForJob(t, q)
	if j.Task != task || took < atLeast || took > atMost {
		t.Errorf("the job %q was fetched after %v, want %q after %v to %v", j.Task, took, task, atLeast, atMost)
	}
	if j.Started.Before(j.RunAt) {
		t.Errorf("the job %q with the RunAt %v started at %v", j.Task, j.RunAt, j.Started)
	}
	if _, err := q.Finish(t.Context(), backend.Outcome{Run: j.Run(), State: backend.Completed}); err != nil {
		t.Fatal(err)
	}
}

const tolerance = 2 * time.Millisecond

// TestClockSetForward sets the clock forward by an hour. A job with a RunAt within that hour becomes due. A delay
// still lasts as long as before, and a run goes on.
func TestClockSetForward(t *testing.T) {
	t.Parallel()
	inMemoryAndOnDisk(t, func(t *testing.T, q *Queue, w *wallClock) {
		enqueue(t, q, backend.NewJob{Task: "running"})
		running, err := q.Fetch(t.Context(), backend.FetchRequest{Node: "n", Queues: []string{"default"}, Max: 1})
		if err != nil {
			t.Fatal(err)
		}
		enqueue(t, q, backend.NewJob{Task: "delayed", Delay: 5 * time.Minute}, backend.NewJob{Task: "run at", RunAt: w.now().Add(30 * time.Minute)},
			backend.NewJob{Task: "run at, later", RunAt: w.now().Add(90 * time.Minute)})
		w.set(time.Hour)
		wantWait(t, q, "run at", 0, time.Second+tolerance)
		wantWait(t, q, "delayed", 5*time.Minute-time.Second-tolerance, 5*time.Minute)
		if lost, err := q.Finish(t.Context(), backend.Outcome{Run: running[0].Run(), State: backend.Completed}); err != nil || len(lost) > 0 {
			t.Errorf("a run ended because the clock was set: %v, %v", lost, err)
		}
		wantWait(t, q, "run at, later", 24*time.Minute, 25*time.Minute)
	})
}

// TestClockSetBack sets the clock back by an hour. A due job without RunAt stays due and a delay lasts as long as before. A
// job with a RunAt waits for that time again.
func TestClockSetBack(t *testing.T) {
	t.Parallel()
	inMemoryAndOnDisk(t, func(t *testing.T, q *Queue, w *wallClock) {
		enqueue(t, q, backend.NewJob{Task: "at once"}, backend.NewJob{Task: "delayed", Delay: 5 * time.Minute, Priority: -1})
		enqueue(t, q, backend.NewJob{Task: "run at, due", RunAt: w.now().Add(time.Minute), Priority: 5}, backend.NewJob{Task: "run at", RunAt: w.now().Add(10 * time.Minute)})
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		w.set(-time.Hour)
		wantWait(t, q, "at once", 0, 0)
		enqueue(t, q, backend.NewJob{Task: "new"})
		wantWait(t, q, "new", 0, 0)
		wantWait(t, q, "delayed", 3*time.Minute-tolerance, 3*time.Minute+tolerance)
		wantWait(t, q, "run at, due", 56*time.Minute-tolerance, 56*time.Minute+tolerance)
		wantWait(t, q, "run at", 9*time.Minute-tolerance, 9*time.Minute+tolerance)
	})
}

// TestClockCorrectedBack sets the clock back by less than clockJump. No job may be early.
func TestClockCorrectedBack(t *testing.T) {
	t.Parallel()
	inMemoryAndOnDisk(t, func(t *testing.T, q *Queue, w *wallClock) {
		enqueue(t, q, backend.NewJob{Task: "run at", RunAt: w.now().Add(time.Minute)}, backend.NewJob{Task: "at once"})
		wantWait(t, q, "at once", 0, 0)
		enqueue(t, q, backend.NewJob{Task: "at once"})
		time.Sleep(time.Minute)
		synctest.Wait()
		w.set(-300 * time.Millisecond)
		wantWait(t, q, "at once", 0, 0)
		wantWait(t, q, "run at", 300*time.Millisecond-tolerance, 300*time.Millisecond+tolerance)
	})
}

// TestClockSetBeforeReopen checks that times that were shifted with the clock are shifted on disk, too, also in rewritten
// records, and that UniqueFor lasts as long as before.
func TestClockSetBeforeReopen(t *testing.T) {
	t.Parallel()
	for _, by := range []time.Duration{time.Hour, -time.Hour} {
		t.Run(by.String(), func(t *testing.T) {
			t.Parallel()
			inMemoryAndOnDisk(t, func(t *testing.T, q *Queue, w *wallClock) {
				ids := enqueue(t, q, backend.NewJob{Task: "delayed", Delay: 5 * time.Minute, Unique: "key", UniqueFor: 6 * time.Minute})
				w.set(by)
				time.Sleep(2 * time.Second)
				enqueue(t, q, backend.NewJob{Task: "after", Delay: 10 * time.Minute})
				for range 200 { // until the first segment is compacted
					id := enqueue(t, q, backend.NewJob{Task: "x", Params: make([]byte, 1000)})[0]
					if err := q.Delete(t.Context(), id); err != nil {
						t.Fatal(err)
					}
				}
				before := contents(t, q)
				reopen(t, q)
				if d := diff(before, contents(t, q)); d != "" {
					t.Errorf("before and after Open (-before +after):\n%s", d)
				}
				wantWait(t, q, "delayed", 5*time.Minute-2*time.Second-tolerance, 5*time.Minute-2*time.Second+tolerance)
				for _, held := range []bool{true, false} {
					added, err := q.Enqueue(t.Context(), backend.NewJob{Task: "y", Unique: "key", Delay: time.Hour})
					if err != nil || added[0].Existing != held || held && added[0].ID != ids[0] {
						t.Errorf("Enqueue = %+v, %v, want the key to be held: %t", added, err, held)
					}
					time.Sleep(time.Minute)
				}
				wantWait(t, q, "after", 3*time.Minute+2*time.Second-tolerance, 3*time.Minute+2*time.Second+tolerance)
			})
		})
	}
}
