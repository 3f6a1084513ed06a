package queue

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/local/internal/faultfs"
)

func listJobs(t testing.TB, q *Queue) map[uint64]backend.Job {
	t.Helper()
	jobs, err := q.List(context.Background(), backend.JobFilter{Limit: 100_000})
	if err != nil {
		t.Fatalf("List: %v", err)
	}
	byID := map[uint64]backend.Job{}
	for _, j := range jobs {
		byID[j.ID] = j
	}
	return byID
}

// busyFolder returns a folder of several files with jobs in all states, these jobs, and the used length of each file.
// Every third job is cancelled soon after it was enqueued. The seed decides about the other jobs.
func busyFolder(t *testing.T, seed uint64, steps int) (fs *faultfs.FS, jobs map[uint64]backend.Job, used map[string]int) {
	t.Helper()
	fs = new(faultfs.FS)
	c := config(fs)
	c.KeepCompleted, c.KeepFailed = 1000*time.Hour, 1000*time.Hour
	q := open(t, c)
	s := newScript(seed)
	for n := range steps {
		time.Sleep(time.Second)
		if _, err := s.step(q); err != nil {
			t.Fatal(err)
		}
		id := enqueue(t, q, backend.NewJob{Task: "a", Delay: 1000 * time.Hour, Params: make([]byte, 100)})[0]
		if n%3 == 0 {
			if _, err := q.Cancel(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
	}
	finishAll(t, q)
	jobs = listJobs(t, q)
	closeQueue(t, q)
	used = map[string]int{}
	names, _ := fs.List()
	for _, name := range names {
		if b := bytes.TrimRight(fs.Bytes(name), "\x00"); len(b) > 512 {
			used[name] = len(b)
		}
	}
	if len(used) < 5 {
		t.Fatalf("the journal has %d files", len(used))
	}
	return fs, jobs, used
}

// damage is a damage of one file.
type damage struct {
	text string
	do   func(fs *faultfs.FS)
}

// damagesAtRandom returns damages of one or two files: files that are removed or truncated, and parts that are
// overwritten or changed.
func damagesAtRandom(random *rand.Rand, used map[string]int) (list []damage) {
	names := slices.Sorted(maps.Keys(used))
	first := random.IntN(len(names))
	for _, name := range names[first:min(first+1+random.IntN(2), len(names))] {
		at, bit := random.IntN(used[name]), byte(1)<<random.IntN(8)
		switch random.IntN(4) {
		case 0:
			list = append(list, damage{name + " is removed", func(fs *faultfs.FS) { _ = fs.Remove(name) }})
		case 1:
			list = append(list, damage{fmt.Sprintf("%s is truncated to %d", name, at), func(fs *faultfs.FS) { fs.Truncate(name, at) }})
		case 2:
			list = append(list, damage{fmt.Sprintf("byte %d of %s is changed", at, name), func(fs *faultfs.FS) { fs.Bytes(name)[at] ^= bit }})
		default:
			list = append(list, damage{fmt.Sprintf("bytes from %d of %s are zero", at, name), func(fs *faultfs.FS) { clear(fs.Bytes(name)[at:min(at+2000, used[name])]) }})
		}
	}
	return list
}

// damaged returns a copy of a folder with damages, and their text. It returns nil if Open does not see one of them: it is
// after the last batch, or looks like a batch that was being written.
func damaged(t *testing.T, whole *faultfs.FS, damages []damage) (fs *faultfs.FS, text string) {
	t.Helper()
	fs = whole.Clone()
	for _, d := range damages {
		alone := whole.Clone()
		if d.do(alone); openDamaged(t, alone) == nil {
			return nil, ""
		}
		d.do(fs)
		text += d.text + ", "
	}
	return fs, text
}

// Whatever is damaged: a repair reports it, names each job that is gone, and lets no job run again that was cancelled or
// had ended.
func TestARepairNeverCallsAHoleWhole(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { repairDamages(t, seed) })
		})
	}
}

// repairDamages damages and repairs copies of a folder.
func repairDamages(t *testing.T, seed uint64) {
	whole, jobs, used := busyFolder(t, seed, 150)
	random := rand.New(rand.NewPCG(5, seed))
	gone, heldJobs := 0, 0
	for range 25 * *depth {
		fs, text := damaged(t, whole, damagesAtRandom(random, used))
		if fs == nil {
			continue
		}
		r := repair(t, fs)
		q := open(t, config(fs))
		after := listJobs(t, q)
		gone += checkRepaired(t, text, &r, jobs, after)
		heldJobs += len(r.Held)
		if id := enqueue(t, q, backend.NewJob{Task: "new"})[0]; jobs[id].ID != 0 {
			t.Errorf("%sa new job gets the id %d of another one", text, id)
		}
		closeQueue(t, q)
	}
	if gone < 50 || heldJobs < 50 {
		t.Errorf("only %d jobs were lost and %d held", gone, heldJobs)
	}
}

