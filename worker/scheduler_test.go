package worker_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/worker"
)

// wallClock is a clock that can be set.
type wallClock struct{ offset atomic.Int64 }

func (w *wallClock) now() time.Time         { return time.Now().Add(time.Duration(w.offset.Load())) }
func (w *wallClock) adjust(d time.Duration) { w.offset.Add(int64(d)) }

// scheduled returns a task that records the node of each run.
func scheduled(runs *recorder, name string, change func(*actionhero.Task[actionhero.None])) actionhero.Task[actionhero.None] {
	it := task(name, func(ctx context.Context) error {
		runs.add(actionhero.RequestFrom(ctx).Job.Node)
		return nil
	})
	change(&it)
	return it
}

func every(d time.Duration) func(*actionhero.Task[actionhero.None]) {
	return func(it *actionhero.Task[actionhero.None]) { it.Frequency = d }
}

func cron(expr string) func(*actionhero.Task[actionhero.None]) {
	return func(it *actionhero.Task[actionhero.None]) { it.Cron = expr }
}

// A task with a Frequency runs at its multiples. On three nodes, a task of ScopeAnyNode runs once for each time, a task of
// ScopeAllNodes on each node.
func TestFrequency(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &sharedBackend{Backend: local.New(local.Config{})}
		time.Sleep(1234 * time.Millisecond)
		anyNode, allNodes := newRecorder(), newRecorder()
		begun := time.Now()
		for _, name := range []string{"a", "b", "c"} {
			n := newNode(t, b, worker.Config{Node: name}, scheduled(anyNode, "any", every(10*time.Second)), scheduled(allNodes, "all", func(it *actionhero.Task[actionhero.None]) {
				it.Frequency, it.Scope = 20*time.Second, actionhero.ScopeAllNodes
			}))
			n.start()
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		first := begun.Truncate(10 * time.Second).Add(10 * time.Second).Sub(begun)
		var want []time.Duration
		for d := first; d < time.Minute; d += 10 * time.Second {
			want = append(want, d)
		}
		if diff := cmp.Diff(want, anyNode.times(), near); diff != "" {
			t.Errorf("the runs of ScopeAnyNode (-want +got):\n%s", diff)
		}
		nodes := allNodes.all()
		slices.Sort(nodes)
		if diff := cmp.Diff([]string{"a", "a", "a", "b", "b", "b", "c", "c", "c"}, nodes); diff != "" {
			t.Errorf("the nodes of ScopeAllNodes (-want +got):\n%s", diff)
		}
	})
}

// Times that passed while no node was up lead to one run at the next start. A task that is new waits for its next time.
func TestMissedTimes(t *testing.T) {
	t.Parallel()
	for name, scope := range map[string]actionhero.Scope{"any": actionhero.ScopeAnyNode, "all": actionhero.ScopeAllNodes} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(30 * time.Minute)
				runs := newRecorder()
				n := start(t, worker.Config{}, scheduled(runs, "hourly", func(it *actionhero.Task[actionhero.None]) {
					it.Cron, it.Scope = "0 * * * *", scope
				}))
				time.Sleep(time.Hour) // 01:30
				n.stop()
				time.Sleep(5 * time.Hour) // 06:30
				n.start()
				time.Sleep(time.Hour)
				want := []time.Duration{30 * time.Minute, 6 * time.Hour, 6*time.Hour + 30*time.Minute}
				if scope == actionhero.ScopeAllNodes {
					want = slices.Delete(want, 1, 2) // a node does not run a local task for the times that it missed
				}
				if diff := cmp.Diff(want, runs.times(), near); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

// A task does not start while its previous run has not ended.
func TestRunsDoNotOverlap(t *testing.T) {
	t.Parallel()
	for name, scope := range map[string]actionhero.Scope{"any": actionhero.ScopeAnyNode, "all": actionhero.ScopeAllNodes} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				runs := newRecorder()
				slow := actionhero.Task[actionhero.None]{
					Name: "slow", Frequency: time.Second, Scope: scope,
					Run: func(context.Context, actionhero.None) error {
						runs.add("run")
						time.Sleep(3500 * time.Millisecond)
						return nil
					},
				}
				start(t, worker.Config{}, slow)
				time.Sleep(14500 * time.Millisecond)
				if diff := cmp.Diff([]time.Duration{time.Second, 5 * time.Second, 9 * time.Second, 13 * time.Second}, runs.times(), near); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

// A scheduled run that fails is not retried, unless the task declares MaxAttempts: its next time comes anyway.
func TestScheduledFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		runs := newRecorder()
		fails := actionhero.Task[actionhero.None]{
			Name: "fails", Frequency: time.Minute, Backoff: actionhero.Constant(time.Second),
			Run: func(context.Context, actionhero.None) error { runs.add("run"); return errFailed },
		}
		again := fails
		again.Name, again.MaxAttempts = "again", 3
		retried := newRecorder()
		again.Run = func(context.Context, actionhero.None) error { retried.add("run"); return errFailed }
		start(t, worker.Config{}, fails, again)
		time.Sleep(150 * time.Second)
		if diff := cmp.Diff([]time.Duration{time.Minute, 2 * time.Minute}, runs.times(), near); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		want := []time.Duration{60, 61, 62, 120, 121, 122}
		for i := range want {
			want[i] *= time.Second
		}
		if diff := cmp.Diff(want, retried.times(), near); diff != "" {
			t.Errorf("with attempts (-want +got):\n%s", diff)
		}
	})
}

