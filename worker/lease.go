package worker

import (
	"context"
	"time"
)

// renewLeases renews the leases of all running jobs each time a third of Config.Lease has passed. renewLeases cancels
// the contexts of runs that have lost their lease and of runs whose jobs were cancelled. While the queue does not
// answer, the runs go on.
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
		runs := p.currentRuns()
		p.mu.Unlock()
		if len(runs) == 0 {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), p.cfg.Lease)
		renewed, err := p.queue.Renew(ctx, p.cfg.Lease, runs...)
		cancel()
		if err != nil {
			p.api.Log().Warn("the leases of running jobs cannot be renewed: another node may run the jobs too", "error", err.Error())
		}
		for _, run := range renewed.Lost {
			p.dropRun(run)
		}
		for _, run := range renewed.Cancelled {
			p.cancelJob(run)
		}
	}
}
