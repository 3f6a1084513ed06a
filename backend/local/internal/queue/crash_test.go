package queue

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/local/internal/faultfs"
)

// TestPowerCut cuts the power at each of the first 200 writes. Afterwards every change that had returned without an error
// must exist completely. The change of the interrupted call may exist, and nothing else.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	for cut := 1; cut <= 200; cut++ {
		t.Run(fmt.Sprint("write ", cut), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { powerCut(t, cut) })
		})
	}
}

// TestPowerCutLater does the same with more jobs, and during compactions.
func TestPowerCutLater(t *testing.T) {
	t.Parallel()
	for n := range 12 {
		cut := 1000 + 131*n
		t.Run(fmt.Sprint("write ", cut), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { powerCut(t, cut) })
		})
	}
}

func powerCut(t *testing.T, cut int) {
	fs := new(faultfs.FS)
	fs.CutPowerAfter(cut)
	before, after := open(t, config(nil)), open(t, config(nil)) // the expected jobs without and with the interrupted call
	defer closeQueue(t, before)
	defer closeQueue(t, after)
	s := newScript(uint64(cut))
	q := New()
	err := q.Open(config(fs))
	for err == nil {
		time.Sleep(10 * time.Second)
		synctest.Wait()
		var done int
		if done, err = s.step(q, after, before); err != nil && done == 0 {
			err = errors.Join(err, s.repeat(after))
		}
	}
	if !errors.Is(err, faultfs.ErrPowerOff) {
		t.Fatalf("after %d writes: %v", fs.Writes(), err)
	}
	_ = q.Close() // fails, because the power is off
	reopen(t, before)
	reopen(t, after)
	for n, p := range []float64{0, 1, 0.5, 0.1} {
		afterCrash(t, fs.AfterCrash(rand.New(rand.NewPCG(uint64(cut), uint64(n))), p), before, after, s.lastID)
	}
}

// reopen closes and opens a queue. All runs crash.
func reopen(t *testing.T, q *Queue) {
	closeQueue(t, q)
	// A queue that is read from disk orders jobs that became due in the same millisecond by id.
	now, _ := q.clock.now()
	q.jobs.rebuild(now.wall)
	if err := q.Open(q.cfg); err != nil {
		t.Fatal(err)
	}
}

// afterCrash opens the folder after a power cut, checks its jobs and makes further calls.
func afterCrash(t *testing.T, fs *faultfs.FS, before, after *Queue, last uint64) {
	t.Helper()
	q := open(t, config(fs))
	got := contents(t, q)
	if was, is := contents(t, before), contents(t, after); !slices.Equal(was, got) && !slices.Equal(is, got) {
		t.Fatalf("the jobs differ from those without the interrupted call (-want +got):\n%s\nand from those with it (-want +got):\n%s", diff(was, got), diff(is, got))
	}
	checkInvariants(t, q)
	reopen(t, q)
	if d := diff(got, contents(t, q)); d != "" {
		t.Fatalf("after the second Open (-want +got):\n%s", d)
	}
	s := newScript(1)
	s.lastID = last
	for range 40 {
		if _, err := s.step(q); err != nil {
			t.Fatal(err)
		}
	}
	finishAll(t, q) // running jobs would crash
	want := contents(t, q)
	checkInvariants(t, q)
	reopen(t, q)
	if d := diff(want, contents(t, q)); d != "" {
		t.Errorf("after more calls and another Open (-want +got):\n%s", d)
	}
	checkInvariants(t, q)
	closeQueue(t, q)
}

// finishAll completes all running jobs.
func finishAll(t *testing.T, q *Queue) {
	t.Helper()
	running, err := q.List(t.Context(), backend.JobFilter{States: []backend.State{backend.Running}, Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for _, j := range running {
		if _, err := q.Finish(t.Context(), backend.Outcome{Run: j.Run(), State: backend.Completed}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCompaction makes 3,000 calls. The journal must stay short, and no job may be lost.
func TestCompaction(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fs := new(faultfs.FS)
		want, q := open(t, config(nil)), open(t, config(fs))
		s := newScript(1)
		for n := range 3000 {
			time.Sleep(10 * time.Second)
			synctest.Wait()
			if _, err := s.step(q, want); err != nil {
				t.Fatal(err)
			}
			// The segment that is too much, the current one and the spare one may each be a quarter of the journal.
			q.mu.Lock()
			needed := q.jobs.bytes
			q.mu.Unlock()
			if used, most := fs.Used(), 2*(2*needed+slack*q.cfg.FileBytes)+3*q.cfg.FileBytes; used > most {
				t.Fatalf("after %d steps the jobs need %d bytes and the journal has %d, want at most %d", n, needed, used, most)
			}
			if n%500 == 0 {
				reopen(t, q)
				reopen(t, want)
				if d := diff(contents(t, want), contents(t, q)); d != "" {
					t.Fatalf("after %d steps (-want +got):\n%s", n, d)
				}
				checkInvariants(t, q)
				checkInvariants(t, want)
			}
		}
		q.mu.Lock()
		number, _ := q.log.Oldest()
		q.mu.Unlock()
		if number < 3 {
			t.Errorf("the oldest segment is %d: nothing was compacted", number)
		}
		closeQueue(t, q)
		closeQueue(t, want)
	})
}
