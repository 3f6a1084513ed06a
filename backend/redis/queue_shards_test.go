//go:build unix

package redis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/internal/testkit/basics"
	"github.com/actionhero-go/actionhero/internal/testkit/faultproxy"
	"github.com/actionhero-go/actionhero/internal/testkit/redistest"
)

// sharded returns the settings of a queue with several shards.
func sharded(server *redistest.Server, prefix string, shards int) Config {
	config := at(server)
	config.Prefix, config.Queue = prefix, local.QueueConfig{Shards: shards}
	return config
}

func TestShardsHaveEqualDistances(t *testing.T) {
	t.Parallel()
	for n := 1; n <= maxShards; n *= 2 {
		var places []int
		for i := range n {
			places = append(places, shardPartition(i))
		}
		slices.Sort(places)
		for i, p := range places {
			if p != i*partitions/n {
				t.Errorf("%d shards are in the partitions %v", n, places)
			}
		}
	}
}

// TestJobsOfManyShardsAreOneQueue compares List with all jobs, for random filters, and checks that the jobs are spread and
// that each is fetched once.
func TestJobsOfManyShardsAreOneQueue(t *testing.T) {
	onEachFlavor(t, func(tt *testing.T, f redistest.Flavor) {
		t := openQueue(tt, sharded(f.Shared(tt), redistest.Prefix(), 4))
		var ids []uint64
		for i := range 24 {
			j := backend.NewJob{Task: []string{"a", "b"}[i%2]}
			if i%3 == 0 {
				j.Unique = fmt.Sprint("key ", i)
			}
			ids = append(ids, t.enqueue(j)...)
		}
		added, err := t.q.Enqueue(t.Context(), backend.NewJob{Task: "a", Unique: "key 3"}, backend.NewJob{Task: "b"}, backend.NewJob{Task: "a", Unique: "key 6"})
		if err != nil || !added[0].Existing || added[0].ID != ids[3] || added[1].Existing || added[2].ID != ids[6] {
			t.Fatalf("Enqueue of two jobs that exist, and one more, returns %+v, %v", added, err)
		}
		ids = append(ids, added[1].ID)
		in := map[uint64]int{}
		for _, id := range ids {
			in[id%4]++
		}
		if len(in) != 4 {
			t.Errorf("the shards have %v jobs", in)
		}
		slices.Sort(ids)
		if len(slices.Compact(slices.Clone(ids))) != len(ids) {
			t.Errorf("ids are used twice: %v", ids)
		}
		r := randomly(t)
		for range 60 {
			f := backend.JobFilter{Newest: r.IntN(2) == 0, Limit: 1 + r.IntN(30), After: uint64(r.IntN(int(ids[len(ids)-1]) + 6))}
			var want []uint64
			for _, id := range ids {
				if f.After == 0 || f.Newest && id < f.After || !f.Newest && id > f.After {
					want = append(want, id)
				}
			}
			if f.Newest {
				slices.Reverse(want)
			}
			want = want[:min(len(want), f.Limit)]
			jobs, err := t.q.List(t.Context(), f)
			var got []uint64
			for _, j := range jobs {
				got = append(got, j.ID)
			}
			if err != nil || !slices.Equal(got, want) {
				t.Fatalf("List(%+v) = %v, %v, want %v", f, got, err, want)
			}
		}
		var fetched []uint64
		for {
			jobs := t.fetch(5)
			if len(jobs) == 0 {
				break
			}
			for _, j := range jobs {
				fetched = append(fetched, j.ID)
				t.finish(j.Run(), backend.Completed)
			}
		}
		if slices.Sort(fetched); !slices.Equal(fetched, ids) {
			t.Errorf("the jobs %v were fetched, want %v", fetched, ids)
		}
		if stats, err := t.q.Stats(t.Context()); err != nil || stats.Total != (backend.Counts{Completed: len(ids)}) {
			t.Errorf("Stats = %+v, %v", stats, err)
		}
	})
}

