package queue

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/local/internal/faultfs"
)

// finishJobs enqueues and finishes n jobs, one per second, and returns their ids.
func finishJobs(t *testing.T, q *Queue, n int, state backend.State) []uint64 {
	t.Helper()
	var ids []uint64
	for range n {
		ids = append(ids, enqueue(t, q, backend.NewJob{Task: "a"})...)
		for _, j := range fetch(t, q) {
			if _, err := q.Finish(t.Context(), backend.Outcome{Run: j.Run(), State: state}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second)
	}
	return ids
}

func totals(t *testing.T, q *Queue) backend.Counts {
	t.Helper()
	stats, err := q.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return stats.Total
}

// TestKeepDuration checks that finished jobs are removed after their retention, without a call of the queue.
func TestKeepDuration(t *testing.T) {
	t.Parallel()
	inMemoryAndOnDisk(t, func(t *testing.T, q *Queue, _ *wallClock) {
		finishJobs(t, q, 5, backend.Completed)
		finishJobs(t, q, 5, backend.Cancelled)
		finishJobs(t, q, 5, backend.Dead)
		for _, wait := range []struct {
			time time.Duration
			want backend.Counts
		}{
			{9*time.Minute + 30*time.Second, backend.Counts{Completed: 5, Cancelled: 5, Dead: 5}},
			{time.Minute, backend.Counts{Dead: 5}},
			{9 * time.Minute, backend.Counts{Dead: 5}},
			{time.Minute, backend.Counts{}},
		} {
			time.Sleep(wait.time)
			synctest.Wait()
			q.mu.Lock()
			counts := countsOf(&q.jobs.counts)
			q.mu.Unlock()
			if counts != wait.want {
				t.Errorf("after another %v there are %+v, want %+v", wait.time, counts, wait.want)
			}
		}
		q.mu.Lock()
		defer q.mu.Unlock()
		if q.jobs.count != 0 || len(q.jobs.queues.numbers) != 1 || len(q.jobs.tasks.numbers) != 1 || len(q.jobs.nodes.numbers) != 1 {
			t.Errorf("%d jobs are kept, %d queues, %d tasks, %d nodes", q.jobs.count, len(q.jobs.queues.numbers), len(q.jobs.tasks.numbers), len(q.jobs.nodes.numbers))
		}
	})
}

// TestKeepMost finishes more jobs than KeepMost. The oldest completed jobs are removed; dead jobs are counted separately.
func TestKeepMost(t *testing.T) {
	t.Parallel()
	for _, fs := range []*faultfs.FS{nil, new(faultfs.FS)} {
		synctest.Test(t, func(t *testing.T) {
			c := config(fs)
			c.KeepMost = 10
			q := open(t, c)
			done, dead := finishJobs(t, q, 25, backend.Completed), finishJobs(t, q, 5, backend.Dead)
			for range 2 {
				if got := totals(t, q); got != (backend.Counts{Completed: 10, Dead: 5}) {
					t.Errorf("%+v are kept", got)
				}
				for i, id := range append(done, dead...) {
					if _, err := q.Get(t.Context(), id); (err == nil) != (i >= 15) {
						t.Errorf("Get of job %d of 30 = %v", i, err)
					}
				}
				reopen(t, q)
			}
			checkInvariants(t, q)
			closeQueue(t, q)
		})
	}
}

// TestKeyOutlivesJob completes a job whose unique key is held for longer than the retention of completed jobs.
func TestKeyOutlivesJob(t *testing.T) {
	t.Parallel()
	inMemoryAndOnDisk(t, func(t *testing.T, q *Queue, _ *wallClock) {
		job := backend.NewJob{Task: "a", Unique: "key", UniqueFor: time.Hour}
		id := enqueue(t, q, job)[0]
		if _, err := q.Finish(t.Context(), backend.Outcome{Run: fetch(t, q)[0].Run(), State: backend.Completed}); err != nil {
			t.Fatal(err)
		}
		for wait := range 4 {
			time.Sleep(14 * time.Minute)
			if got := enqueue(t, q, job)[0]; got != id {
				t.Errorf("after %d minutes job %d holds the key, want %d", 14*(wait+1), got, id)
			}
			reopen(t, q)
			checkInvariants(t, q)
		}
		time.Sleep(4 * time.Minute)
		synctest.Wait()
		q.mu.Lock()
		if q.jobs.count != 0 || len(q.jobs.keys.holders) != 0 {
			t.Errorf("%d jobs and %d keys are left", q.jobs.count, len(q.jobs.keys.holders))
		}
		q.mu.Unlock()
		if got := enqueue(t, q, job)[0]; got == id {
			t.Error("the key is still held")
		}
	})
}

// TestHistoryMakesRoomForWork fills the queue with finished jobs. New jobs remove the oldest of them, first completed and
// cancelled ones. A refused job removes none.
func TestHistoryMakesRoomForWork(t *testing.T) {
	t.Parallel()
	inMemoryAndOnDisk(t, func(t *testing.T, q *Queue, _ *wallClock) {
		q.mu.Lock()
		q.cfg.MaxBytes = 1 << 20
		q.mu.Unlock()
		large := backend.NewJob{Task: "a", Params: make([]byte, 100<<10)}
		finish := func(state backend.State) uint64 {
			id := enqueue(t, q, large)[0]
			if _, err := q.Finish(t.Context(), backend.Outcome{Run: fetch(t, q)[0].Run(), State: state}); err != nil {
				t.Fatal(err)
			}
			return id
		}
		dead := finish(backend.Dead)
		var done []uint64
		for range 9 {
			done = append(done, finish(backend.Completed))
		}
		keyed := backend.NewJob{Task: "a", Unique: "key", UniqueFor: 5 * time.Minute}
		enqueue(t, q, keyed)
		if _, err := q.Finish(t.Context(), backend.Outcome{Run: fetch(t, q)[0].Run(), State: backend.Completed}); err != nil {
			t.Fatal(err)
		}
		enqueue(t, q, large)
		if _, err := q.EnqueueScheduled(t.Context(), "schedule", time.Now(), large); err != nil {
			t.Fatal(err)
		}
		for i, id := range append(done, dead) {
			if _, err := q.Get(t.Context(), id); (err == nil) != (i >= 2) {
				t.Errorf("after two more jobs, Get of the finished job %d = %v", i, err)
			}
		}
		before := totals(t, q)
		if _, err := q.Enqueue(t.Context(), slices.Repeat([]backend.NewJob{large}, 9)...); !errors.Is(err, backend.ErrFull) || totals(t, q) != before {
			t.Errorf("more than fits beside the waiting jobs: %v, and there are %+v, before %+v", err, totals(t, q), before)
		}
		enqueue(t, q, slices.Repeat([]backend.NewJob{large}, 8)...)
		if got := totals(t, q); got != (backend.Counts{Available: 10, Completed: 1}) {
			t.Errorf("in the end there are %+v", got)
		}
		if added, err := q.Enqueue(t.Context(), keyed); err != nil || !added[0].Existing {
			t.Errorf("the key of a finished job: %+v, %v", added, err)
		}
		checkInvariants(t, q)
	})
}

func TestLimits(t *testing.T) {
	t.Parallel()
	inMemoryAndOnDisk(t, func(t *testing.T, q *Queue, _ *wallClock) {
		q.mu.Lock()
		q.cfg.MaxJobs, q.cfg.MaxBytes = 10, 5000
		q.mu.Unlock()
		refused := func(what, want string, jobs ...backend.NewJob) {
			t.Helper()
			before := totals(t, q)
			_, err := q.Enqueue(t.Context(), jobs...)
			if !errors.Is(err, backend.ErrFull) || !strings.Contains(err.Error(), want) || totals(t, q) != before {
				t.Errorf("%s: %v, want %s", what, err, want)
			}
			if _, err := q.EnqueueScheduled(t.Context(), what, time.Now(), jobs...); !errors.Is(err, backend.ErrFull) {
				t.Errorf("%s, from a schedule: %v", what, err)
			}
			if ticks, err := q.LastRuns(t.Context()); err != nil || len(ticks) > 0 {
				t.Errorf("%s: a last run was set: %v, %v", what, ticks, err)
			}
		}
		small, large := backend.NewJob{Task: "a"}, backend.NewJob{Task: "a", Params: make([]byte, 4000)}
		small.Unique = "key"
		enqueue(t, q, small)
		small.Unique = ""
		for range 8 {
			enqueue(t, q, small)
		}
		refused("too many at once", "there is no room for 2 jobs: 9 of the 10 that tasks.maxJobs allows", small, small)
		refused("too large", "of the 5000 bytes that tasks.maxBytes allows", large)
		enqueue(t, q, small)
		refused("too many", "there is no room for 1 jobs: 10 of the 10", small)
		small.Unique = "key"
		enqueue(t, q, small) // needs no room, because the job exists
		if len(fetch(t, q)) != 10 {
			t.Error("not all jobs can be fetched")
		}
		refused("too many running", "there is no room for 1 jobs: 10 of the 10", backend.NewJob{Task: "a"})
	})
}

// TestOneCrashLeft checks that two jobs with one crash left do not run at the same time, so that a third crash has a known
// cause.
func TestOneCrashLeft(t *testing.T) {
	t.Parallel()
	inMemoryAndOnDisk(t, func(t *testing.T, q *Queue, _ *wallClock) {
		ids := enqueue(t, q, backend.NewJob{Task: "a"}, backend.NewJob{Task: "b"})
		for range 2 {
			if n := len(fetch(t, q)); n != 2 {
				t.Fatalf("%d jobs were fetched", n)
			}
			reopen(t, q)
		}
		fresh := enqueue(t, q, backend.NewJob{Task: "fresh"})
		first := fetch(t, q)
		if len(first) != 2 || first[0].ID != ids[0] || first[1].ID != fresh[0] {
			t.Fatalf("%v were fetched, want one of those that crashed, and %d", first, fresh[0])
		}
		due, stop := q.Watch("default")
		defer stop()
		if _, err := q.Finish(t.Context(), backend.Outcome{Run: first[0].Run(), State: backend.Completed}); err != nil {
			t.Fatal(err)
		}
		<-due
		if second := fetch(t, q); len(second) != 1 || second[0].ID != ids[1] {
			t.Errorf("%v were fetched, want job %d", second, ids[1])
		}
		reopen(t, q)
		for id, want := range map[uint64]backend.State{ids[0]: backend.Completed, ids[1]: backend.Dead, fresh[0]: backend.Available} {
			if j, err := q.Get(t.Context(), id); err != nil || j.State != want {
				t.Errorf("job %d is %v, %v, want %v", id, j.State, err, want)
			}
		}
	})
}

// TestCrashOfCancelledJob checks that a job that is cancelled while it runs does not run again after a crash.
func TestCrashOfCancelledJob(t *testing.T) {
	t.Parallel()
	inMemoryAndOnDisk(t, func(t *testing.T, q *Queue, _ *wallClock) {
		id := enqueue(t, q, backend.NewJob{Task: "a"})[0]
		fetch(t, q)
		if j, err := q.Cancel(t.Context(), id); err != nil || !j.Cancelling {
			t.Fatalf("Cancel = %+v, %v", j, err)
		}
		reopen(t, q)
		if j, err := q.Get(t.Context(), id); err != nil || j.State != backend.Cancelled || j.Error == "" {
			t.Errorf("the job is %+v, %v", j, err)
		}
	})
}

// TestDamageWhileOpen flips a bit of a job's record while the queue is open. The job must not run.
func TestDamageWhileOpen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fs := new(faultfs.FS)
		q := open(t, config(fs))
		ids := enqueue(t, q, backend.NewJob{Task: "a", Params: []byte("of the first")}, backend.NewJob{Task: "a", Params: []byte("of the second")})
		file := fs.Bytes("tasks-00000001.log")
		file[bytes.Index(file, []byte("first"))] ^= 1
		if _, err := q.Get(t.Context(), ids[0]); !errors.Is(err, backend.ErrDamaged) {
			t.Errorf("Get of a job whose record is damaged = %v", err)
		}
		if jobs := fetch(t, q); len(jobs) != 1 || string(jobs[0].Params) != "of the second" {
			t.Errorf("Fetch = %+v", jobs)
		}
		if got := totals(t, q); got != (backend.Counts{Dead: 1, Running: 1}) {
			t.Errorf("there are %+v, want the damaged job to be dead", got)
		}
		closeQueue(t, q)
	})
}