// checkRepaired compares the jobs before the damage and after the repair with the report r. It returns the number of
// lost jobs.
func checkRepaired(t *testing.T, text string, r *Repaired, before, after map[uint64]backend.Job) (gone int) {
	t.Helper()
	if len(r.Loss.Places) == 0 {
		t.Errorf("%sbut the report is %+v", text, r)
	}
	named := func(id uint64) bool {
		return id <= r.UpTo || r.From > 0 && id >= r.From || slices.ContainsFunc(r.Missing, func(ids IDs) bool { return ids.From <= id && id <= ids.To })
	}
	for id, was := range before {
		is, ok := after[id]
		switch {
		case !ok && !named(id):
			t.Errorf("%sjob %d is gone, and the report does not name it: %+v", text, id, r)
		case !ok:
			gone++
		case was.State.Finished() && !is.State.Finished():
			t.Errorf("%sjob %d was %v and is %v: %+v", text, id, was.State, is.State, r)
		case is.Error == heldText && !slices.Contains(r.Held, id):
			t.Errorf("%sjob %d was %v and is %v, and the report does not name it: %+v", text, id, was.State, is.State, r)
		}
	}
	for _, ids := range r.Missing {
		for id := ids.From; id <= ids.To; id++ {
			if after[id].ID != 0 {
				t.Errorf("%sthe report says that job %d is missing", text, id)
			}
		}
	}
	return gone
}

// If each lost record is known to be the record of a new job, no other job is held.
func TestRepairHoldsNoJobWithoutNeed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fs := new(faultfs.FS)
		q := open(t, config(fs))
		for _, name := range []string{"first", "second", "third"} {
			enqueue(t, q, backend.NewJob{Task: name})
		}
		closeQueue(t, q)
		fs.Bytes("tasks-00000001.log")[bytes.Index(fs.Bytes("tasks-00000001.log"), []byte("second"))] ^= 1
		if r := repair(t, fs); !slices.Equal(r.Missing, []IDs{{2, 2}}) || len(r.Held) > 0 || r.Jobs != 2 || r.Loss.Batches != 1 || r.Loss.Unknown {
			t.Errorf("the report is %+v", r)
		}
	})
}

// Resume makes each held job wait for its own time again, unless another job has taken its unique key.
func TestHeldJobsWaitAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fs := new(faultfs.FS)
		q := open(t, config(fs))
		at := time.Now().Add(time.Hour)
		ids := enqueue(t, q, backend.NewJob{Task: "later", RunAt: at}, backend.NewJob{Task: "now"}, backend.NewJob{Task: "unique", Unique: "key"}, backend.NewJob{Task: "cancelled"})
		end := len(bytes.TrimRight(fs.Bytes("tasks-00000001.log"), "\x00"))
		if _, err := q.Cancel(t.Context(), ids[3]); err != nil {
			t.Fatal(err)
		}
		closeQueue(t, q)
		fs.Truncate("tasks-00000001.log", end)
		if r := repair(t, fs); !slices.Equal(r.Held, ids) || !r.Loss.Unknown || len(r.Missing) > 0 || r.Jobs != 4 {
			t.Fatalf("the report is %+v", r)
		}
		q = open(t, config(fs))
		for _, id := range ids {
			if j, err := q.Get(t.Context(), id); err != nil || j.State != backend.Dead || j.Error != heldText {
				t.Errorf("a held job is %+v, %v", j, err)
			}
		}
		if _, err := q.Cancel(t.Context(), ids[3]); err != nil {
			t.Fatal(err)
		}
		if err := q.Delete(t.Context(), ids[3]); err != nil {
			t.Fatal(err)
		}
		enqueue(t, q, backend.NewJob{Task: "other", Unique: "key"})
		closeQueue(t, q)
		if n, err := Resume(config(fs)); err != nil || n != 2 {
			t.Errorf("Resume = %d, %v", n, err)
		}
		q = open(t, config(fs))
		for i, want := range []backend.State{backend.Scheduled, backend.Available, backend.Dead} {
			j, err := q.Get(t.Context(), ids[i])
			if err != nil || j.State != want || i == 0 && !j.RunAt.Equal(at) {
				t.Errorf("job %d is %+v, %v", i, j, err)
			}
		}
		checkInvariants(t, q)
		closeQueue(t, q)
		if n, err := Resume(config(fs)); err != nil || n != 0 {
			t.Errorf("a second Resume = %d, %v", n, err)
		}
	})
}
