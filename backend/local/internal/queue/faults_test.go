package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/local/internal/faultfs"
)

// TestDiskFull fills the disk. New jobs must be refused, existing jobs can still be fetched and finished, and Enqueue works
// again once the disk has room.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fs := new(faultfs.FS)
		want, q := open(t, config(nil)), open(t, config(fs))
		synctest.Wait()
		fs.SetCapacity(fs.Used() + 20<<10)
		job := backend.NewJob{Task: "a", Params: make([]byte, 300)}
		n := 0
		var err error
		for ; err == nil; n++ {
			_, err = q.Enqueue(t.Context(), job)
		}
		if !errors.Is(err, backend.ErrDiskFull) || n < 20 {
			t.Fatalf("after %d jobs: %v", n, err)
		}
		n--
		for range n {
			if _, err := want.Enqueue(t.Context(), job); err != nil {
				t.Fatal(err)
			}
		}
		for range 20 { // more often than the remaining space of a segment would allow
			if _, err := q.Enqueue(t.Context(), job); !errors.Is(err, backend.ErrDiskFull) {
				t.Errorf("Enqueue = %v, want %v", err, backend.ErrDiskFull)
			}
			for _, q := range []*Queue{q, want} {
				jobs, err := q.Fetch(t.Context(), backend.FetchRequest{Node: "n", Queues: []string{"default"}, Max: 1})
				if err != nil || len(jobs) != 1 {
					t.Fatalf("on a full disk, Fetch = %d jobs, %v", len(jobs), err)
				}
				if _, err := q.Finish(t.Context(), backend.Outcome{Run: jobs[0].Run(), State: backend.Completed}); err != nil {
					t.Fatalf("on a full disk, Finish = %v", err)
				}
			}
		}
		wantSame(t, want, q)
		fs.SetCapacity(0)
		for _, q := range []*Queue{q, want} {
			if _, err := q.Enqueue(t.Context(), job); err != nil {
				t.Fatalf("after the disk has room again, Enqueue = %v", err)
			}
		}
		wantSame(t, want, q)
		reopen(t, q)
		wantSame(t, want, q)
		closeQueue(t, q)
		closeQueue(t, want)
	})
}

// TestLargeJobs enqueues more at once than a file of the minimum size can store, with room on the disk and without.
func TestLargeJobs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fs := new(faultfs.FS)
		want, q := open(t, config(nil)), open(t, config(fs))
		large := backend.NewJob{Task: "a", Params: make([]byte, 300<<10)}
		for n := range 12 {
			synctest.Wait()
			if n%3 == 1 {
				fs.SetCapacity(fs.Used() + 100<<10)
				if _, err := q.Enqueue(t.Context(), large, large); !errors.Is(err, backend.ErrDiskFull) {
					t.Errorf("Enqueue = %v, want %v", err, backend.ErrDiskFull)
				}
			}
			for _, q := range []*Queue{q, want} {
				if n%3 == 1 {
					enqueue(t, q, backend.NewJob{Task: "small"})
				} else {
					enqueue(t, q, large, large)
				}
			}
			fs.SetCapacity(0)
			wantSame(t, want, q)
			reopen(t, q)
			wantSame(t, want, q)
		}
		closeQueue(t, q)
		closeQueue(t, want)
	})
}

// TestReadOnly opens a folder that is not writable, and one that becomes not writable while it is open.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fs := new(faultfs.FS)
		fs.FailWrites(syscall.EROFS)
		err := New().Open(config(fs))
		want := "tasks cannot be kept in /faulty: " + syscall.EROFS.Error() + ": " + backend.ErrReadOnly.Error()
		if !errors.Is(err, backend.ErrReadOnly) || err.Error() != want {
			t.Errorf("Open = %v, want %s", err, want)
		}
		fs.FailWrites(nil)
		q := open(t, config(fs))
		id := enqueue(t, q, backend.NewJob{Task: "a"})[0]
		fs.FailWrites(syscall.EROFS)
		if _, err := q.Enqueue(t.Context(), backend.NewJob{Task: "a"}); !errors.Is(err, backend.ErrReadOnly) {
			t.Errorf("Enqueue = %v", err)
		}
		if j, err := q.Get(t.Context(), id); err != nil || j.State != backend.Available {
			t.Errorf("Get = %+v, %v", j, err)
		}
		fs.FailWrites(nil)
		closeQueue(t, q)
	})
}

