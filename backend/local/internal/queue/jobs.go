package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/internal/rules"
)

// Get implements [backend.Queue.Get]. It waits until the last change of the job is durable.
func (q *Queue) Get(_ context.Context, id uint64) (backend.Job, error) {
	f, err := q.find(id)
	if err != nil {
		return backend.Job{}, err
	}
	return q.read(&f)
}

func notFound(id uint64) error {
	return fmt.Errorf("there is no job %d: it was never enqueued, was deleted, or finished longer ago than tasks.keepCompleted or tasks.keepFailed: %w", id, backend.ErrNotFound)
}

// The limits of one call of List: the default number of jobs, and the total size of parameters in bytes after which
// List ends early.
const (
	defaultLimit = 100
	maxListBytes = 16 << 20
)

// List implements [backend.Queue.List]. Once the parameters of the found jobs have maxListBytes bytes together, List
// may return fewer jobs than the filter allows.
func (q *Queue) List(ctx context.Context, f backend.JobFilter) ([]backend.Job, error) {
	if f.Limit <= 0 {
		f.Limit = defaultLimit
	}
	var jobs []backend.Job
	for bytes := 0; bytes < maxListBytes && len(jobs) < f.Limit; {
		ids, last, err := q.scan(f, f.Limit-len(jobs))
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			j, err := q.Get(ctx, id)
			switch {
			case err == nil && (len(f.States) == 0 || slices.Contains(f.States, j.State)):
				jobs = append(jobs, j)
				bytes += len(j.Params)
			case err != nil && !errors.Is(err, backend.ErrNotFound):
				return nil, err
			}
		}
		if last == 0 {
			break
		}
		f.After = last
	}
	return jobs, nil
}

// maxScannedPerLock is the number of jobs that List compares with its filter before it releases the lock for other
// calls.
const maxScannedPerLock = 4096

// scan returns the ids of at most limit jobs that match the filter f. It also returns last, the last id that it
// compared, or 0 if there are no more jobs to compare.
func (q *Queue) scan(f backend.JobFilter, limit int) (ids []uint64, last uint64, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.beginRead(); err != nil {
		return nil, 0, err
	}
	looked := 0
	q.jobs.walk(f.After, f.Newest, func(i slot) bool {
		e := q.jobs.at(i)
		if q.jobs.matches(e, &f) {
			ids = append(ids, e.id)
		}
		if looked++; looked == maxScannedPerLock || len(ids) == limit {
			last = e.id
			return false
		}
		return true
	})
	return ids, last, nil
}

func (t *table) matches(e *entry, f *backend.JobFilter) bool {
	return (len(f.States) == 0 || slices.Contains(f.States, e.state)) &&
		(f.Queue == "" || t.queues.list[e.queue].text == f.Queue) &&
		(f.Task == "" || t.tasks.list[e.task].text == f.Task)
}

// Stats implements [backend.Queue.Stats]. It copies the counts that the table keeps.
func (q *Queue) Stats(context.Context) (backend.QueueStats, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.beginRead(); err != nil {
		return backend.QueueStats{}, err
	}
	t := q.jobs
	stats := backend.QueueStats{
		Total: countsOf(&t.counts), Queues: make(map[string]backend.Counts, len(t.queues.numbers)), Tasks: make(map[string]backend.Counts, len(t.tasks.numbers)),
	}
	for name, number := range t.queues.numbers {
		stats.Queues[name] = countsOf(&t.queues.list[number].value.counts)
	}
	for name, number := range t.tasks.numbers {
		stats.Tasks[name] = countsOf(&t.tasks.list[number].value)
	}
	delete(stats.Queues, "") // number 0 of each interner
	delete(stats.Tasks, "")
	return stats, nil
}

func countsOf(counts *counts) backend.Counts {
	var c backend.Counts
	for s := backend.Scheduled; s <= backend.Dead; s++ {
		*c.Of(s) = counts[s]
	}
	return c
}

// changeJob calls do on the job with this id, waits until the change is durable, and returns the changed job. It fails
// if there is no job with this id or if do fails.
func (q *Queue) changeJob(id uint64, do func(i slot, now timestamps) error) (backend.Job, error) {
	q.mu.Lock()
	now, err := q.begin(changeBytes+crashBytes, false)
	if err != nil {
		q.mu.Unlock()
		return backend.Job{}, err
	}
	i := q.jobs.find(id)
	if i == 0 {
		err = notFound(id)
	} else {
		err = do(i, now)
	}
	if err != nil {
		q.mu.Unlock()
		return backend.Job{}, err
	}
	f := q.snapshot(i)
	if err := q.commit(now); err != nil {
		return backend.Job{}, err
	}
	return q.read(&f)
}

// Retry implements [backend.Queue.Retry]. It returns once the change of the job is durable.
func (q *Queue) Retry(_ context.Context, id uint64) (backend.Job, error) {
	return q.changeJob(id, func(i slot, now timestamps) error {
		e := q.jobs.at(i)
		if e.state == backend.Running {
			return fmt.Errorf("job %d cannot be retried: %w", id, backend.ErrRunning)
		}
		if !q.keyIsFree(i, now) {
			key := q.jobs.keys.list[e.key].text
			return fmt.Errorf("job %d cannot be retried, because job %d holds its unique key %q: %w", id, q.jobs.at(q.jobs.holder(key, now.wall)).id, key, backend.ErrDuplicate)
		}
		q.change(i, now, "", func(e *entry) {
			e.crashes = 0
			if e.maxAttempts > 0 {
				e.maxAttempts = max(e.maxAttempts, e.attempt+1)
			}
			e.flags &^= retrying
			e.reschedule(now, 0)
		})
		return nil
	})
}

