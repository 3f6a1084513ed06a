//go:build unix

package redis

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/testkit/basics"
	"github.com/actionhero-go/actionhero/internal/testkit/faultproxy"
	"github.com/actionhero-go/actionhero/internal/testkit/redistest"
)

// queueTest is a backend whose queue a test uses.
type queueTest struct {
	*testing.T
	b *Backend
	q *queue
}

func openQueue(t *testing.T, config Config) *queueTest {
	t.Helper()
	b := open(t, config)
	return &queueTest{t, b, b.queue}
}

func (t *queueTest) enqueue(jobs ...backend.NewJob) (ids []uint64) {
	t.Helper()
	added, err := t.q.Enqueue(t.Context(), jobs...)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range added {
		ids = append(ids, a.ID)
	}
	return ids
}

func (t *queueTest) fetch(n int) []backend.Job {
	t.Helper()
	jobs, err := t.q.Fetch(t.Context(), backend.FetchRequest{Node: "node", Queues: []string{"default"}, Max: n})
	if err != nil {
		t.Fatal(err)
	}
	return jobs
}

func (t *queueTest) finish(run backend.Run, state backend.State) {
	t.Helper()
	if lost, err := t.q.Finish(t.Context(), backend.Outcome{Run: run, State: state}); err != nil || len(lost) > 0 {
		t.Fatalf("Finish = %v, %v", lost, err)
	}
}

func (t *queueTest) wantState(id uint64, want backend.State) backend.Job {
	t.Helper()
	j, err := t.q.Get(t.Context(), id)
	if err != nil || j.State != want {
		t.Fatalf("job %d is %v, %v, want %v", id, j.State, err, want)
	}
	return j
}

func (t *queueTest) do(words ...string) rueidis.RedisMessage {
	t.Helper()
	m, err := t.b.core.do(t.Context(), once, func(b rueidis.Builder) rueidis.Completed {
		return b.Arbitrary(words[0]).Keys(words[1]).Args(words[2:]...).Build()
	})
	if err != nil && !rueidis.IsRedisNil(err) {
		t.Fatal(err)
	}
	return m
}

// snapshot returns a function that brings all keys of the queue back, as on a replica that lacks the last writes and becomes
// the master. Both are scripts, because a pulse between two commands would meet half of the keys, which no failover causes.
func (t *queueTest) snapshot() (failover func()) {
	const dump = `local all = {} for i, key in ipairs(KEYS) do all[i] = redis.call('DUMP', key) or '' end return all`
	const restore = `for i, key in ipairs(KEYS) do
  redis.call('DEL', key)
  if ARGV[i] ~= '' then redis.call('RESTORE', key, 0, ARGV[i]) end
end
redis.call('HSET', KEYS[1], 'rid', 'the former master')
return 1`
	all := t.eval(dump)
	dumps, err := all.AsStrSlice()
	if err != nil {
		t.Fatal(err)
	}
	return func() { t.eval(restore, dumps...) }
}

