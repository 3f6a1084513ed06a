package worker

import (
	"runtime"

	"github.com/actionhero-go/actionhero/backend"
)

// maxFetch is the maximum number of jobs that one fetch returns.
const maxFetch = 256

// fetchLoop fetches jobs until drain is called. If no job is due, it waits for a signal of the queue; if it has enough jobs,
// it waits until some have ended.
func (p *producer) fetchLoop() {
	retry := backoff{log: p.api.Log(), failure: "jobs cannot be fetched from the queue", success: "jobs are fetched again"}
	for p.fetchCtx.Err() == nil {
		wanted := p.wantedNow()
		if wanted == 0 {
			p.await(p.slotFreed)
			runtime.Gosched() // runs that are about to end free their slots for the same fetch
			continue
		}
		n, err := p.fetch(min(wanted, maxFetch))
		if err != nil {
			retry.wait(p.fetchCtx, err)
			continue
		}
		retry.reset()
		if n == 0 {
			p.await(p.due)
		}
	}
}

// await blocks until the channel c has a value or drain is called.
func (p *producer) await(c <-chan struct{}) {
	select {
	case <-c:
	case <-p.fetchCtx.Done():
	}
}

func (p *producer) wantedNow() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.wanted()
}

// fetch fetches up to limit jobs, starts a run for each of them and returns the number of jobs. drain does not
// interrupt a fetch, because the ids of fetched jobs would then be lost, and the jobs would stay running as after a
// crash. If drain is called during the fetch, fetch requeues the fetched jobs.
func (p *producer) fetch(limit int) (int, error) {
	p.mu.Lock()
	p.fetching = true
	p.mu.Unlock()
	jobs, err := p.queue.Fetch(p.runCtx, backend.FetchRequest{Node: p.node, Queues: p.queues.order(), Tasks: p.host.TaskNames(), Max: limit})
	if p.fetchCtx.Err() == nil {
		p.startRuns(jobs)
		return len(jobs), err
	}
	for i := range jobs { // drain was called during the fetch
		p.completer.add(backend.Outcome{Run: jobs[i].Run(), State: backend.Available})
	}
	return 0, err
}