// A clock that is set forward skips times. Together they lead to one run within maxSleep.
func TestClockForward(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var clock wallClock
		minutely, daily := newRecorder(), newRecorder()
		n := newNode(t, nil, worker.Config{}, scheduled(minutely, "minutely", every(time.Minute)), scheduled(daily, "daily", cron("45 0 * * *")))
		n.SetClock(clock.now)
		n.start()
		time.Sleep(90 * time.Second)
		clock.adjust(time.Hour) // 01:01:30
		time.Sleep(60 * time.Second)
		if got := minutely.times(); len(got) != 3 || got[0] != time.Minute || got[1]-90*time.Second > 11*time.Second || got[2] != 2*time.Minute {
			t.Errorf("the minutely task ran at %v", got)
		}
		if got := daily.times(); len(got) != 1 || got[0]-90*time.Second > 11*time.Second {
			t.Errorf("the daily task ran at %v", got)
		}
	})
}

// If a clock is set back an hour, a task with a Frequency continues and a daily task does not repeat its run. If it is set
// back a day, the daily task follows.
func TestClockBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(2*time.Hour - 90*time.Second) // 01:58:30
		b := &sharedBackend{Backend: local.New(local.Config{})}
		var clock wallClock
		minutely, local, daily := newRecorder(), newRecorder(), newRecorder()
		for _, name := range []string{"a", "b"} {
			n := newNode(t, b, worker.Config{Node: name}, scheduled(minutely, "minutely", every(time.Minute)), scheduled(daily, "daily", cron("59 1 * * *")),
				scheduled(local, "local", func(it *actionhero.Task[actionhero.None]) {
					it.Frequency, it.Scope = time.Minute, actionhero.ScopeAllNodes
				}))
			n.SetClock(clock.now)
			n.start()
		}
		time.Sleep(100 * time.Second) // 02:00:10
		clock.adjust(-time.Hour)      // 01:00:10
		time.Sleep(2 * time.Minute)
		want := []time.Duration{30 * time.Second, 90 * time.Second, 150 * time.Second, 210 * time.Second}
		if diff := cmp.Diff(want, minutely.times(), near); diff != "" {
			t.Errorf("the minutely task (-want +got):\n%s", diff)
		}
		if n := len(local.times()); n != 8 {
			t.Errorf("the minutely task of two nodes ran %d times", n)
		}
		time.Sleep(time.Hour)
		if diff := cmp.Diff([]time.Duration{30 * time.Second}, daily.times(), near); diff != "" {
			t.Errorf("the daily task (-want +got):\n%s", diff)
		}
		clock.adjust(-24 * time.Hour) // beyond minSetBackCalendar
		time.Sleep(25 * time.Hour)
		if n := len(daily.times()); n != 2 {
			t.Errorf("after a clock that was wrong by a day, the daily task ran at %v", daily.times())
		}
	})
}

// If the stored last run lies years in the future, because a clock was ahead, a node that starts does not wait for it.
func TestLastRunInFuture(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var clock wallClock
		runs := newRecorder()
		n := newNode(t, nil, worker.Config{}, scheduled(runs, "daily", cron("0 12 * * *")))
		n.SetClock(clock.now)
		clock.adjust(5 * 366 * 24 * time.Hour)
		n.start()
		time.Sleep(24 * time.Hour)
		n.stop()
		clock.offset.Store(0)
		n.start()
		time.Sleep(24 * time.Hour)
		if diff := cmp.Diff([]time.Duration{12 * time.Hour, 36 * time.Hour}, runs.times(), near); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// If last runs cannot be read or stored, the scheduler retries until they can.
func TestScheduleErrors(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		q := &faultyQueue{Queue: b.Queue()}
		q.failSchedule.Store(true)
		runs := newRecorder()
		n := newNode(t, backendWithQueue{b, q}, worker.Config{}, scheduled(runs, "it", every(time.Minute)))
		n.start()
		time.Sleep(10 * time.Minute)
		q.failSchedule.Store(false)
		time.Sleep(90 * time.Second)
		before := len(runs.all())
		q.failSchedule.Store(true)
		time.Sleep(10*time.Minute - 5*time.Second)
		q.failSchedule.Store(false)
		time.Sleep(4 * time.Second)
		if got := len(runs.all()); before == 0 || got != before+1 {
			t.Errorf("the task ran %d times before the errors, then %d times, want once", before, got-before)
		}
	})
}

// If the clock is set back while the queue fails, the task follows the clock once the queue works again.
func TestClockBackDuringErrors(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		q := &faultyQueue{Queue: b.Queue()}
		var clock wallClock
		runs := newRecorder()
		n := newNode(t, backendWithQueue{b, q}, worker.Config{}, scheduled(runs, "minutely", every(time.Minute)))
		n.SetClock(clock.now)
		n.start()
		time.Sleep(90 * time.Second)
		q.failSchedule.Store(true)
		clock.adjust(-24 * time.Hour)
		time.Sleep(time.Minute)
		q.failSchedule.Store(false)
		time.Sleep(150 * time.Second)
		if got := len(runs.all()); got < 3 || got > 4 {
			t.Errorf("the task ran at %v", runs.times())
		}
	})
}

// An enqueued task of ScopeAllNodes runs on each node, even if it is unique.
func TestEnqueueForAllNodes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		runs := newRecorder()
		it := scheduled(runs, "it", func(it *actionhero.Task[actionhero.None]) { it.Scope = actionhero.ScopeAllNodes })
		n := newNode(t, nil, worker.Config{Node: "a"}, it)
		n.Add(worker.New(n.API, worker.Config{Node: "b"}))
		n.start()
		for range 2 {
			n.enqueue("it", actionhero.UniqueBy(actionhero.ByName), actionhero.After(time.Minute))
		}
		time.Sleep(2 * time.Minute)
		nodes := runs.all()
		slices.Sort(nodes)
		if diff := cmp.Diff([]string{"a", "b"}, nodes); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