// eval runs a script with all keys of the queue.
func (t *queueTest) eval(script string, args ...string) rueidis.RedisMessage {
	t.Helper()
	m, err := t.b.core.do(t.Context(), once, func(b rueidis.Builder) rueidis.Completed {
		return b.Eval().Script(script).Numkeys(int64(len(t.q.shards[0].keys))).Key(t.q.shards[0].keys...).Arg(args...).Build()
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestAFailoverThatLosesTheLastWritesLosesNoJobAndNoOutcome brings the keys back to an earlier moment, and checks that the node
// settles what the server lacks.
func TestAFailoverThatLosesTheLastWritesLosesNoJobAndNoOutcome(t *testing.T) {
	onEachFlavor(t, func(tt *testing.T, f redistest.Flavor) {
		t := openQueue(tt, at(f.Shared(tt)))
		before := t.enqueue(slices.Repeat([]backend.NewJob{{Task: "before"}}, 6)...)
		kept := t.fetch(1)[0] // its start is known to the server
		removed := t.enqueue(backend.NewJob{Task: "removed", Delay: time.Hour})[0]
		if err := t.q.Delete(t.Context(), removed); err != nil {
			t.Fatal(err)
		}
		failover := t.snapshot()
		started := t.fetch(4)
		t.finish(started[0].Run(), backend.Completed)
		t.finish(started[1].Run(), backend.Retryable)
		again := t.fetch(1)[0] // before[5]
		t.finish(kept.Run(), backend.Completed)
		lost := t.enqueue(backend.NewJob{Task: "lost", Params: []byte("7"), Unique: "key"}, backend.NewJob{Task: "later", Delay: time.Hour})
		failover()
		// A worker that ends a run now must not lose its outcome, although the server does not know the run.
		t.finish(started[2].Run(), backend.Completed)

		t.wantState(before[0], backend.Completed)
		t.wantState(started[0].ID, backend.Completed)
		t.wantState(started[1].ID, backend.Available)
		t.wantState(started[2].ID, backend.Completed)
		for _, run := range []backend.Job{started[3], again} {
			if j := t.wantState(run.ID, backend.Running); j.Fence != run.Fence {
				t.Errorf("the run %+v has the fence %d now", run.Run(), j.Fence)
			}
		}
		if j := t.wantState(lost[0], backend.Available); string(j.Params) != "7" || j.Unique != "key" {
			t.Errorf("the job that the server lacked is %+v", j)
		}
		t.wantState(lost[1], backend.Scheduled)
		if _, err := t.q.Get(t.Context(), removed); err == nil {
			t.Error("a deleted job is there again")
		}
		var jobs []backend.Job
		basics.Eventually(tt, "the queue has settled", func() bool { jobs = append(jobs, t.fetch(10)...); return len(jobs) > 0 })
		ids := []uint64{}
		for _, j := range jobs {
			ids = append(ids, j.ID)
			t.finish(j.Run(), backend.Completed)
		}
		slices.Sort(ids)
		if want := []uint64{started[1].ID, lost[0]}; !slices.Equal(ids, want) {
			t.Errorf("the jobs %d start, want %d", ids, want)
		}
		t.finish(started[3].Run(), backend.Completed)
		t.finish(again.Run(), backend.Completed)
		if id := t.enqueue(backend.NewJob{Task: "new"})[0]; id <= lost[1] {
			t.Errorf("a new job has the id %d, after %d", id, lost[1])
		}
		for _, id := range before {
			if j := t.wantState(id, backend.Completed); j.Crashes != 0 {
				t.Errorf("job %d has %d crashes", id, j.Crashes)
			}
		}
	})
}

// stops records the calls of OnStop.
type stops struct {
	mu   sync.Mutex
	runs map[backend.StopReason][]backend.Run
}

func (t *queueTest) recordStops() *stops {
	s := &stops{runs: map[backend.StopReason][]backend.Run{}}
	t.Cleanup(t.q.OnStop(func(run backend.Run, why backend.StopReason) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.runs[why] = append(s.runs[why], run)
	}))
	return s
}

func (s *stops) of(why backend.StopReason) []backend.Run {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.runs[why])
}

func TestANodeWhoseLeaseHasEndedStopsItsRunsAndGoesOn(t *testing.T) {
	onEachFlavor(t, func(tt *testing.T, f redistest.Flavor) {
		t := openQueue(tt, at(f.Shared(tt)))
		s := t.recordStops()
		id := t.enqueue(backend.NewJob{Task: "a"})[0]
		run := t.fetch(1)[0].Run()
		inc, err := t.q.shards[0].current()
		if err != nil {
			t.Fatal(err)
		}
		t.do("ZADD", t.q.shards[0].keys[slices.Index(queueParts[:], "hold")], "-1", inc) // as the Pulse of another node does
		basics.Eventually(tt, "the run is stopped", func() bool { return len(s.of(backend.RunLost)) > 0 })
		if got := s.of(backend.RunLost); !slices.Equal(got, []backend.Run{run}) {
			t.Errorf("the runs %v are stopped, want %v", got, run)
		}
		var jobs []backend.Job
		basics.Eventually(tt, "the job starts again", func() bool { jobs = t.fetch(1); return len(jobs) > 0 })
		if j := jobs[0]; j.ID != id || j.Crashes != 1 || j.Fence <= run.Fence {
			t.Errorf("the job starts again as %+v", j)
		}
		if lost, err := t.q.Finish(t.Context(), backend.Outcome{Run: run, State: backend.Completed}); err != nil || !slices.Equal(lost, []backend.Run{run}) {
			t.Errorf("Finish of the first run = %v, %v, want it as lost", lost, err)
		}
		t.finish(jobs[0].Run(), backend.Completed)
		if j := t.wantState(id, backend.Completed); j.Crashes != 0 {
			t.Errorf("the job is %+v", j)
		}
	})
}

func TestRunsOfASilentServerAreStoppedOnceAndGoOn(t *testing.T) {
	onEachFlavor(t, func(tt *testing.T, f redistest.Flavor) {
		p := faultproxy.Start(tt, f.Shared(tt).Addr)
		t := openQueue(tt, Config{URL: "redis://" + p.Addr()})
		s := t.recordStops()
		id := t.enqueue(backend.NewJob{Task: "a"})[0]
		run := t.fetch(1)[0].Run()
		began := time.Now()
		p.Cut()
		basics.Eventually(tt, "the run is silent", func() bool { return len(s.of(backend.RunSilent)) > 0 })
		if took := time.Since(began); took < silentAfter-pulseInterval*5/4-time.Second {
			t.Errorf("a run is called silent after %v", took)
		}
		p.Heal()
		basics.Eventually(tt, "the run ends", func() bool {
			lost, err := t.q.Finish(t.Context(), backend.Outcome{Run: run, State: backend.Completed})
			return err == nil && len(lost) == 0
		})
		if j := t.wantState(id, backend.Completed); j.Crashes != 0 || len(s.of(backend.RunSilent)) != 1 || len(s.of(backend.RunLost)) != 0 {
			t.Errorf("after an outage the job is %+v, and %+v were stopped", j, s.runs)
		}
	})
}

// TestJobsRunOnceThoughConnectionsBreak loses answers and requests of scripts at random moments. Each job must be there once, and
// must be completed once, without a crash.
func TestJobsRunOnceThoughConnectionsBreak(t *testing.T) {
	onEachFlavor(t, func(tt *testing.T, f redistest.Flavor) {
		p := faultproxy.Start(tt, f.Shared(tt).Addr)
		t := openQueue(tt, Config{URL: "redis://" + p.Addr()})
		var mu sync.Mutex
		n := 0
		p.Fault(func(words []string) faultproxy.Fault {
			mu.Lock()
			defer mu.Unlock()
			if !isCommand("EVALSHA")(words) {
				return faultproxy.Pass
			}
			if n++; n%9 == 0 {
				return faultproxy.LoseAnswer
			} else if n%9 == 4 {
				return faultproxy.LoseRequest
			}
			return faultproxy.Pass
		})
		const producers, each = 4, 25
		var wg sync.WaitGroup
		for range producers {
			wg.Go(func() {
				for range each {
					if _, err := t.q.Enqueue(t.Context(), backend.NewJob{Task: "a"}); err != nil {
						t.Errorf("Enqueue: %v", err)
					}
				}
			})
		}
		ran := map[uint64]int{}
		ctx, cancel := context.WithTimeout(t.Context(), basics.Wait)
		defer cancel()
		for len(ran) < producers*each && ctx.Err() == nil {
			jobs, err := t.q.Fetch(ctx, backend.FetchRequest{Node: "node", Queues: []string{"default"}, Max: 3})
			if err != nil {
				continue // a pulse requeues what the answer had
			}
			for _, j := range jobs {
				ran[j.ID]++
				wg.Go(func() { // some outcomes wait for the next Fetch, which takes them along
					for {
						lost, err := t.q.Finish(ctx, backend.Outcome{Run: j.Run(), State: backend.Completed})
						if len(lost) > 0 {
							t.Errorf("the outcome of job %d is lost", j.ID)
						}
						if err == nil || ctx.Err() != nil {
							return
						}
					}
				})
			}
		}
		wg.Wait()
		p.Fault(nil)
		stats, err := t.q.Stats(t.Context())
		if want := (backend.Counts{Completed: producers * each}); err != nil || stats.Total != want {
			t.Errorf("the jobs are %+v, %v, want %+v", stats.Total, err, want)
		}
		for id, times := range ran {
			if times != 1 {
				t.Errorf("job %d ran %d times", id, times)
			}
			if j := t.wantState(id, backend.Completed); j.Crashes != 0 {
				t.Errorf("job %d has %d crashes", id, j.Crashes)
			}
		}
		if len(ran) != producers*each {
			t.Error(fmt.Sprint(len(ran), " jobs ran"))
		}
	})
}
