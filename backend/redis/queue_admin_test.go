//go:build unix

package redis

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/testkit/basics"
	"github.com/actionhero-go/actionhero/internal/testkit/faultproxy"
	"github.com/actionhero-go/actionhero/internal/testkit/redistest"
)

// TestALostAnswerChangesAJobOnce loses the request or the answer of each call that changes a job. Cancel, EnqueueScheduled
// and SetLastRun are repeated; the others report an unknown outcome.
func TestALostAnswerChangesAJobOnce(t *testing.T) {
	onEachFlavor(t, func(t *testing.T, f redistest.Flavor) {
		prefix := redistest.Prefix()
		p, b := throughProxy(t, f, Config{Prefix: prefix})
		if err := b.queue.shards[0].begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		direct := open(t, Config{Port: f.Shared(t).Port, Prefix: prefix}).queue
		noon := time.Now().Add(-time.Hour).Truncate(time.Second)
		// The first call of each script loads it: else the lost answer is that the server does not have it.
		_, err1 := direct.Cancel(t.Context(), 1<<40)
		_, err2 := direct.Retry(t.Context(), 1<<40)
		_, err3 := direct.EnqueueScheduled(t.Context(), "other", noon)
		_, err4 := direct.SetLastRun(t.Context(), "other", time.Time{}, noon)
		if err := errors.Join(err3, err4); err != nil || !errors.Is(direct.Delete(t.Context(), 1<<40), backend.ErrNotFound) || !errors.Is(err1, backend.ErrNotFound) || !errors.Is(err2, backend.ErrNotFound) {
			t.Fatal(err, err1, err2)
		}
		for _, fault := range []faultproxy.Fault{faultproxy.LoseAnswer, faultproxy.LoseRequest} {
			happened := fault == faultproxy.LoseAnswer
			call := func(what string, repeated bool, f func(q *queue, id uint64) error) (backend.Job, error) {
				added, err := direct.Enqueue(t.Context(), backend.NewJob{Task: what, Delay: time.Hour})
				if err != nil {
					t.Fatal(err)
				}
				basics.Eventually(t, "the connections of the last fault are replaced", func() bool {
					return !slices.ContainsFunc(make([]struct{}, 20), func(struct{}) bool { _, err := b.queue.Stats(t.Context()); return err != nil })
				})
				p.Fault(faultproxy.Nth(1, fault, isCommand("EVALSHA")))
				err = f(b.queue, added[0].ID)
				p.Fault(nil)
				if repeated && err != nil || !repeated && !errors.Is(err, errUnknown) {
					t.Errorf("fault %d: %s = %v", fault, what, err)
				}
				return direct.Get(t.Context(), added[0].ID)
			}
			if j, err := call("cancel", true, func(q *queue, id uint64) error { _, err := q.Cancel(t.Context(), id); return err }); err != nil || j.State != backend.Cancelled {
				t.Errorf("fault %d: after Cancel the job is %+v, %v", fault, j, err)
			}
			if j, err := call("retry", false, func(q *queue, id uint64) error { _, err := q.Retry(t.Context(), id); return err }); err != nil || (j.State == backend.Available) != happened {
				t.Errorf("fault %d: after Retry the job is %+v, %v", fault, j, err)
			}
			if _, err := call("delete", false, func(q *queue, id uint64) error { return q.Delete(t.Context(), id) }); errors.Is(err, backend.ErrNotFound) != happened {
				t.Errorf("fault %d: after Delete the job has the error %v", fault, err)
			}
			schedule := fmt.Sprint("schedule ", fault)
			_, _ = call("tick", true, func(q *queue, _ uint64) error {
				won, err := q.EnqueueScheduled(t.Context(), schedule, noon, backend.NewJob{Task: schedule})
				if won == happened {
					t.Errorf("fault %d: EnqueueScheduled = %t", fault, won)
				}
				return err
			})
			if jobs, err := direct.List(t.Context(), backend.JobFilter{Task: schedule}); err != nil || len(jobs) != 1 {
				t.Errorf("fault %d: the schedule has the jobs %v, %v", fault, jobs, err)
			}
			_, _ = call("set", true, func(q *queue, _ uint64) error {
				_, err := q.SetLastRun(t.Context(), schedule, noon, noon.Add(time.Minute))
				return err
			})
			if last, err := direct.LastRuns(t.Context()); err != nil || !last[schedule].Equal(noon.Add(time.Minute)) {
				t.Errorf("fault %d: the last runs are %v, %v", fault, last, err)
			}
		}
	})
}

