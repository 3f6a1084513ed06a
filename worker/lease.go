package worker

import (
	"context"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// renewLeases renews the leases of all running jobs each time a third of Config.Lease has passed. renewLeases cancels
// the runs of jobs that have lost their lease and of jobs that the queue wants to cancel.
func (p *producer) renewLeases() {
	tick := time.NewTicker(p.cfg.Lease / 3)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-p.renewStop:
			return
		}
		p.mu.Lock()
		runs := make([]backend.Run, 0, len(p.running))
		for _, r := range p.running {
			runs = append(runs, r.job.Run())
		}
		p.mu.Unlock()
		if len(runs) == 0 {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), p.cfg.Lease)
		stop, err := p.queue.Renew(ctx, p.cfg.Lease, runs...)
		cancel()
		if err != nil {
			p.api.Log().Warn("the leases of running jobs cannot be renewed: another node may run the jobs too", "error", err.Error())
		}
		for _, id := range stop {
			p.cancelJob(id)
		}
	}
}