// Cancel implements [backend.Queue.Cancel]. If the job is running, Cancel calls the callbacks of OnStop once
// the change is durable.
func (q *Queue) Cancel(_ context.Context, id uint64) (backend.Job, error) {
	var run backend.Run // the run to notify; zero: none
	j, err := q.changeJob(id, func(i slot, now timestamps) error {
		switch e := q.jobs.at(i); {
		case e.waits():
			q.change(i, now, "it was cancelled before it ran", func(e *entry) { e.finish(backend.Cancelled, now) })
		case e.state == backend.Running && !e.has(cancelling):
			q.change(i, now, "", func(e *entry) { e.flags |= cancelling })
			run = backend.Run{ID: id, Fence: uint64(e.starts)}
		}
		return nil
	})
	if run.ID != 0 && err == nil {
		q.listeners.Call(run, backend.RunCancelled)
	}
	return j, err
}

// Delete implements [backend.Queue.Delete]. It returns once the removal of the job is durable.
func (q *Queue) Delete(_ context.Context, id uint64) error {
	q.mu.Lock()
	now, err := q.begin(changeBytes, false)
	if err != nil {
		q.mu.Unlock()
		return err
	}
	i := q.jobs.find(id)
	switch {
	case i == 0:
		err = notFound(id)
	case q.jobs.at(i).state == backend.Running:
		err = fmt.Errorf("job %d cannot be deleted: %w", id, backend.ErrRunning)
	}
	if err != nil {
		q.mu.Unlock()
		return err
	}
	q.remove(i, q.startRecord(recordDelete, id))
	return q.commit(now)
}

// maxSchedules is the maximum number of schedules whose last run the queue stores. The name of a schedule changes with
// its times, so old names remain.
const maxSchedules = 10_000

// EnqueueScheduled implements [backend.Queue.EnqueueScheduled].
func (q *Queue) EnqueueScheduled(_ context.Context, schedule string, at time.Time, jobs ...backend.NewJob) (bool, error) {
	if err := rules.CheckName("schedule", schedule); err != nil {
		return false, err
	}
	s, err := prepare(jobs, nil, nil)
	if err != nil {
		return false, err
	}
	ms := at.UnixMilli()
	q.mu.Lock()
	now, err := q.begin(s.size()+changeBytes+len(schedule), true)
	last, known := q.jobs.lastRuns[schedule]
	switch {
	case err != nil:
	case known && ms <= last:
		q.mu.Unlock()
		return false, nil
	default:
		err = q.makeRoom(&s, now)
	}
	if err != nil {
		q.mu.Unlock()
		return false, err
	}
	q.writeLastRun(schedule, ms)
	for n := range s.list {
		q.add(&s.list[n].job, s.fieldsOf(n), now)
	}
	return true, q.commit(now)
}

// LastRuns implements [backend.Queue.LastRuns]. It copies the last runs that the table keeps.
func (q *Queue) LastRuns(context.Context) (map[string]time.Time, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.beginRead(); err != nil {
		return nil, err
	}
	last := make(map[string]time.Time, len(q.jobs.lastRuns))
	for name, ms := range q.jobs.lastRuns {
		last[name] = time.UnixMilli(ms)
	}
	return last, nil
}

// SetLastRun implements [backend.Queue.SetLastRun].
func (q *Queue) SetLastRun(_ context.Context, schedule string, before, at time.Time) (bool, error) {
	if err := rules.CheckName("schedule", schedule); err != nil {
		return false, err
	}
	q.mu.Lock()
	now, err := q.begin(changeBytes+len(schedule), true)
	last, known := q.jobs.lastRuns[schedule]
	if err != nil || known == before.IsZero() || known && last != before.UnixMilli() {
		q.mu.Unlock()
		return false, err
	}
	q.writeLastRun(schedule, at.UnixMilli())
	return true, q.commit(now)
}

// writeLastRun sets the last run of a schedule to ms, in milliseconds since 1970, and writes a record of the last run.
func (q *Queue) writeLastRun(schedule string, ms int64) {
	last, known := q.jobs.lastRuns[schedule]
	if !known {
		last = never
	}
	if name, at := q.jobs.setLastRun(schedule, ms); name != "" && q.log != nil {
		q.pending = append(q.pending, rollback{kind: lastRunSet, schedule: name, number: at})
	}
	q.write(rollback{kind: lastRunSet, schedule: schedule, number: last}, putLastRun(q.scratch[:0], schedule, ms))
}

// setLastRun sets the last run of a schedule. If the table has maxSchedules other schedules, setLastRun forgets the
// schedule with the earliest last run, and returns its name and its last run. No record is written about that, because
// the same happens when the journal is read.
func (t *table) setLastRun(schedule string, ms int64) (forgotten string, at int64) {
	if _, known := t.lastRuns[schedule]; !known && len(t.lastRuns) >= maxSchedules {
		at = never
		for name, ms := range t.lastRuns {
			if ms < at || ms == at && name < forgotten {
				forgotten, at = name, ms
			}
		}
		delete(t.lastRuns, forgotten)
	}
	t.lastRuns[schedule] = ms
	return forgotten, at
}