// TestADamagedRecordIsLoggedAndShown damages a record of a job on a server. Pulse finds it, and an urgent audit follows.
func TestADamagedRecordIsLoggedAndShown(t *testing.T) {
	onEachFlavor(t, func(t *testing.T, f redistest.Flavor) {
		log, config := &lockedBuffer{}, at(f.Shared(t))
		config.Log = slog.New(slog.NewTextHandler(log, nil))
		q := open(t, config).queue
		added, err := q.Enqueue(t.Context(), backend.NewJob{Task: "x"}, backend.NewJob{Task: "x", Params: []byte("1")})
		if err != nil {
			t.Fatal(err)
		}
		id := added[0].ID
		f.Shared(t).Do(t, "HSET", q.shards[0].keys[queueRecord], strconv.FormatUint(id, 10), "garbage")
		basics.Eventually(t, "the log names the damage", func() bool { return strings.Contains(log.String(), "records of tasks cannot be read") })
		basics.Eventually(t, "the counts are right again", func() bool {
			stats, err := q.Stats(t.Context())
			return err == nil && stats.Total == backend.Counts{Available: 1}
		})
		j, err := q.Get(t.Context(), id)
		if err != nil || j.ID != id || j.State != backend.Dead || !strings.Contains(j.Error, "cannot be read") {
			t.Errorf("Get returns %+v, %v", j, err)
		}
		jobs, err := q.List(t.Context(), backend.JobFilter{})
		if err != nil || len(jobs) != 2 || jobs[0].ID != id || jobs[0].State != backend.Dead || string(jobs[1].Params) != "1" {
			t.Errorf("List returns %+v, %v", jobs, err)
		}
		if _, err := q.Retry(t.Context(), id); !errors.Is(err, backend.ErrInvalid) {
			t.Errorf("Retry of a record that cannot be read fails with %v", err)
		}
		if jobs, err := q.Fetch(t.Context(), backend.FetchRequest{Node: "n", Queues: []string{"default"}, Max: 9}); err != nil || len(jobs) != 1 {
			t.Errorf("Fetch returns %v, %v", jobs, err)
		}
		if err := q.Delete(t.Context(), id); err != nil {
			t.Error(err)
		}
		if _, err := q.Get(t.Context(), id); !errors.Is(err, backend.ErrNotFound) {
			t.Errorf("after Delete, Get fails with %v", err)
		}
	})
}

// TestStatsCostNothingForEachJob looks at the commands that the server executes for one call.
func TestStatsCostNothingForEachJob(t *testing.T) {
	onEachFlavor(t, func(t *testing.T, f redistest.Flavor) {
		q := open(t, at(f.Shared(t))).queue
		if _, err := q.Enqueue(t.Context(), slices.Repeat([]backend.NewJob{{Task: "x"}, {Task: "y", Queue: "b", Delay: time.Hour}}, 500)...); err != nil {
			t.Fatal(err)
		}
		stats, err := q.Stats(t.Context())
		want := map[string]backend.Counts{"x": {Available: 500}, "y": {Scheduled: 500}}
		if err != nil || stats.Total != (backend.Counts{Available: 500, Scheduled: 500}) || stats.Tasks["x"] != want["x"] || stats.Tasks["y"] != want["y"] {
			t.Errorf("Stats = %+v, %v", stats, err)
		}
		if n := f.Shared(t).Do(t, "HLEN", q.shards[0].keys[partCounts]); n != int64(2) {
			t.Errorf("Stats reads %v counts for two tasks", n)
		}
	})
}

// TestOneCallOfListLooksAtFewJobs spreads jobs over many blocks of ids. Each script looks at four of them.
func TestOneCallOfListLooksAtFewJobs(t *testing.T) {
	onEachFlavor(t, func(t *testing.T, f redistest.Flavor) {
		s := newShardTest(t, f.Shared(t))
		s.beat()
		var ids []uint64
		for range 20 {
			ids = append(ids, s.enqueue(backend.NewJob{Task: "x", Queue: "a"})...)
			s.do("HINCRBY", "m", "seq", "2000")
		}
		ids = append(ids, s.enqueue(backend.NewJob{Task: "rare", Queue: "a"})...)
		for _, newest := range []bool{false, true} {
			args, _ := s.filterArgs(backend.JobFilter{Task: "rare", Newest: newest})
			calls, found := 0, 0
			for more := true; more; {
				args[2] = "100"
				reply := s.words(listScript, args...)
				calls, found = calls+1, found+len(reply)/4
				args[0], more = reply[0], reply[0] != ""
			}
			if found != 1 || calls < len(ids)/4 || calls > len(ids)/4+2 {
				t.Errorf("newest %t: %d calls find %d jobs in %d blocks", newest, calls, found, len(ids))
			}
		}
	})
}