// TestNewerFormat replays records of a newer version.
func TestNewerFormat(t *testing.T) {
	t.Parallel()
	tab := newTable(false, nil)
	err := tab.replay(1, []byte{recordHead, format + 1, 0})
	if err == nil || !strings.Contains(err.Error(), "newer version") {
		t.Errorf("replay = %v", err)
	}
	if err := tab.replay(1, []byte{99, 0}); err == nil || !strings.Contains(err.Error(), "kind 99") {
		t.Errorf("replay = %v", err)
	}
}

// TestUnknownFields rewrites the record of a job with fields of a later version. They must be kept.
func TestUnknownFields(t *testing.T) {
	t.Parallel()
	record := putText(putNumber([]byte{recordJob, 7}, 40, 12345), 41, "later")
	record = putSpec(record, &backend.NewJob{Task: "a", Queue: "q", Params: []byte("{}"), MaxCrashes: 3})
	record = putNumber(record, fieldState, uint64(backend.Scheduled))
	tab := newTable(false, nil)
	if err := tab.replay(1<<32, record); err != nil {
		t.Fatal(err)
	}
	again, err := putConstant([]byte{recordJob, 7}, record)
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range [][]byte{putNumber(nil, 40, 12345), putText(nil, 41, "later"), putText(nil, fieldTask, "a")} {
		if !bytes.Contains(again, field) {
			t.Errorf("%q is not in %q", field, again)
		}
	}
	if bytes.Contains(again, putNumber(nil, fieldState, uint64(backend.Scheduled))) {
		t.Errorf("the state is in %q, but is not constant", again)
	}
}

