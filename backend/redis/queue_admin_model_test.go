//go:build unix

package redis

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/testkit/redistest"
)

// wantList compares List with the records of all jobs, for a random filter.
func (s *shardTest) wantList(r *rand.Rand, jobs map[uint64]backend.Job) {
	s.Helper()
	f := backend.JobFilter{Newest: r.IntN(2) == 0, Limit: 1 + r.IntN(20), Queue: []string{"", "a", "b"}[r.IntN(3)], Task: []string{"", "x", "y"}[r.IntN(3)]}
	for state := backend.Scheduled; state <= backend.Dead; state++ {
		if r.IntN(2) == 0 {
			f.States = append(f.States, state)
		}
	}
	if r.IntN(2) == 0 {
		f.After = r.Uint64N(1000)
	}
	var want []uint64
	for id, j := range jobs {
		if (len(f.States) == 0 || slices.Contains(f.States, j.State)) && (f.Queue == "" || j.Queue == f.Queue) && (f.Task == "" || j.Task == f.Task) &&
			(f.After == 0 || f.Newest && id < f.After || !f.Newest && id > f.After) {
			want = append(want, id)
		}
	}
	slices.SortFunc(want, func(a, b uint64) int {
		if f.Newest {
			a, b = b, a
		}
		return cmp.Compare(a, b)
	})
	want = want[:min(len(want), f.Limit)]
	if got := s.list(f); !slices.Equal(got, want) {
		s.Fatalf("List(%+v) = %v, want %v", f, got, want)
	}
}

// beatAndSweep runs Pulse, and checks that it removes the ended jobs that are too old or too many, and no others.
func (s *shardTest) beatAndSweep(before map[uint64]backend.Job) {
	s.Helper()
	keys, gone := s.hash("u"), map[uint64]bool{}
	for part, keep := range map[string]float64{"fin": 300_000, "dead": 600_000} {
		scores := s.set(part)
		members := slices.SortedFunc(maps.Keys(scores), func(a, b string) int { return cmp.Or(cmp.Compare(scores[a], scores[b]), strings.Compare(a, b)) })
		over := len(members) - 40
		for _, member := range members {
			age := float64(s.ms()) - scores[member]
			if age < keep && (over <= 0 || age < 60_000) {
				break
			}
			over--
			id, _ := strconv.ParseUint(member, 10, 64)
			if j := before[id]; j.Unique == "" || j.UniqueUntil.UnixMilli() <= s.ms() || keys[j.Unique] != member {
				gone[id] = true
			}
		}
	}
	s.beat()
	after := s.wantForm()
	for id, j := range before {
		if _, there := after[id]; there == gone[id] {
			s.Fatalf("after Pulse, %d ms after its end, it is %t that there is %+v", s.ms()-j.Finished.UnixMilli(), there, j)
		}
	}
	s.swept += len(gone)
}

// step takes one random step. The argument jobs has all jobs before it.
func (s *shardTest) step(r *rand.Rand, jobs map[uint64]backend.Job) {
	s.Helper()
	s.now += r.Int64N(1000)
	switch r.IntN(12) {
	case 0:
		s.now += r.Int64N(20_000_000)
		s.beatAndSweep(jobs)
	case 1, 2, 3:
		s.enqueue(slices.Repeat([]backend.NewJob{{
			Task: []string{"x", "y"}[r.IntN(2)], Queue: []string{"a", "b"}[r.IntN(2)], Priority: int8(r.IntN(3)), Delay: time.Duration(r.Int64N(3)) * 10 * time.Second,
			Params: []byte("params"), MaxAttempts: r.IntN(3), MaxCrashes: 1,
		}}, 1+r.IntN(4))...)
	case 4:
		unique := strconv.Itoa(r.IntN(4))
		s.enqueue(backend.NewJob{Task: "x", Queue: "a", Unique: unique, UniqueFor: time.Duration(r.Int64N(2)*r.Int64N(900)) * time.Second})
	case 5, 6, 7:
		for _, j := range s.take(r.IntN(5)) {
			state := []backend.State{backend.Completed, backend.Completed, backend.Dead, backend.Cancelled, backend.Retryable, backend.Scheduled, backend.Available, backend.Running}[r.IntN(8)]
			if state != backend.Running {
				s.run(finishScript, strconv.FormatUint(j.ID, 10), strconv.FormatUint(j.Fence, 10), strconv.Itoa(int(state)), strconv.Itoa(r.IntN(2)*30_000_000), "why")
			}
		}
	case 8:
		s.stepRetry(r, jobs)
	case 9:
		s.stepCancel(r, jobs)
	case 10:
		s.stepDelete(r, jobs)
	case 11:
		for range 20 {
			s.now += 5000
			s.run(checkScript)
		}
	}
}

