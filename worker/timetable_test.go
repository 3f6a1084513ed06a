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
	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/worker"
)

// wall is a clock that can be set.
type wall struct{ off atomic.Int64 }

func (w *wall) now() time.Time      { return time.Now().Add(time.Duration(w.off.Load())) }
func (w *wall) set(d time.Duration) { w.off.Add(int64(d)) }

// periodic is a task that notes the time of each run.
func periodic(notes *diary, name string, change func(*actionhero.Task[actionhero.None])) actionhero.Task[actionhero.None] {
	it := task(name, func(ctx context.Context) error {
		notes.note(actionhero.RequestFrom(ctx).Job.Node)
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

// A task with a Frequency runs at multiples of it, each once, whether there is one node or three; one of the scope All
// on each.
func TestFrequency(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &shared{Backend: local.New(local.Config{})}
		time.Sleep(1234 * time.Millisecond)
		anyone, each := newDiary(), newDiary()
		begun := time.Now()
		for _, name := range []string{"a", "b", "c"} {
			n := newNode(t, b, worker.Config{Node: name}, periodic(anyone, "any", every(10*time.Second)), periodic(each, "all", func(it *actionhero.Task[actionhero.None]) {
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
		if diff := cmp.Diff(want, anyone.when(), near); diff != "" {
			t.Errorf("on any node it ran (-want +got):\n%s", diff)
		}
		nodes := each.all()
		slices.Sort(nodes)
		if diff := cmp.Diff([]string{"a", "a", "a", "b", "b", "b", "c", "c", "c"}, nodes); diff != "" {
			t.Errorf("on all nodes it ran (-want +got):\n%s", diff)
		}
	})
}

// Times that passed while no node was up are made up for once. A task that is new waits for its time.
func TestMissedTimes(t *testing.T) {
	t.Parallel()
	for name, scope := range map[string]actionhero.Scope{"any": actionhero.ScopeAnyNode, "all": actionhero.ScopeAllNodes} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(30 * time.Minute)
				notes := newDiary()
				n := start(t, worker.Config{}, periodic(notes, "hourly", func(it *actionhero.Task[actionhero.None]) {
					it.Cron, it.Scope = "0 * * * *", scope
				}))
				time.Sleep(time.Hour) // 01:30
				n.stop()
				time.Sleep(5 * time.Hour) // 06:30
				n.start()
				time.Sleep(time.Hour)
				want := []time.Duration{30 * time.Minute, 6 * time.Hour, 6*time.Hour + 30*time.Minute}
				if scope == actionhero.ScopeAllNodes {
					want = slices.Delete(want, 1, 2) // what a node misses while it is down is not its business
				}
				if diff := cmp.Diff(want, notes.when(), near); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

// A task whose run is under way is not started again.
func TestNoTwoRunsAtATime(t *testing.T) {
	t.Parallel()
	for name, scope := range map[string]actionhero.Scope{"any": actionhero.ScopeAnyNode, "all": actionhero.ScopeAllNodes} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				notes := newDiary()
				slow := actionhero.Task[actionhero.None]{
					Name: "slow", Frequency: time.Second, Scope: scope,
					Run: func(context.Context, actionhero.None) error {
						notes.note("run")
						time.Sleep(3500 * time.Millisecond)
						return nil
					},
				}
				start(t, worker.Config{}, slow)
				time.Sleep(14500 * time.Millisecond)
				if diff := cmp.Diff([]time.Duration{time.Second, 5 * time.Second, 9 * time.Second, 13 * time.Second}, notes.when(), near); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

// A run by the timetable that fails is not tried again, unless the task says so: its next time comes anyway.
func TestPeriodicFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		notes := newDiary()
		fails := actionhero.Task[actionhero.None]{
			Name: "fails", Frequency: time.Minute, Backoff: actionhero.Constant(time.Second),
			Run: func(context.Context, actionhero.None) error { notes.note("run"); return errFailed },
		}
		again := fails
		again.Name, again.MaxAttempts = "again", 3
		more := newDiary()
		again.Run = func(context.Context, actionhero.None) error { more.note("run"); return errFailed }
		start(t, worker.Config{}, fails, again)
		time.Sleep(150 * time.Second)
		if diff := cmp.Diff([]time.Duration{time.Minute, 2 * time.Minute}, notes.when(), near); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		want := []time.Duration{60, 61, 62, 120, 121, 122}
		for i := range want {
			want[i] *= time.Second
		}
		if diff := cmp.Diff(want, more.when(), near); diff != "" {
			t.Errorf("with attempts (-want +got):\n%s", diff)
		}
	})
}

// A clock that is set forward skips times, which are made up for once, and soon.
func TestClockForward(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var clock wall
		minutely, daily := newDiary(), newDiary()
		n := newNode(t, nil, worker.Config{}, periodic(minutely, "minutely", every(time.Minute)), periodic(daily, "daily", cron("45 0 * * *")))
		n.SetClock(clock.now)
		n.start()
		time.Sleep(90 * time.Second)
		clock.set(time.Hour) // 01:01:30
		time.Sleep(60 * time.Second)
		if got := minutely.when(); len(got) != 3 || got[0] != time.Minute || got[1]-90*time.Second > 11*time.Second || got[2] != 2*time.Minute {
			t.Errorf("each minute: %v", got)
		}
		if got := daily.when(); len(got) != 1 || got[0]-90*time.Second > 11*time.Second {
			t.Errorf("each day: %v", got)
		}
	})
}

// A clock that is set back does not stop what runs again and again, and does not repeat what is done once a day.
func TestClockBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(2*time.Hour - 90*time.Second) // 01:58:30
		b := &shared{Backend: local.New(local.Config{})}
		var clock wall
		minutely, here, daily := newDiary(), newDiary(), newDiary()
		for _, name := range []string{"a", "b"} {
			n := newNode(t, b, worker.Config{Node: name}, periodic(minutely, "minutely", every(time.Minute)), periodic(daily, "daily", cron("59 1 * * *")),
				periodic(here, "here", func(it *actionhero.Task[actionhero.None]) {
					it.Frequency, it.Scope = time.Minute, actionhero.ScopeAllNodes
				}))
			n.SetClock(clock.now)
			n.start()
		}
		time.Sleep(100 * time.Second) // 02:00:10
		clock.set(-time.Hour)         // 01:00:10
		time.Sleep(2 * time.Minute)
		want := []time.Duration{30 * time.Second, 90 * time.Second, 150 * time.Second, 210 * time.Second}
		if diff := cmp.Diff(want, minutely.when(), near); diff != "" {
			t.Errorf("each minute (-want +got):\n%s", diff)
		}
		if n := len(here.when()); n != 8 {
			t.Errorf("each minute on two nodes: %d", n)
		}
		time.Sleep(time.Hour)
		if diff := cmp.Diff([]time.Duration{30 * time.Second}, daily.when(), near); diff != "" {
			t.Errorf("each day (-want +got):\n%s", diff)
		}
		clock.set(-24 * time.Hour) // it was wrong by far
		time.Sleep(25 * time.Hour)
		if n := len(daily.when()); n != 2 {
			t.Errorf("each day, after a clock that was wrong by a day: %v", daily.when())
		}
	})
}

