package redis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/setting"
)

// queue is the job queue of a node: its shards. The id of a job is its number in its shard, times the number of shards,
// plus the number of the shard. A unique key has a shard, and so has the name of a schedule: these have the job with the key,
// and the last run. All other jobs are spread evenly.
type queue struct {
	all    *allShards
	shards []*shard
	next   atomic.Uint64 // rotates the shard at which Fetch and Enqueue begin
}

func newQueue(c *core) *queue {
	config := c.config.Queue
	config.KeepCompleted, config.KeepFailed = max(config.KeepCompleted, 0), max(config.KeepFailed, 0)
	n := min(max(config.Shards, 1), maxShards)
	config.MaxJobs, config.KeepMost = (config.MaxJobs+n-1)/n, (config.KeepMost+n-1)/n
	q := &queue{all: &allShards{core: c, config: config}}
	for i := range n {
		q.shards = append(q.shards, newShard(q.all, i, n))
	}
	q.all.risky.ended = q.pulseSoon
	return q
}

// pulseSoon makes each shard tell its watchers of the jobs that are due.
func (q *queue) pulseSoon() {
	for _, s := range q.shards {
		s.pulse.soon(0)
	}
}

// open begins an inc in each shard.
func (q *queue) open(ctx context.Context) (err error) {
	if err := setting.Check("tasks", &q.all.config); err != nil {
		return err
	}
	if n := q.all.config.Shards; n&(n-1) != 0 {
		return fmt.Errorf("tasks.shards is %d: it must be 1, 2, 4, 8, 16, 32 or 64", n)
	}
	if err := q.agree(ctx); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			q.close(ctx)
		}
	}()
	for _, s := range q.shards {
		if err := s.open(ctx); err != nil {
			return err
		}
	}
	return q.agree(ctx) // another node may have changed the number before it could see the leases of this one
}

func (q *queue) close(ctx context.Context) {
	for _, s := range q.shards {
		s.close(ctx)
	}
}

// OnStop adds a callback, which goroutines of the queue call.
func (q *queue) OnStop(f func(run backend.Run, why backend.StopReason)) (stop func()) {
	return q.all.listeners.Add(f)
}

// of returns the shard of a job.
func (q *queue) of(id uint64) *shard { return q.shards[id%uint64(len(q.shards))] }

// home returns the shard of a unique key or of a schedule.
func (q *queue) home(name string) *shard { return q.shards[partition(name)%len(q.shards)] }

// rotate returns the number of a shard, each time another one.
func (q *queue) rotate() int { return int(q.next.Add(1) % uint64(len(q.shards))) }

// Enqueue adds jobs to their shards. The jobs without a unique key are added to one shard, or in parts of 512 to several.
func (q *queue) Enqueue(ctx context.Context, jobs ...backend.NewJob) ([]backend.Enqueued, error) {
	if len(q.shards) == 1 {
		return q.shards[0].Enqueue(ctx, jobs...)
	}
	prepared, err := prepareJobs(jobs)
	if err != nil {
		return nil, err
	}
	var groups [maxShards][]int // the places of the jobs of each shard
	plain, at := 0, q.rotate()
	for i := range jobs {
		to := (at + plain/maxItems) % len(q.shards)
		if jobs[i].Unique == "" {
			plain++
		} else {
			to = int(q.home(jobs[i].Unique).index)
		}
		groups[to] = append(groups[to], i)
	}
	results, added := make([]backend.Enqueued, len(jobs)), 0
	for n, places := range groups {
		if len(places) == 0 {
			continue
		}
		records := make([]string, 0, 2*len(places))
		for _, i := range places {
			records = append(records, prepared.records[2*i], prepared.records[2*i+1])
		}
		some, err := q.shards[n].add(ctx, records)
		if err != nil {
			if added += len(some); added > 0 {
				err = fmt.Errorf("%d of %d jobs were enqueued, the others not: %w", added, len(jobs), err)
			}
			return nil, err
		}
		for k, i := range places {
			results[i] = some[k]
			q.shards[n].hint(jobs[i].Queue)
		}
		added += len(places)
	}
	return results, nil
}

// Fetch starts runs of due jobs. It begins at another shard each time, and leaves out the shards that have no due jobs, as
// far as this node knows: messages and the pulses of each second tell. So a Fetch without due jobs sends no command.
func (q *queue) Fetch(ctx context.Context, req backend.FetchRequest) ([]backend.Job, error) {
	if len(q.shards) == 1 {
		return q.shards[0].Fetch(ctx, req)
	}
	watched := q.all.watchers.has(req.Queues)
	var jobs []backend.Job
	var failed error
	at, left := q.rotate(), req.Max
	for i := range q.shards {
		s := q.shards[(at+i)%len(q.shards)]
		if _, err := s.current(); err != nil {
			return jobs, err
		}
		if left <= 0 || watched && !s.hints.take(req.Queues) {
			continue
		}
		req.Max = left
		some, err := s.Fetch(ctx, req)
		if len(some) > 0 {
			s.hints.add(req.Queues...) // there may be more
		}
		jobs, left = append(jobs, some...), left-len(some)
		failed = cmp.Or(failed, err)
	}
	if len(jobs) > 0 {
		return jobs, nil // the next pulse that the shard answers brings its jobs again
	}
	return nil, failed
}

// dueHints has the queues of a shard that may have due jobs.
type dueHints struct {
	mu  sync.Mutex
	due map[string]bool
}