// TestTheAdministrationOfJobsKeepsTheLawsOfForm takes random steps and compares the keys with a model of each step.
func TestTheAdministrationOfJobsKeepsTheLawsOfForm(t *testing.T) {
	onEachFlavor(t, func(t *testing.T, f redistest.Flavor) {
		s := newShardTest(t, f.Shared(t))
		r := randomly(t)
		s.beat()
		jobs := s.wantForm()
		for step := range 1500 {
			s.step(r, jobs)
			if step%5 == 0 {
				jobs = s.wantForm()
				s.wantList(r, jobs)
			} else {
				jobs = s.jobs()
			}
		}
		if len(jobs) < 20 || s.swept < 20 {
			t.Errorf("at the end there are %d jobs, and %d were swept", len(jobs), s.swept)
		}
	})
}

// pick returns the id of a random job, or one that is not there.
func pick(r *rand.Rand, jobs map[uint64]backend.Job) uint64 {
	ids := slices.Sorted(maps.Keys(jobs))
	if len(ids) == 0 || r.IntN(20) == 0 {
		return 1 << 40
	}
	return ids[r.IntN(len(ids))]
}

func (s *shardTest) stepRetry(r *rand.Rand, jobs map[uint64]backend.Job) {
	s.Helper()
	id := pick(r, jobs)
	before, known := jobs[id]
	reply := s.words(retryScript, strconv.FormatUint(id, 10))
	after := s.jobs()[id]
	other := false
	for _, j := range jobs {
		holds := !j.State.Finished() || j.UniqueUntil.UnixMilli() > s.ms() && s.hash("u")[j.Unique] == strconv.FormatUint(j.ID, 10)
		other = other || j.ID != id && before.Unique != "" && j.Unique == before.Unique && holds
	}
	switch {
	case !known:
		s.wantWord(reply, "absent")
	case before.State == backend.Running:
		s.wantWord(reply, "running")
	case other:
		s.wantWord(reply, "duplicate")
	default:
		s.wantWord(reply, "ok")
		if after.State != backend.Available || after.Crashes != 0 || after.RunAt.UnixMilli() != s.ms() || !after.Finished.IsZero() ||
			after.MaxAttempts != max(before.MaxAttempts, min(before.MaxAttempts, 1)*(before.Attempt+1)) {
			s.Fatalf("Retry makes %+v of %+v", after, before)
		}
		if shown := showJob(id, reply[1], reply[2]); shown.State != after.State || string(shown.Params) != string(before.Params) {
			s.Fatalf("Retry returns %+v, the job is %+v", shown, after)
		}
	}
}

func (s *shardTest) wantWord(reply []string, want string) {
	s.Helper()
	if reply[0] != want {
		s.Fatalf("a script returns %q, want %q", reply, want)
	}
}

func (s *shardTest) stepCancel(r *rand.Rand, jobs map[uint64]backend.Job) {
	s.Helper()
	id := pick(r, jobs)
	before, known := jobs[id]
	reply := s.words(cancelScript, strconv.FormatUint(id, 10))
	after := s.jobs()[id]
	if !known {
		s.wantWord(reply, "absent")
		return
	}
	s.wantWord(reply, "ok")
	right := after.State == before.State && after.Finished.Equal(before.Finished)
	switch {
	case before.State == backend.Running:
		right = after.State == backend.Running && after.Cancelling
	case !before.State.Finished():
		right = after.State == backend.Cancelled && after.Error != "" && after.Finished.UnixMilli() == s.ms()
	}
	if !right {
		s.Fatalf("Cancel makes %+v of %+v", after, before)
	}
}

func (s *shardTest) stepDelete(r *rand.Rand, jobs map[uint64]backend.Job) {
	s.Helper()
	id := pick(r, jobs)
	before, known := jobs[id]
	reply := s.words(removeScript, strconv.FormatUint(id, 10))
	_, there := s.jobs()[id]
	switch {
	case !known:
		s.wantWord(reply, "absent")
	case before.State == backend.Running:
		s.wantWord(reply, "running")
		if !there {
			s.Fatalf("a refused Delete removes %+v", before)
		}
	default:
		s.wantWord(reply, "ok")
		if there {
			s.Fatalf("Delete leaves %+v", before)
		}
	}
}