// wantSame checks that two queues have the same jobs, and the invariants of both.
func wantSame(t *testing.T, want, q *Queue) {
	t.Helper()
	if d := diff(contents(t, want), contents(t, q)); d != "" {
		t.Fatalf("the jobs differ (-want +got):\n%s", d)
	}
	checkInvariants(t, want)
	checkInvariants(t, q)
}

// TestFailingWrites lets every fourth call fail with several errors. A call that fails must change nothing.
func TestFailingWrites(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { failingWrites(t, seed) })
		})
	}
}

func failingWrites(t *testing.T, seed uint64) {
	failures := map[error]error{syscall.ENOSPC: backend.ErrDiskFull, syscall.EROFS: backend.ErrReadOnly, syscall.EIO: syscall.EIO}
	fs := new(faultfs.FS)
	want, q := open(t, config(nil)), open(t, config(fs))
	s := newScript(seed)
	failed := 0
	for n := range 300 {
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n%4 == 3 {
			for _, fail := range []error{syscall.ENOSPC, syscall.EROFS, syscall.EIO} {
				fs.FailWrites(fail)
				s.last = s.next()
				runs := slices.Clone(s.runs)
				if err := s.repeat(q); err == nil { // nothing had to be written
					if err := s.repeat(want); err != nil {
						t.Fatal(err)
					}
				} else if s.runs = runs; !errors.Is(err, failures[fail]) {
					t.Fatalf("%v is reported as %v", fail, err)
				} else {
					failed++
				}
				wantSame(t, want, q)
			}
			fs.FailWrites(nil)
		}
		if _, err := s.step(q, want); err != nil {
			t.Fatalf("step %d: %v", n, err)
		}
		if n%100 == 50 {
			reopen(t, q)
			reopen(t, want)
			wantSame(t, want, q)
		}
	}
	if failed < 100 {
		t.Errorf("only %d calls failed", failed)
	}
	closeQueue(t, q)
	closeQueue(t, want)
}

// TestFailingWritesConcurrently makes calls from several goroutines, which share the batches that fail. At the end exactly
// the changes of the successful calls must exist.
func TestFailingWritesConcurrently(t *testing.T) {
	t.Parallel()
	fs := new(faultfs.FS)
	q := open(t, config(fs))
	var mu sync.Mutex
	durable := map[uint64]backend.State{}
	set := func(id uint64, s backend.State) {
		mu.Lock()
		defer mu.Unlock()
		durable[id] = s
	}
	ctx, stop := context.WithCancel(t.Context())
	var wg, failing sync.WaitGroup
	failing.Go(func() {
		for ctx.Err() == nil {
			fs.FailWrites(syscall.EIO)
			time.Sleep(50 * time.Microsecond)
			fs.FailWrites(nil)
			time.Sleep(200 * time.Microsecond)
		}
	})
	for c := range 8 {
		wg.Go(func() {
			for i := range 300 {
				name := fmt.Sprint(c)
				added, err := q.Enqueue(ctx, backend.NewJob{Task: "a", Queue: name, Params: make([]byte, 100), Unique: fmt.Sprint(c, i)})
				if err == nil {
					set(added[0].ID, backend.Available)
				}
				jobs, err := q.Fetch(ctx, backend.FetchRequest{Node: name, Queues: []string{name}, Max: 1})
				if err != nil || len(jobs) == 0 {
					continue
				}
				set(jobs[0].ID, backend.Running)
				state := []backend.State{backend.Completed, backend.Dead}[i%2]
				if _, err := q.Finish(ctx, backend.Outcome{Run: jobs[0].Run(), State: state, Error: "e"}); err == nil {
					set(jobs[0].ID, state)
				}
			}
		})
	}
	wg.Wait()
	stop()
	failing.Wait()
	fs.FailWrites(nil)
	verify := func() {
		t.Helper()
		checkInvariants(t, q)
		jobs, err := q.List(t.Context(), backend.JobFilter{Limit: 10_000})
		if err != nil {
			t.Fatal(err)
		}
		if len(jobs) != len(durable) {
			t.Errorf("there are %d jobs, want %d", len(jobs), len(durable))
		}
		for _, j := range jobs {
			if want, ok := durable[j.ID]; !ok || j.State != want {
				t.Errorf("job %d is %v, want %v", j.ID, j.State, want)
			}
		}
	}
	verify()
	added, err := q.Enqueue(t.Context(), backend.NewJob{Task: "last"}) // overwrites the failed batches
	if err != nil {
		t.Fatal(err)
	}
	durable[added[0].ID] = backend.Available
	for id, state := range durable {
		if state == backend.Running { // its run crashes
			durable[id] = backend.Available
		}
	}
	reopen(t, q)
	verify()
	closeQueue(t, q)
}
