package queue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/internal/rules"
	"github.com/actionhero-go/actionhero/backend/local/internal/journal"
)

// Fetch implements [backend.Queue.Fetch]. One call returns at most maxFetch jobs.
func (q *Queue) Fetch(ctx context.Context, req backend.FetchRequest) ([]backend.Job, error) {
	if err := rules.CheckName("node", req.Node); err != nil {
		return nil, err
	}
	q.mu.Lock()
	req.Max = min(req.Max, maxFetch, q.available(req.Queues))
	now, err := q.begin(max(req.Max, 0)*(changeBytes+len(req.Node)), false)
	if err != nil {
		q.mu.Unlock()
		return nil, err
	}
	started := fetched{log: q.log, jobs: make([]backend.Job, 0, max(req.Max, 0)), refs: make([]recordRefs, 0, max(req.Max, 0))}
	for _, name := range req.Queues {
		state := q.jobs.findQueue(cmp.Or(name, backend.DefaultQueue))
		for state != nil && len(started.jobs) < req.Max {
			i := q.jobs.nextDue(state, now.wall, req.Tasks)
			if i == 0 {
				break
			}
			q.start(i, now, req.Node)
			started.jobs, started.refs = append(started.jobs, q.jobs.job(i)), append(started.refs, q.refs(i))
		}
	}
	if len(started.jobs) == 0 {
		q.mu.Unlock()
		return nil, nil
	}
	if err := q.commit(now); err != nil {
		return nil, err
	}
	return q.readFetched(ctx, started)
}

// fetched has jobs that Fetch has started. The fields of these jobs that are only in their records are still missing.
type fetched struct {
	log  *journal.Log
	jobs []backend.Job
	refs []recordRefs
}

// readFetched reads the missing fields of started jobs from their records, and returns the complete jobs. If the record
// of a job is unreadable, readFetched ends the run of that job.
func (q *Queue) readFetched(ctx context.Context, t fetched) ([]backend.Job, error) {
	jobs := t.jobs[:0]
	for n := range t.jobs {
		err := q.fill(&t.jobs[n], t.log, &t.refs[n])
		if err == nil {
			jobs = append(jobs, t.jobs[n])
			continue
		}
		o := backend.Outcome{Run: t.jobs[n].Run(), State: backend.Scheduled, Delay: time.Minute, Error: fmt.Sprintf("the job cannot be read: %v", err)}
		if errors.Is(err, backend.ErrDamaged) {
			o.State = backend.Dead
		}
		if _, err := q.Finish(ctx, o); err != nil {
			return jobs, err
		}
	}
	return jobs, nil
}

// available returns the number of due jobs in these queues. A queue that is listed twice counts twice, so the result is
// an upper bound.
func (q *Queue) available(queues []string) int {
	now, _ := q.clock.now()
	q.jobs.promoteDue(now.wall)
	n := 0
	for _, name := range queues {
		if state := q.jobs.findQueue(cmp.Or(name, backend.DefaultQueue)); state != nil {
			n += state.counts[backend.Available]
		}
	}
	return n
}

// maxFetch is the maximum number of jobs that one call of Fetch returns.
const maxFetch = 1000

func (q *Queue) start(i slot, now timestamps, node string) {
	q.change(i, now, "", func(e *entry) {
		e.state = backend.Running
		e.started = now.wall
		e.starts++
		e.attempt++
		e.flags &^= retrying | draining
		if q.jobs.nodes.list[e.node].text != node {
			e.node = q.jobs.nodes.use(node)
		}
		e.endsAt = 0
	})
}
