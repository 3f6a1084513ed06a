package queue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/local/internal/journal"
)

// Fetch is backend.Queue's.
func (q *Queue) Fetch(ctx context.Context, req backend.FetchRequest) ([]backend.Job, error) {
	if err := tooLong("node", req.Node); err != nil {
		return nil, err
	}
	q.mu.Lock()
	req.Max = min(req.Max, maxTake, q.available(req.Queues))
	now, err := q.begin(max(req.Max, 0)*(changeBytes+len(req.Node)), false)
	if err != nil {
		q.mu.Unlock()
		return nil, err
	}
	taken := taken{log: q.log, jobs: make([]backend.Job, 0, max(req.Max, 0)), rests: make([]rest, 0, max(req.Max, 0))}
	for _, name := range req.Queues {
		l := q.jobs.findQueue(cmp.Or(name, backend.DefaultQueue))
		for l != nil && len(taken.jobs) < req.Max {
			i := q.jobs.next(l, now.wall)
			if i == 0 {
				break
			}
			q.start(i, now, req)
			taken.jobs, taken.rests = append(taken.jobs, q.jobs.job(i)), append(taken.rests, q.rest(i))
		}
	}
	if len(taken.jobs) == 0 {
		q.mu.Unlock()
		return nil, nil
	}
	if err := q.commit(now); err != nil {
		return nil, err
	}
	return q.readTaken(ctx, taken)
}

// taken is jobs that were taken, without what is only in their records.
type taken struct {
	log   *journal.Log
	jobs  []backend.Job
	rests []rest
}

// readTaken reads the records of jobs that were taken. What cannot be read cannot be run either.
func (q *Queue) readTaken(ctx context.Context, t taken) ([]backend.Job, error) {
	jobs := t.jobs[:0]
	for n := range t.jobs {
		err := q.fill(&t.jobs[n], t.log, &t.rests[n])
		if err == nil {
			jobs = append(jobs, t.jobs[n])
			continue
		}
		o := backend.Outcome{Run: t.jobs[n].Run(), State: backend.Scheduled, Delay: time.Minute, Error: fmt.Sprintf("it cannot be read: %v", err)}
		if errors.Is(err, backend.ErrDamaged) {
			o.State = backend.Dead
		}
		if _, err := q.Finish(ctx, o); err != nil {
			return jobs, err
		}
	}
	return jobs, nil
}

// available is how many jobs of these queues are due at most.
func (q *Queue) available(queues []string) int {
	now, _ := q.clock.now()
	q.jobs.becomeDue(now.wall)
	n := 0
	for _, name := range queues {
		if l := q.jobs.findQueue(cmp.Or(name, backend.DefaultQueue)); l != nil {
			n += l.counts[backend.Available]
		}
	}
	return n
}

// maxTake is how many jobs are taken at once.
const maxTake = 1000

func (q *Queue) start(i slot, now moments, req backend.FetchRequest) {
	q.change(i, now, "", func(e *entry) {
		e.state = backend.Running
		e.started = now.wall
		e.starts++
		e.attempt++
		e.flags &^= retrying
		if q.jobs.nodes.list[e.node].text != req.Node {
			e.node = q.jobs.nodes.use(req.Node)
		}
		e.until = 0
		if req.Lease > 0 {
			e.until = now.moment + 1 + milliseconds(req.Lease)
		}
	})
}

// running returns the job of a run that has not ended, or 0.
func (q *Queue) running(run backend.Run) slot {
	i := q.jobs.find(run.ID)
	if i == 0 {
		return 0
	}
	if e := q.jobs.at(i); e.state != backend.Running || int(e.starts) != run.Start {
		return 0
	}
	return i
}

