package queue

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/local/internal/faultfs"
	"github.com/actionhero-go/actionhero/internal/testkit/basics"
	"github.com/google/go-cmp/cmp"
)

func TestMain(m *testing.M) { basics.VerifyTestMain(m) }

// config returns a configuration with the folder fs, or in memory if fs is nil. Files are small, so that there are many.
func config(fs *faultfs.FS) Config {
	c := Config{KeepCompleted: 10 * time.Minute, KeepFailed: 20 * time.Minute, KeepMost: 10_000, MaxJobs: 10_000, MaxBytes: 1 << 30, FileBytes: 8 << 10}
	if fs != nil {
		c.FS = fs
	}
	return c
}

func open(t testing.TB, c Config) *Queue {
	t.Helper()
	q := New()
	if err := q.Open(c); err != nil {
		t.Fatalf("Open: %v", err)
	}
	return q
}

func closeQueue(t testing.TB, q *Queue) {
	t.Helper()
	if err := q.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// script makes the same random calls on several queues, which must have the same jobs.
type script struct {
	random    *rand.Rand
	last      func(ctx context.Context, q *Queue) error // the last call
	runs      []backend.Run
	lastID    uint64
	schedules int
}

func newScript(seed uint64) *script { return &script{random: rand.New(rand.NewPCG(seed, 0))} }

// step makes the next call on each of the queues, until one fails. It returns the number of successful calls.
func (s *script) step(queues ...*Queue) (done int, err error) {
	s.last = s.next()
	for _, q := range queues {
		if err := s.last(context.Background(), q); err != nil {
			return done, err
		}
		done++
	}
	return done, nil
}

// repeat makes the last call on another queue.
func (s *script) repeat(q *Queue) error { return s.last(context.Background(), q) }

func (s *script) next() func(ctx context.Context, q *Queue) error {
	switch n := s.random.IntN(20); {
	case n < 1:
		runs := slices.Clone(s.runs)
		return func(ctx context.Context, q *Queue) error { return q.Drain(ctx, runs...) }
	case n < 7:
		return s.enqueue()
	case n < 11:
		return s.fetch()
	case n < 16:
		return s.finish()
	}
	id := s.random.Uint64N(s.lastID+1) + 1
	switch s.random.IntN(5) {
	case 0:
		return func(ctx context.Context, q *Queue) error { return ignore(q.Delete(ctx, id)) }
	case 1:
		return func(ctx context.Context, q *Queue) error { _, err := q.Cancel(ctx, id); return ignore(err) }
	case 2:
		return func(ctx context.Context, q *Queue) error { _, err := q.Retry(ctx, id); return ignore(err) }
	}
	s.schedules++
	name, at := fmt.Sprint("schedule ", s.schedules%3), time.UnixMilli(int64(s.schedules))
	return func(ctx context.Context, q *Queue) error {
		_, err := q.EnqueueScheduled(ctx, name, at, backend.NewJob{Task: "scheduled", Unique: name})
		return err
	}
}

// ignore drops the errors that the state of a job causes.
func ignore(err error) error {
	for _, is := range []error{backend.ErrNotFound, backend.ErrRunning, backend.ErrDuplicate} {
		if strings.Contains(fmt.Sprint(err), is.Error()) {
			return nil
		}
	}
	return err
}

func (s *script) enqueue() func(ctx context.Context, q *Queue) error {
	jobs := make([]backend.NewJob, 1+s.random.IntN(3))
	for i := range jobs {
		jobs[i] = backend.NewJob{
			Task: fmt.Sprint("task ", s.random.IntN(3)), Queue: fmt.Sprint("queue ", s.random.IntN(2)), Priority: int8(s.random.IntN(3)),
			Params: []byte(strings.Repeat("x", s.random.IntN(900))), Delay: time.Duration(s.random.IntN(3)) * time.Minute, MaxAttempts: s.random.IntN(4),
		}
		if s.random.IntN(3) == 0 {
			jobs[i].Unique, jobs[i].UniqueFor = fmt.Sprint(s.random.IntN(6)), time.Duration(s.random.IntN(2))*time.Hour
		}
	}
	return func(ctx context.Context, q *Queue) error {
		added, err := q.Enqueue(ctx, jobs...)
		for _, a := range added {
			s.lastID = max(s.lastID, a.ID)
		}
		return err
	}
}

func (s *script) fetch() func(ctx context.Context, q *Queue) error {
	req := backend.FetchRequest{Node: fmt.Sprint("node ", s.random.IntN(2)), Queues: []string{"queue 1", "queue 0", "default"}, Max: 1 + s.random.IntN(8)}
	return func(ctx context.Context, q *Queue) error {
		jobs, err := q.Fetch(ctx, req)
		if err == nil {
			s.runs = s.runs[:0]
			for _, j := range jobs {
				s.runs = append(s.runs, j.Run())
			}
		}
		return err
	}
}

func (s *script) finish() func(ctx context.Context, q *Queue) error {
	states := []backend.State{backend.Completed, backend.Retryable, backend.Scheduled, backend.Available, backend.Cancelled, backend.Dead}
	var outcomes []backend.Outcome
	for _, run := range s.runs {
		o := backend.Outcome{Run: run, State: states[s.random.IntN(len(states))], Delay: time.Duration(s.random.IntN(2)) * time.Minute}
		if s.random.IntN(2) == 0 {
			o.Error = fmt.Sprint("error ", s.random.IntN(100))
		}
		outcomes = append(outcomes, o)
	}
	return func(ctx context.Context, q *Queue) error { _, err := q.Finish(ctx, outcomes...); return err }
}

// contents returns the visible content of a queue: the counts, the last runs and a line for each job.
func contents(t testing.TB, q *Queue) []string {
	t.Helper()
	jobs, err := q.List(context.Background(), backend.JobFilter{Limit: 100_000})
	if err != nil {
		t.Fatalf("List: %v", err)
	}
	stats, err := q.Stats(context.Background())
	if err != nil {
		t.Fatalf("Stats: %v", err)
	}
	lastRuns, err := q.LastRuns(context.Background())
	if err != nil {
		t.Fatalf("LastRuns: %v", err)
	}
	lines := []string{fmt.Sprint(stats), fmt.Sprint(lastRuns)}
	for _, j := range jobs {
		params := len(j.Params)
		j.Params = nil
		lines = append(lines, fmt.Sprintf("%+v, %d bytes", j, params))
	}
	return lines
}

func diff(a, b []string) string {
	if slices.Equal(a, b) {
		return ""
	}
	return cmp.Diff(a, b)
}

// checkInvariants checks that the counts of a queue are correct, and that every job is in the container of its state.
func checkInvariants(t testing.TB, q *Queue) {
	t.Helper()
	q.mu.Lock()
	defer q.mu.Unlock()
	tab := q.jobs
	counts, bytes, work, containers, n := [backend.Dead + 1]int{}, int64(0), int64(0), map[container]int{}, 0
	last := uint64(0)
	tab.walk(0, false, func(i slot) bool {
		e := tab.at(i)
		if e.id <= last || tab.find(e.id) != i {
			t.Errorf("job %d is not found, or is listed after job %d", e.id, last)
		}
		last = e.id
		n++
		counts[e.state]++
		containers[e.in]++
		size := int64(e.recordLen) + int64(e.failureLen) + jobBytes
		if bytes += size; !e.state.Finished() {
			work += size
		}
		if e.key != 0 && !e.state.Finished() && tab.keys.holders[tab.keys.list[e.key].text] != i {
			t.Errorf("job %d does not hold its key", e.id)
		}
		return true
	})
	due, crashed, unknown := 0, 0, 0
	for i := range tab.queues.list {
		s := &tab.queues.list[i].value
		crashed += s.crashed.n
		unknown += s.unknown.n
		for _, l := range s.priorities {
			due += l.n
		}
	}
	if n != tab.count || counts != tab.counts || bytes != tab.bytes || work != tab.work {
		t.Errorf("there are %d jobs, %v by state, of %d and %d bytes; the table counts %d, %v, %d, %d", n, counts, bytes, work, tab.count, tab.counts, tab.bytes, tab.work)
	}
	got := map[container]int{inWaiting: len(tab.waiting), inUnknown: unknown, inFinished: tab.finished.n, inDead: tab.dead.n, inUniqueHeld: len(tab.uniqueHeld), inPriority: due, inCrashed: crashed}
	for w, n := range got {
		if containers[w] != n {
			t.Errorf("%d jobs refer to container %d, which has %d", containers[w], w, n)
		}
	}
}