// TestAFetchAsksOnlyShardsThatMayHaveJobs counts the scripts of Fetch on their way to the server.
func TestAFetchAsksOnlyShardsThatMayHaveJobs(t *testing.T) {
	onEachFlavor(t, func(tt *testing.T, f redistest.Flavor) {
		p, prefix := faultproxy.Start(tt, f.Shared(tt).Addr), redistest.Prefix()
		var takes atomic.Int64
		p.Fault(func(words []string) faultproxy.Fault {
			if len(words) > 1 && (words[1] == plainTurnScript.sha || words[1] == plainTurnScript.source) {
				takes.Add(1)
			}
			return faultproxy.Pass
		})
		config := sharded(f.Shared(tt), prefix, 8)
		config.Host, config.Port, config.URL = "", 0, "redis://"+p.Addr()
		t := openQueue(tt, config)
		other := &queueTest{T: tt, q: open(tt, sharded(f.Shared(tt), prefix, 8)).queue}
		due, stop := t.q.Watch("default")
		defer stop()
		for range 20 {
			if jobs := t.fetch(10); len(jobs) > 0 {
				t.Fatalf("an empty queue has %v", jobs)
			}
		}
		if n := takes.Load(); n > 0 {
			t.Errorf("20 calls of Fetch of an empty queue ran %d scripts", n)
		}
		for range 3 { // jobs of another node
			other.enqueue(backend.NewJob{Task: "a"})
			var jobs []backend.Job
			for len(jobs) == 0 {
				select {
				case <-due:
				case <-time.After(basics.Wait):
					t.Fatal("the watcher does not hear of the job")
				}
				jobs = t.fetch(10)
			}
			t.finish(jobs[0].Run(), backend.Completed)
			t.fetch(10)
		}
		if n := takes.Load(); n > 12 {
			t.Errorf("to fetch 3 jobs took %d scripts", n)
		}
		own := t.enqueue(backend.NewJob{Task: "a"}, backend.NewJob{Task: "a", Unique: "x"}, backend.NewJob{Task: "a", Unique: "y"})
		if jobs := t.fetch(10); len(jobs) != len(own) {
			t.Errorf("%d of %d jobs of this node are fetched at once", len(jobs), len(own))
		}
	})
}

// TestAnotherNumberOfShardsHidesNoJob opens nodes with several numbers of shards.
func TestAnotherNumberOfShardsHidesNoJob(t *testing.T) {
	onEachFlavor(t, func(tt *testing.T, f redistest.Flavor) {
		prefix := redistest.Prefix()
		refused := func(shards, stored int) {
			tt.Helper()
			b := newBackend(sharded(f.Shared(tt), prefix, shards))
			err := b.Open(tt.Context(), newNode())
			if err == nil {
				_ = b.Close(tt.Context())
			}
			if want := fmt.Sprintf("tasks.shards is %d, but the tasks under the prefix %q are stored with the number %d: set", shards, prefix, stored); err == nil || !strings.Contains(err.Error(), want) {
				tt.Fatalf("Open with %d shards: %v, want %q", shards, err, want)
			}
		}
		reopen := func(shards int) *queueTest {
			tt.Helper()
			b := newBackend(sharded(f.Shared(tt), prefix, shards))
			if err := b.Open(tt.Context(), newNode()); err != nil {
				tt.Fatal(err)
			}
			tt.Cleanup(func() { _ = b.Close(context.WithoutCancel(tt.Context())) })
			return &queueTest{tt, b, b.queue}
		}
		noon := time.Now().Add(-time.Hour).Truncate(time.Second)
		t := reopen(2)
		refused(4, 2) // a node lives
		ids := t.enqueue(slices.Repeat([]backend.NewJob{{Task: "a"}}, 3)...)
		for i := range 9 {
			if won, err := t.q.EnqueueScheduled(t.Context(), fmt.Sprint("schedule ", i), noon); err != nil || !won {
				t.Fatalf("EnqueueScheduled = %t, %v", won, err)
			}
		}
		_ = t.b.Close(t.Context())
		refused(4, 2) // jobs wait
		t = reopen(2)
		for _, j := range t.fetch(10) {
			t.finish(j.Run(), backend.Completed)
		}
		_ = t.b.Close(t.Context())
		highest := slices.Max(ids)
		for _, shards := range []int{4, 8, 1, 2} {
			t = reopen(shards)
			refused(16, shards)
			last, err := t.q.LastRuns(t.Context())
			if err != nil || len(last) != 9 || !last["schedule 3"].Equal(noon) {
				t.Errorf("with %d shards the last runs are %v, %v", shards, last, err)
			}
			for _, id := range t.enqueue(backend.NewJob{Task: "a"}, backend.NewJob{Task: "a", Unique: "b"}) {
				if id <= highest {
					t.Errorf("with %d shards a job has the id %d, after %d", shards, id, highest)
				}
				ids = append(ids, id)
			}
			highest = slices.Max(ids)
			for _, j := range t.fetch(10) {
				t.finish(j.Run(), backend.Completed)
			}
			if stats, err := t.q.Stats(t.Context()); err != nil || stats.Total != (backend.Counts{Completed: 2}) {
				t.Errorf("with %d shards Stats = %+v, %v", shards, stats, err)
			}
			_ = t.b.Close(t.Context())
		}
	})
}