// TestIndex compares the index with a map. Ids are added in rising order and removed in random order.
func TestIndex(t *testing.T) {
	t.Parallel()
	var x index
	want := map[uint64]slot{}
	s := newScript(1)
	next := uint64(0)
	for n := range 200_000 {
		switch {
		case s.random.IntN(5) < 3:
			if next += 1 + s.random.Uint64N(3); n%1000 == 0 {
				next += 1 << 33
			}
			want[next] = slot(n + 1)
			x.insert(next, slot(n+1))
		case s.random.IntN(3) == 0 && next > 0: // insert again in the middle
			if id := s.random.Uint64N(next) + 1; want[id] == 0 {
				want[id] = slot(n + 1)
				x.insert(id, slot(n+1))
			}
		default:
			for id := range want {
				x.remove(id)
				delete(want, id)
				break
			}
		}
	}
	seen, last := 0, uint64(0)
	for id, at := range want {
		if x.find(id) != at || x.find(id+1) != want[id+1] {
			t.Fatalf("id %d is not found", id)
		}
	}
	for n := range x.pages {
		for _, r := range x.pages[n].refs {
			id := x.pages[n].base + uint64(r.off)
			if id <= last || want[id] != r.at || len(x.pages[n].refs) > pageSize {
				t.Fatalf("id %d follows %d, in a page of %d", id, last, len(x.pages[n].refs))
			}
			last = id
			seen++
		}
	}
	if seen != len(want) || x.count != seen {
		t.Errorf("there are %d ids, counted %d, want %d", seen, x.count, len(want))
	}
}