func (h *dueHints) add(queues ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.due == nil {
		h.due = make(map[string]bool)
	}
	for _, name := range queues {
		h.due[cmp.Or(name, backend.DefaultQueue)] = true
	}
}

// take forgets these queues. It reports whether one of them may have due jobs.
func (h *dueHints) take(queues []string) (found bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, name := range queues {
		name = cmp.Or(name, backend.DefaultQueue)
		found = found || h.due[name]
		delete(h.due, name)
	}
	return found
}

// hint notes that a queue of the shard may have due jobs. It forgets a queue without watchers, for which Fetch needs no hint.
func (q *shard) hint(name string) {
	if q.of > 1 && q.watchers.has([]string{name}) {
		q.hints.add(name)
	}
}

// mayBeDue notifies the watchers of a queue of the shard.
func (q *shard) mayBeDue(name string) {
	q.hint(name)
	q.watchers.notify(name)
}

// spread calls f for each shard that has some of the items, concurrently, with the places of these items.
func (q *queue) spread(n int, id func(i int) uint64, f func(s *shard, places []int) error) error {
	groups := make(map[*shard][]int)
	for i := range n {
		s := q.of(id(i))
		groups[s] = append(groups[s], i)
	}
	errs := make([]error, len(q.shards))
	var wg sync.WaitGroup
	for s, places := range groups {
		wg.Go(func() { errs[s.index] = f(s, places) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Finish ends runs in their shards.
func (q *queue) Finish(ctx context.Context, outcomes ...backend.Outcome) ([]backend.Run, error) {
	if len(q.shards) == 1 {
		return q.shards[0].Finish(ctx, outcomes...)
	}
	if err := checkOutcomes(outcomes); err != nil {
		return nil, err
	}
	var mu sync.Mutex
	var lost []backend.Run
	err := q.spread(len(outcomes), func(i int) uint64 { return outcomes[i].ID }, func(s *shard, places []int) error {
		some, err := s.Finish(ctx, pickAll(outcomes, places)...)
		mu.Lock()
		defer mu.Unlock()
		lost = append(lost, some...)
		return err
	})
	return lost, err
}

// Drain marks runs in their shards.
func (q *queue) Drain(ctx context.Context, runs ...backend.Run) error {
	if len(q.shards) == 1 {
		return q.shards[0].Drain(ctx, runs...)
	}
	return q.spread(len(runs), func(i int) uint64 { return runs[i].ID }, func(s *shard, places []int) error {
		return s.Drain(ctx, pickAll(runs, places)...)
	})
}

// pickAll returns the items at these places.
func pickAll[T any](list []T, places []int) []T {
	some := make([]T, len(places))
	for k, i := range places {
		some[k] = list[i]
	}
	return some
}

// Get returns the job with the id. If its record cannot be read, the job is [backend.Dead], and its error says so.
func (q *queue) Get(ctx context.Context, id uint64) (backend.Job, error) {
	return q.of(id).Get(ctx, id)
}

// Retry makes a job due. If the answer is lost, Retry does not repeat the call, because the job may have run meanwhile.
func (q *queue) Retry(ctx context.Context, id uint64) (backend.Job, error) {
	s := q.of(id)
	j, err := s.Retry(ctx, id)
	if err == nil {
		s.hint(j.Queue)
	}
	return j, err
}

// Cancel ends a job that waits, and notifies the node of a job that runs.
func (q *queue) Cancel(ctx context.Context, id uint64) (backend.Job, error) {
	return q.of(id).Cancel(ctx, id)
}

// Delete removes a job, or a record that was set aside. If the answer is lost, Delete does not repeat the call, because
// the second one would not find the job.
func (q *queue) Delete(ctx context.Context, id uint64) error { return q.of(id).Delete(ctx, id) }

// List asks all shards for the jobs that match, and merges them by their ids.
func (q *queue) List(ctx context.Context, f backend.JobFilter) ([]backend.Job, error) {
	f.Limit = cmp.Or(max(f.Limit, 0), defaultListLimit)
	var merged []backend.Job
	var end uint64 // the shard that ended early lists nothing behind this id
	behind := func(a, b uint64) bool { return a > b != f.Newest && a != b }
	for _, s := range q.shards {
		jobs, more, err := s.list(ctx, f)
		if err != nil {
			return nil, err
		}
		if n := len(jobs); more && n > 0 && (end == 0 || behind(end, jobs[n-1].ID)) {
			end = jobs[n-1].ID
		}
		merged = append(merged, jobs...)
	}
	slices.SortFunc(merged, func(a, b backend.Job) int {
		if f.Newest {
			a, b = b, a
		}
		return cmp.Compare(a.ID, b.ID)
	})
	if end != 0 {
		merged = slices.DeleteFunc(merged, func(j backend.Job) bool { return behind(j.ID, end) })
	}
	return merged[:min(len(merged), f.Limit):len(merged)], nil
}

// Stats adds up the counts of the shards.
func (q *queue) Stats(ctx context.Context) (backend.QueueStats, error) {
	sum := backend.QueueStats{Queues: map[string]backend.Counts{}, Tasks: map[string]backend.Counts{}}
	for _, s := range q.shards {
		if err := s.addStats(ctx, &sum); err != nil {
			return backend.QueueStats{}, err
		}
	}
	return sum, nil
}

// sortedShards returns the keys of a map by shard, in the order of the shards.
func sortedShards[V any](m map[*shard]V) []*shard {
	return slices.SortedFunc(maps.Keys(m), func(a, b *shard) int { return cmp.Compare(a.index, b.index) })
}