// Finish is backend.Queue's.
func (q *Queue) Finish(_ context.Context, outcomes ...backend.Outcome) (lost []uint64, err error) {
	for n := range outcomes {
		if o := &outcomes[n]; o.State == 0 || o.State == backend.Running || o.State > backend.Dead {
			return nil, fmt.Errorf("the run of job %d cannot end as %v: use completed, retryable, scheduled, available, cancelled or dead", o.ID, o.State)
		}
	}
	need := 0
	for n := range outcomes {
		need += changeBytes + crashBytes + min(len(outcomes[n].Error), backend.MaxErrorBytes)
	}
	q.mu.Lock()
	now, err := q.begin(need, false)
	if err != nil {
		q.mu.Unlock()
		return nil, err
	}
	for n := range outcomes {
		i := q.running(outcomes[n].Run)
		if i == 0 {
			lost = append(lost, outcomes[n].ID)
			continue
		}
		q.finish(i, now, &outcomes[n])
	}
	return lost, q.commit(now)
}

func (q *Queue) finish(i slot, now moments, o *backend.Outcome) {
	state, failure := o.State, cut(o.Error)
	if q.jobs.at(i).is(cancelling) && !state.Finished() {
		state, failure = backend.Cancelled, cmp.Or(failure, "it was cancelled while it ran")
	}
	q.change(i, now, failure, func(e *entry) {
		e.flags &^= cancelling
		switch {
		case state.Finished():
			e.end(state, now)
			return
		case state == backend.Retryable:
			e.flags |= retrying
		default:
			e.attempt--
		}
		delay := o.Delay
		if state == backend.Available {
			delay = 0
		}
		e.wait(now, delay)
	})
}

// end makes e one that has ended.
func (e *entry) end(state backend.State, now moments) {
	e.state = state
	e.until = now.wall
	e.flags &^= cancelling | retrying
}

// wait makes e one that waits.
func (e *entry) wait(now moments, delay time.Duration) {
	e.state = backend.Scheduled
	e.until = 0
	e.runAt = now.after(delay)
	e.flags |= relative
}

// crashBytes is how long the reason is at most that crash gives.
const crashBytes = 200

// crash ends the run of i as one that did not end by itself.
func (q *Queue) crash(i slot, now moments, why string) {
	e := q.jobs.at(i)
	failure, state := "", backend.Available
	switch {
	case e.is(cancelling):
		state, failure = backend.Cancelled, "it was cancelled while it ran, and then "+why
	case e.crashes+1 >= e.maxCrashes:
		state, failure = backend.Dead, fmt.Sprintf("it crashed %d times, the last time because %s: see what it does to its process, then retry it", e.crashes+1, why)
	}
	q.change(i, now, failure, func(e *entry) {
		e.attempt--
		if e.crashes < math.MaxUint16 {
			e.crashes++
		}
		if state.Finished() {
			e.end(state, now)
		} else {
			e.wait(now, 0)
		}
	})
}

// recover ends the runs that nobody can be at work on any more.
func (q *Queue) recover() error {
	var running []slot
	q.mu.Lock()
	q.jobs.walk(0, false, func(i slot) bool {
		if q.jobs.at(i).state == backend.Running {
			running = append(running, i)
		}
		return true
	})
	for some := range slices.Chunk(append(running, 0), crashesAtOnce) {
		now, err := q.begin(len(some)*(changeBytes+crashBytes), false)
		if err != nil {
			q.mu.Unlock()
			return err
		}
		for _, i := range some {
			if i != 0 {
				q.crash(i, now, "its process ended")
			}
		}
		if err := q.commit(now); err != nil {
			return err
		}
		q.mu.Lock()
	}
	q.mu.Unlock()
	return nil
}

// Renew is backend.Queue's.
func (q *Queue) Renew(_ context.Context, lease time.Duration, runs ...backend.Run) (stop []uint64, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.look(); err != nil {
		return nil, err
	}
	now, _ := q.clock.now()
	for _, run := range runs {
		i := q.running(run)
		if i == 0 {
			stop = append(stop, run.ID)
			continue
		}
		e := q.jobs.at(i)
		if e.is(cancelling) {
			stop = append(stop, run.ID)
		}
		q.jobs.detach(i)
		e.until = 0
		if lease > 0 {
			e.until = now.moment + 1 + milliseconds(lease)
		}
		q.jobs.attach(i, now.wall)
	}
	q.setAlarm(now)
	return stop, nil
}
