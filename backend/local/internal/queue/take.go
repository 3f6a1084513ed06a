package queue

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// Take is backend.Queue's.
func (q *Queue) Take(_ context.Context, req backend.TakeRequest) ([]backend.Job, error) {
	if err := tooLong("node", req.Node); err != nil {
		return nil, err
	}
	q.mu.Lock()
	now, err := q.begin()
	if err != nil {
		q.mu.Unlock()
		return nil, err
	}
	var jobs []backend.Job
	var records [][]byte
	for _, name := range req.Queues {
		l := q.jobs.lanes.find(cmp.Or(name, backend.DefaultQueue))
		for l != nil && len(jobs) < req.Max {
			i := q.jobs.next(l, now.wall)
			if i == 0 {
				break
			}
			q.start(i, now, req)
			jobs = append(jobs, q.jobs.job(i))
			records = append(records, q.jobs.kept(i).record)
		}
	}
	if err := q.commit(now); err != nil {
		return nil, err
	}
	for n := range jobs {
		if err := fill(&jobs[n], records[n]); err != nil {
			return nil, err
		}
	}
	return jobs, nil
}

func (q *Queue) start(i slot, now moments, req backend.TakeRequest) {
	q.change(i, now, "", func(e *entry) {
		e.state = backend.Running
		e.started = now.wall
		e.starts++
		e.attempt++
		e.flags &^= retrying
		e.node = q.jobs.nodes.use(req.Node)
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
	q.mu.Lock()
	now, err := q.begin()
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
	if q.jobs.at(i).is(cancelling) && !state.Ended() {
		state, failure = backend.Cancelled, cmp.Or(failure, "it was cancelled while it ran")
	}
	q.change(i, now, failure, func(e *entry) {
		e.flags &^= cancelling
		switch {
		case state.Ended():
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
		if state.Ended() {
			e.end(state, now)
		} else {
			e.wait(now, 0)
		}
	})
}

// recover ends the runs that nobody can be at work on any more.
func (q *Queue) recover(now moments) {
	var running []slot
	q.jobs.walk(0, false, func(i slot) bool {
		if q.jobs.at(i).state == backend.Running {
			running = append(running, i)
		}
		return true
	})
	for _, i := range running {
		q.crash(i, now, "its process ended")
	}
}

// Renew is backend.Queue's.
func (q *Queue) Renew(_ context.Context, lease time.Duration, runs ...backend.Run) (stop []uint64, err error) {
	q.mu.Lock()
	now, err := q.begin()
	if err != nil {
		q.mu.Unlock()
		return nil, err
	}
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
		q.jobs.attach(i, now.wall, false)
	}
	return stop, q.commit(now)
}