// A node that starts after a time when the clock was years ahead does not wait for years.
func TestLastTimeToCome(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var clock wall
		notes := newDiary()
		n := newNode(t, nil, worker.Config{}, periodic(notes, "daily", cron("0 12 * * *")))
		n.SetClock(clock.now)
		clock.set(5 * 366 * 24 * time.Hour)
		n.start()
		time.Sleep(24 * time.Hour)
		n.stop()
		clock.off.Store(0)
		n.start()
		time.Sleep(24 * time.Hour)
		if diff := cmp.Diff([]time.Duration{12 * time.Hour, 36 * time.Hour}, notes.when(), near); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// When times cannot be read or written down, it is tried until they can.
func TestTroubleWithTimes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		q := &amnesia{Queue: b.Queue()}
		q.ill.Store(true)
		notes := newDiary()
		n := newNode(t, sickBackend{b, q}, worker.Config{}, periodic(notes, "it", every(time.Minute)))
		n.start()
		time.Sleep(10 * time.Minute)
		q.ill.Store(false)
		time.Sleep(90 * time.Second)
		healthy := len(notes.all())
		q.ill.Store(true)
		time.Sleep(10*time.Minute - 5*time.Second)
		q.ill.Store(false)
		time.Sleep(4 * time.Second)
		if got := len(notes.all()); healthy == 0 || got != healthy+1 {
			t.Errorf("it ran %d times, then %d times", healthy, got-healthy)
		}
	})
}

// amnesia is a queue that fails with times.
type amnesia struct {
	backend.Queue
	ill atomic.Bool
}

func (a *amnesia) LastRuns(ctx context.Context) (map[string]time.Time, error) {
	if a.ill.Load() {
		return nil, errSick
	}
	return a.Queue.LastRuns(ctx)
}

func (a *amnesia) EnqueueScheduled(ctx context.Context, schedule string, at time.Time, jobs ...backend.NewJob) (bool, error) {
	if a.ill.Load() {
		return false, errSick
	}
	return a.Queue.EnqueueScheduled(ctx, schedule, at, jobs...)
}

// A task of the scope All that is enqueued runs on each node, also when it is unique.
func TestEnqueueForAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		notes := newDiary()
		it := periodic(notes, "it", func(it *actionhero.Task[actionhero.None]) { it.Scope = actionhero.ScopeAllNodes })
		n := newNode(t, nil, worker.Config{Node: "a"}, it)
		n.Add(worker.New(n.API, worker.Config{Node: "b"}))
		n.start()
		for range 2 {
			n.enqueue("it", actionhero.UniqueBy(actionhero.ByName), actionhero.After(time.Minute))
		}
		time.Sleep(2 * time.Minute)
		nodes := notes.all()
		slices.Sort(nodes)
		if diff := cmp.Diff([]string{"a", "b"}, nodes); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
