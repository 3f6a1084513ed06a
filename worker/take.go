package worker

import (
	"context"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// maxTake is how many jobs are taken at once at most.
const maxTake = 256

// takeAll takes jobs as long as there are some and somebody is free for them, and waits otherwise.
func (s *shift) takeAll() {
	trouble := retry{log: s.api.Log(), doing: "tasks cannot be taken from the queue"}
	for s.taking.Err() == nil {
		free := s.free()
		if free == 0 {
			s.await(s.freed)
			continue
		}
		n, err := s.take(min(free, maxTake))
		if err != nil {
			trouble.wait(s.taking, err)
			continue
		}
		trouble.over()
		if n == 0 {
			s.await(s.due)
		}
	}
}

// await waits for a value, or until nothing more is to be taken.
func (s *shift) await(c <-chan struct{}) {
	select {
	case <-c:
	case <-s.taking.Done():
	}
}

func (s *shift) free() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cfg.Workers - s.busy
}

// take takes up to limit jobs, and begins their runs. It does not end with taking, because what was taken must be known.
func (s *shift) take(limit int) (int, error) {
	s.mu.Lock()
	s.inTake = true
	s.mu.Unlock()
	jobs, err := s.queue.Fetch(s.base, backend.FetchRequest{Node: s.node, Queues: s.queues.order(), Max: limit, Lease: s.cfg.Lease})
	if s.taking.Err() == nil {
		s.start(jobs)
		return len(jobs), err
	}
	for i := range jobs { // the stop began meanwhile
		s.outcomes.add(backend.Outcome{Run: jobs[i].Run(), State: backend.Available})
	}
	return 0, err
}

// renew keeps the leases of what runs, and ends what lost its lease or is to be cancelled.
func (s *shift) renew() {
	tick := time.NewTicker(s.cfg.Lease / 3)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-s.renewing:
			return
		}
		s.mu.Lock()
		runs := make([]backend.Run, 0, len(s.running))
		for _, r := range s.running {
			runs = append(runs, r.job.Run())
		}
		s.mu.Unlock()
		if len(runs) == 0 {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), s.cfg.Lease)
		stop, err := s.queue.Renew(ctx, s.cfg.Lease, runs...)
		cancel()
		if err != nil {
			s.api.Log().Warn("the leases of running tasks cannot be renewed: they may be run elsewhere, too", "error", err.Error())
		}
		for _, id := range stop {
			s.cancelJob(id)
		}
	}
}