// FuzzReplay replays invalid records. The table must refuse them and keep its invariants.
func FuzzReplay(f *testing.F) {
	job := putSpec([]byte{recordJob, 1}, &backend.NewJob{Task: "a", Queue: "q", Unique: "u", MaxCrashes: 3})
	f.Add(putNumber(job, fieldState, uint64(backend.Running)), []byte{recordChange, 1, fieldState << 1, 5, fieldFinished << 1, 9})
	f.Add([]byte{recordDelete, 1}, []byte{recordShift, 3})
	f.Add(putSpec([]byte{recordJob, 0}, &backend.NewJob{Task: "a", Queue: "q"}), []byte{recordDelete, 0}) // ids begin with 1
	f.Add([]byte{recordLastRun, 2, 'a'}, []byte{recordHead, 1, 9})
	f.Fuzz(func(t *testing.T, a, b []byte) {
		q := New()
		q.jobs = newTable(false, q.watchers)
		for n, record := range [][]byte{job, a, b, a} {
			if err := q.jobs.replay(uint64(n+1)<<32, record); err != nil && !strings.Contains(fmt.Sprint(err), " ") {
				t.Errorf("replay: %v", err)
			}
		}
		q.jobs.rebuild(time.Now().UnixMilli())
		checkInvariants(t, q)
	})
}