func TestTheNumberOfShardsIsAPowerOfTwo(t *testing.T) {
	t.Parallel()
	for _, n := range []int{3, 65, -1} {
		b := newBackend(sharded(redistest.Redis.Shared(t), redistest.Prefix(), n))
		if err := b.Open(t.Context(), newNode()); err == nil || !strings.Contains(err.Error(), "tasks.shards") {
			t.Errorf("Open with %d shards: %v", n, err)
			_ = b.Close(t.Context())
		}
	}
}

// TestATimeOfAScheduleWithUniqueJobsIsEnqueuedOnceInEachShard lets the node die between two shards.
func TestATimeOfAScheduleWithUniqueJobsIsEnqueuedOnceInEachShard(t *testing.T) {
	onEachFlavor(t, func(tt *testing.T, f redistest.Flavor) {
		t := openQueue(tt, sharded(f.Shared(tt), redistest.Prefix(), 4))
		jobs := []backend.NewJob{{Task: "plain"}}
		for i := range 8 {
			jobs = append(jobs, backend.NewJob{Task: "unique", Unique: fmt.Sprint(i)})
		}
		noon := time.Now().Add(-time.Hour).Truncate(time.Second)
		away := t.q.home("0")
		if away == t.q.home("schedule") {
			t.Fatal("choose another name for the schedule")
		}
		var first []backend.NewJob
		for _, j := range jobs[1:] {
			if j.RunAt = noon; t.q.home(j.Unique) == away {
				first = append(first, j)
			}
		}
		if won, err := away.tick(t.Context(), "schedule", noon, first); err != nil || !won {
			t.Fatalf("in one shard: %t, %v", won, err)
		}
		if last, err := t.q.LastRuns(t.Context()); err != nil || len(last) > 0 {
			t.Fatalf("before the shard of the schedule has it, the last runs are %v, %v", last, err)
		}
		for _, want := range []bool{true, false} { // another node
			if won, err := t.q.EnqueueScheduled(t.Context(), "schedule", noon, jobs...); err != nil || won != want {
				t.Fatalf("EnqueueScheduled = %t, %v", won, err)
			}
		}
		if found := t.fetch(20); len(found) != 9 {
			t.Errorf("%d jobs were enqueued, want 9", len(found))
		} else {
			for _, j := range found {
				t.finish(j.Run(), backend.Completed)
			}
		}
		// The clock was ahead, so the last run is set back, in all shards.
		if done, err := t.q.SetLastRun(t.Context(), "schedule", noon, noon.Add(-time.Minute)); err != nil || !done {
			t.Fatalf("SetLastRun = %t, %v", done, err)
		}
		if won, err := t.q.EnqueueScheduled(t.Context(), "schedule", noon.Add(-time.Second), jobs...); err != nil || !won {
			t.Fatalf("EnqueueScheduled = %t, %v", won, err)
		}
		if found := t.fetch(20); len(found) != 9 {
			t.Errorf("after the clock was set back, %d jobs were enqueued, want 9", len(found))
		}
	})
}

// TestAShardWithoutItsServerLeavesTheOthersToWork isolates one master of a Cluster.
func TestAShardWithoutItsServerLeavesTheOthersToWork(t *testing.T) {
	t.Parallel()
	c := redistest.Redis.StartCluster(t, 2, redistest.Options{})
	config := Config{Cluster: c.Addrs(), Queue: local.QueueConfig{Shards: 2}, Timeout: 2 * time.Second}
	q := &queueTest{T: t, b: open(t, config)}
	q.q = q.b.queue
	_, stop := q.q.Watch("default")
	defer stop()
	// Two masters own half of the slots each, and so one shard each.
	c.Masters[1].Pause(t)
	defer c.Masters[1].Resume(t)
	var ids []uint64
	failed := 0
	for len(ids) < 3 {
		added, err := q.q.Enqueue(t.Context(), backend.NewJob{Task: "a"})
		if err != nil {
			if failed++; !errors.Is(err, backend.ErrUnavailable) || failed > 4 {
				t.Fatalf("Enqueue: %v", err)
			}
			continue
		}
		ids = append(ids, added[0].ID)
	}
	for range ids {
		var jobs []backend.Job
		basics.Eventually(t, "a job of the other shard", func() bool {
			jobs, _ = q.q.Fetch(t.Context(), backend.FetchRequest{Node: "node", Queues: []string{"default"}, Max: 1})
			return len(jobs) > 0
		})
		q.finish(jobs[0].Run(), backend.Completed)
	}
}
