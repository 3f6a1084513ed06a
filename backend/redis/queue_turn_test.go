//go:build unix

package redis

import (
	"sync"
	"testing"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/testkit/basics"
	"github.com/actionhero-go/actionhero/internal/testkit/faultproxy"
	"github.com/actionhero-go/actionhero/internal/testkit/redistest"
)

// TestOutcomesThatWaitGoWithTheNextFetch ends a run while a Fetch is under way. The next Fetch stores the outcome with the
// same command, also if it starts no run. If its answer or its request is lost, the outcome is stored by another command.
func TestOutcomesThatWaitGoWithTheNextFetch(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]faultproxy.Fault{"answered": faultproxy.Pass, "without an answer": faultproxy.LoseAnswer, "without an effect": faultproxy.LoseRequest} {
		for _, state := range []backend.State{backend.Completed, backend.Dead} {
			t.Run(name+", "+state.String(), func(tt *testing.T) {
				tt.Parallel()
				p := faultproxy.Start(tt, redistest.Redis.Shared(tt).Addr)
				t := openQueue(tt, Config{URL: "redis://" + p.Addr()})
				ids := t.enqueue(backend.NewJob{Task: "a"}, backend.NewJob{Task: "a"})
				run := t.fetch(1)[0].Run()
				s := t.q.shards[0]
				s.takes.begin() // as a Fetch does that has no answer yet
				var ended sync.WaitGroup
				ended.Go(func() { t.finish(run, state) })
				basics.Eventually(tt, "the outcome waits", func() bool {
					s.finishes.mu.Lock()
					defer s.finishes.mu.Unlock()
					return len(s.finishes.waiting) == 1
				})
				turns := map[backend.State]*script{backend.Completed: plainTurnScript, backend.Dead: turnScript}
				for _, sc := range []*script{finishScript, turnScript, plainTurnScript} {
					t.do("SCRIPT", "LOAD", sc.source)
				}
				var mu sync.Mutex
				met, finishes := 0, 0
				p.Fault(func(words []string) faultproxy.Fault {
					mu.Lock()
					defer mu.Unlock()
					if len(words) > 1 && words[1] == finishScript.sha {
						finishes++
					}
					if len(words) > 1 && words[1] == turns[state].sha {
						if met++; met == 1 {
							return fault
						}
					}
					return faultproxy.Pass
				})
				jobs, err := t.q.Fetch(t.Context(), backend.FetchRequest{Node: "node", Queues: []string{"default"}, Max: 1})
				s.takes.end()
				ended.Wait()
				t.wantState(ids[0], state)
				mu.Lock()
				if alone := fault == faultproxy.Pass; met != 1 || alone != (err == nil) || alone != (finishes == 0) {
					t.Errorf("Fetch = %v after %d turns, and %d commands ended runs", err, met, finishes)
				}
				mu.Unlock()
				basics.Eventually(tt, "the other job runs", func() bool { return len(jobs) == 1 || len(t.fetch(1)) == 1 })
				if j := t.wantState(ids[1], backend.Running); j.Crashes != 0 {
					t.Errorf("the other job has %d crashes", j.Crashes)
				}
			})
		}
	}
}

// TestATurnThatIsNotOrdinaryDoesWhatAnyOtherDoes ends and starts runs of jobs that the script for the ordinary case refuses, and
// of others after them.
func TestATurnThatIsNotOrdinaryDoesWhatAnyOtherDoes(t *testing.T) {
	t.Parallel()
	q := openQueue(t, at(redistest.Redis.Shared(t)))
	for range 2 * plainPause {
		ids := q.enqueue(backend.NewJob{Task: "a", Unique: "one"}, backend.NewJob{Task: "a"})
		jobs := q.fetch(5)
		if len(jobs) != 2 {
			t.Fatalf("%d jobs were fetched, want 2", len(jobs))
		}
		q.q.shards[0].takes.begin()
		var ended sync.WaitGroup
		for _, j := range jobs {
			ended.Go(func() { q.finish(j.Run(), backend.Completed) })
		}
		if more := q.fetch(5); len(more) > 0 {
			t.Fatalf("jobs were fetched twice: %+v", more)
		}
		q.q.shards[0].takes.end()
		ended.Wait()
		for _, id := range ids {
			q.wantState(id, backend.Completed)
		}
	}
}
