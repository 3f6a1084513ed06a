//go:build unix

package redis

import (
	"errors"
	"fmt"
	"maps"
	"strconv"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/testkit/redistest"
)

// lastRuns returns the last runs of all schedules in ms.
func (s *shardTest) lastRuns() map[string]int64 {
	s.Helper()
	found := map[string]int64{}
	for name, at := range s.set("ticks") {
		found[name] = int64(at)
	}
	return found
}

// TestATimeOfAScheduleIsEnqueuedOnce takes random steps of several nodes, whose clocks differ, and compares them with a
// model. Each step may be sent twice, as after a lost answer.
func TestATimeOfAScheduleIsEnqueuedOnce(t *testing.T) {
	onEachFlavor(t, func(t *testing.T, f redistest.Flavor) {
		s := newShardTest(t, f.Shared(t))
		r := randomly(t)
		s.beat()
		last, won := map[string]int64{}, map[string]int{}
		words := map[string]int{}
		for range 2000 {
			s.now += r.Int64N(500_000)
			schedule := strconv.Itoa(r.IntN(5))
			at := s.ms() + r.Int64N(10_000) - 6000
			known, has := last[schedule]
			if r.IntN(6) == 0 {
				before := ""
				if has && r.IntN(4) > 0 {
					before = strconv.FormatInt(known, 10)
				}
				n, err := asInt(s.run(setLastScript, schedule, before, strconv.FormatInt(at, 10)), nil)
				want := int64(0)
				if has == (before != "") {
					want, last[schedule] = 1, min(at, s.ms())
				}
				if err != nil || n != want {
					t.Fatalf("SetLastRun = %d, %v, want %d", n, err, want)
				}
				continue
			}
			prepared, err := prepareJobs([]backend.NewJob{{Task: fmt.Sprint(schedule, " at ", at), Queue: "a", Params: []byte("{}")}})
			if err != nil {
				t.Fatal(err)
			}
			args := append([]string{schedule, strconv.FormatInt(at, 10), "100000"}, prepared.records...)
			want := "won"
			switch {
			case has && at <= known:
				want = "not"
			case at > s.ms()+2000:
				want = "early"
			default:
				last[schedule] = at
				won[fmt.Sprint(schedule, " at ", at)]++
			}
			words[want]++
			s.wantWord(s.words(tickScript, args...), want)
			if want != "early" && r.IntN(2) == 0 {
				s.wantWord(s.words(tickScript, args...), "not")
			}
			if !maps.Equal(s.lastRuns(), last) {
				t.Fatalf("the last runs are %v, want %v", s.lastRuns(), last)
			}
		}
		added := map[string]int{}
		for _, j := range s.wantForm() {
			added[j.Task]++
		}
		if !maps.Equal(added, won) || len(words) != 3 {
			t.Errorf("the jobs are %v, want %v; the answers were %v", added, won, words)
		}
	})
}

func TestAFullQueueRefusesNewJobsOnly(t *testing.T) {
	onEachFlavor(t, func(t *testing.T, f redistest.Flavor) {
		s := newShardTest(t, f.Shared(t))
		s.beat()
		s.enqueue(backend.NewJob{Task: "x", Queue: "a", Unique: "key"}, backend.NewJob{Task: "x", Queue: "a"})
		tick := func(schedule string, at int64, limit string, j backend.NewJob) []string {
			prepared, err := prepareJobs([]backend.NewJob{j})
			if err != nil {
				t.Fatal(err)
			}
			return s.words(tickScript, append([]string{schedule, strconv.FormatInt(at, 10), limit}, prepared.records...)...)
		}
		s.wantWord(tick("full", s.ms(), "2", backend.NewJob{Task: "y"}), "full")
		s.wantWord(tick("full", s.ms(), "2", backend.NewJob{Task: "y", Unique: "key"}), "won")
		s.wantWord(tick("room", s.ms(), "3", backend.NewJob{Task: "y"}), "won")
		s.wantForm()
		// The queue has three jobs now. A job whose unique key is held needs no room.
		enqueue := func(batch string, j backend.NewJob) []string {
			prepared, err := prepareJobs([]backend.NewJob{j})
			if err != nil {
				t.Fatal(err)
			}
			return s.add(append([]string{testInc, batch, "3"}, prepared.records...))
		}
		s.wantWord(enqueue("1000", backend.NewJob{Task: "x"}), "full")
		if reply := enqueue("1001", backend.NewJob{Task: "x", Unique: "key"}); reply[0] != "ok" || reply[1] != " e1" {
			t.Errorf("Enqueue of a job that exists, in a full queue, returns %q", reply)
		}
		for i := range 10_020 {
			s.wantWord(tick(fmt.Sprint("schedule ", i), s.ms()-20_000+int64(i), "3", backend.NewJob{Task: "y", Unique: "key"}), "won")
		}
		last := s.lastRuns()
		for i := range 10_020 {
			if _, there := last[fmt.Sprint("schedule ", i)]; there != (i >= 22) {
				t.Fatalf("schedule %d is there: %t, of %d", i, there, len(last))
			}
		}
		if len(last) != 10_000 {
			t.Errorf("%d last runs are kept", len(last))
		}
	})
}

func TestANodeWhoseClockIsAheadStartsNoTaskEarly(t *testing.T) {
	onEachFlavor(t, func(t *testing.T, f redistest.Flavor) {
		b := open(t, at(f.Shared(t)))
		q, now := b.queue, b.core.session.Load().now().Truncate(time.Millisecond)
		if won, err := q.EnqueueScheduled(t.Context(), "hourly", now.Add(time.Minute), backend.NewJob{Task: "x"}); won || !errors.Is(err, backend.ErrEarly) {
			t.Errorf("EnqueueScheduled a minute ahead = %t, %v", won, err)
		}
		if done, err := q.SetLastRun(t.Context(), "hourly", time.Time{}, now.Add(time.Hour)); !done || err != nil {
			t.Errorf("SetLastRun of a schedule that never ran = %t, %v", done, err)
		}
		last, err := q.LastRuns(t.Context())
		if at := last["hourly"]; err != nil || at.Before(now.Add(-time.Second)) || at.After(now.Add(time.Minute)) {
			t.Errorf("after SetLastRun an hour ahead at %v the last run is %v, %v", now, at, err)
		}
	})
}

// TestAScheduleDrawsNoIdsThatAnotherServerHasDrawn calls EnqueueScheduled before Pulse has met a promoted server.
func TestAScheduleDrawsNoIdsThatAnotherServerHasDrawn(t *testing.T) {
	onEachFlavor(t, func(t *testing.T, f redistest.Flavor) {
		q := open(t, at(f.Shared(t))).queue
		f.Shared(t).Do(t, "HSET", q.shards[0].keys[0], "rid", "another server")
		if won, err := q.EnqueueScheduled(t.Context(), "x", time.Now().Add(-time.Hour), backend.NewJob{Task: "x"}); err != nil || !won {
			t.Fatalf("EnqueueScheduled = %t, %v", won, err)
		}
		if jobs, err := q.List(t.Context(), backend.JobFilter{}); err != nil || len(jobs) != 1 || jobs[0].ID <= 1<<20 {
			t.Errorf("List = %v, %v, want an id above those of the other server", jobs, err)
		}
	})
}
