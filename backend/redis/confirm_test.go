//go:build unix

package redis

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/testkit/basics"
	"github.com/actionhero-go/actionhero/internal/testkit/redistest"
)

// startReplica returns a master with a replica that is connected.
func startReplica(t *testing.T, f redistest.Flavor) (master, replica *redistest.Server) {
	t.Helper()
	fast := redistest.Options{Lines: []string{"repl-diskless-sync-delay 0"}}
	master, replica = f.Start(t, fast), f.Start(t, fast)
	replica.Do(t, "REPLICAOF", "127.0.0.1", master.Port)
	basics.Eventually(t, "the replica follows", func() bool {
		return master.Info(t, "connected_slaves") == "1" && replica.Info(t, "master_link_status") == "up"
	})
	return master, replica
}

// TestAnAcknowledgedTaskIsOnTheReplica kills the master and the node directly after the last answer. All acknowledged tasks
// are on the replica.
func TestAnAcknowledgedTaskIsOnTheReplica(t *testing.T) {
	onEachFlavor(t, func(tt *testing.T, f redistest.Flavor) {
		master, replica := startReplica(tt, f)
		config := at(master)
		config.Prefix, config.WaitReplicas, config.Timeout = "p", 1, basics.Wait
		b := newBackend(config)
		if err := b.Open(tt.Context(), newNode()); err != nil {
			tt.Fatal(err)
		}
		t := &queueTest{tt, b, b.queue}
		var ids []uint64
		for range 30 {
			ids = append(ids, t.enqueue(backend.NewJob{Task: "a"})...)
		}
		done := t.fetch(1)[0]
		t.finish(done.Run(), backend.Completed)
		won, err := t.q.EnqueueScheduled(tt.Context(), "schedule", time.Now().Add(-time.Hour))
		if err != nil || !won {
			t.Fatalf("EnqueueScheduled = %t, %v", won, err)
		}
		master.Kill(tt)
		b.kill()
		replica.Do(tt, "REPLICAOF", "NO", "ONE")

		config.Port, config.WaitReplicas = replica.Port, 0
		t = openQueue(tt, config)
		for _, id := range ids {
			want := backend.Available
			if id == done.ID {
				want = backend.Completed
			}
			t.wantState(id, want)
		}
		if last, err := t.q.LastRuns(tt.Context()); err != nil || len(last) != 1 {
			t.Errorf("the last runs are %v, %v", last, err)
		}
	})
}

// TestWithoutReplicasTheOutcomeIsUnknown stops the replica. A repetition must not count as confirmed because it writes
// nothing.
func TestWithoutReplicasTheOutcomeIsUnknown(t *testing.T) {
	onEachFlavor(t, func(tt *testing.T, f redistest.Flavor) {
		master, replica := startReplica(tt, f)
		config := at(master)
		config.WaitReplicas, config.Timeout = 1, time.Second
		t := openQueue(tt, config)
		basics.Eventually(tt, "a job is confirmed", func() bool {
			_, err := t.q.Enqueue(tt.Context(), backend.NewJob{Task: "before"})
			return err == nil
		})
		var run backend.Run
		basics.Eventually(tt, "it starts", func() bool {
			jobs := t.fetch(1)
			if len(jobs) > 0 {
				run = jobs[0].Run()
			}
			return len(jobs) > 0
		})
		replica.Pause(tt)
		defer replica.Resume(tt)
		unknown := func(what string, err error) {
			t.Helper()
			if !errors.Is(err, backend.ErrUnavailable) || !errors.Is(err, errUnknown) || !strings.Contains(err.Error(), "redis.waitReplicas") && !strings.Contains(err.Error(), "no answer within") {
				t.Errorf("%s without a replica: %v", what, err)
			}
		}
		_, err := t.q.Enqueue(tt.Context(), backend.NewJob{Task: "unknown"})
		unknown("Enqueue", err)
		for range 2 {
			_, err = t.q.Finish(tt.Context(), backend.Outcome{Run: run, State: backend.Completed})
			unknown("Finish", err)
		}
		_, err = t.q.Cancel(tt.Context(), 1)
		unknown("Cancel", err)
		replica.Resume(tt)
		basics.Eventually(tt, "the end of the run is confirmed", func() bool {
			lost, err := t.q.Finish(tt.Context(), backend.Outcome{Run: run, State: backend.Completed})
			return err == nil && len(lost) == 0
		})
		t.wantState(run.ID, backend.Completed)
		jobs, err := t.q.List(tt.Context(), backend.JobFilter{Task: "unknown"})
		if err != nil || len(jobs) != 1 {
			t.Errorf("the job whose outcome was unknown is there %d times, %v", len(jobs), err)
		}
	})
}

func TestReplicasOfAClusterConfirm(t *testing.T) {
	t.Parallel()
	c := redistest.Redis.StartCluster(t, 2, redistest.Options{})
	q := open(t, Config{Cluster: c.Addrs(), WaitReplicas: 1, Timeout: 2 * time.Second}).queue
	_, err := q.Enqueue(t.Context(), backend.NewJob{Task: "a"})
	if !errors.Is(err, errUnknown) {
		t.Errorf("Enqueue in a Cluster without replicas: %v", err)
	}
	jobs, err := q.List(t.Context(), backend.JobFilter{})
	if err != nil || len(jobs) != 1 {
		t.Errorf("afterwards the jobs are %v, %v", jobs, err)
	}
}
