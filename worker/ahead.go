package worker

import (
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// A worker of a cluster fetches ahead: while runs are short, it fetches more jobs than it has free slots, because a command
// to the server takes longer than they do. The jobs that are ahead wait in this process, in their order, and each run that
// ends starts the next one. If a job waits for aheadWait, all jobs that are ahead go back to the queue, to their old places.
const (
	maxAhead     = 64                     // the maximum number of jobs that are ahead
	aheadWork    = 5 * time.Millisecond   // the runs of the jobs that are ahead take about this time
	aheadWait    = 20 * time.Millisecond  // the time after which a job that is ahead goes back
	shortRun     = 500 * time.Microsecond // fetching ahead needs runs that take less time, on average
	firstAverage = 20 * shortRun          // before the first run
)

// aheadRuns has the runs of fetched jobs that wait for a slot. The fields are guarded by producer.mu.
type aheadRuns struct {
	runs    []*run
	average time.Duration // of the durations of the last runs
	timer   *time.Timer   // calls giveBack; nil while no job is ahead
}

// aheadLimit returns the number of jobs that may be ahead. The caller holds p.mu.
func (p *producer) aheadLimit() int {
	if !p.shared || p.ahead.average >= shortRun || p.graceTimer != nil {
		return 0
	}
	return min(maxAhead, p.cfg.Workers*int(aheadWork/max(p.ahead.average, time.Microsecond)))
}

// wanted returns the number of jobs to fetch. It is 0 until half of the jobs that may be here have ended. The caller holds p.mu.
func (p *producer) wanted() int {
	most, have := p.cfg.Workers+p.aheadLimit(), p.busy+len(p.ahead.runs)
	if have >= p.cfg.Workers && have > most/2 {
		return 0
	}
	return max(most-have, 0)
}

// addAhead lets a run wait for a slot. The caller holds p.mu.
func (p *producer) addAhead(r *run) {
	r.waited = true
	p.ahead.runs = append(p.ahead.runs, r)
	if p.ahead.timer == nil {
		p.ahead.timer = time.AfterFunc(aheadWait, p.giveBackLate)
	}
}

// nextAhead returns the run that takes the slot of a run that has ended, or nil. The caller holds p.mu.
func (p *producer) nextAhead() *run {
	if len(p.ahead.runs) == 0 {
		return nil
	}
	r := p.ahead.runs[0]
	p.ahead.runs[0] = nil
	p.ahead.runs = p.ahead.runs[1:]
	p.busy++
	return r
}

// giveBackLate requeues the jobs that are ahead if the first of them has waited for too long.
func (p *producer) giveBackLate() {
	p.mu.Lock()
	if p.ahead.timer = nil; len(p.ahead.runs) == 0 {
		p.mu.Unlock()
		return
	}
	if left := aheadWait - time.Since(p.ahead.runs[0].fetched); left > 0 {
		p.ahead.timer = time.AfterFunc(left, p.giveBackLate)
		p.mu.Unlock()
		return
	}
	p.ahead.average = firstAverage
	runs := p.takeAhead()
	p.mu.Unlock()
	p.requeue(runs)
}

// takeAhead returns the runs that are ahead, which are not any more. The caller holds p.mu, and calls requeue without it.
func (p *producer) takeAhead() []*run {
	runs := p.ahead.runs
	p.ahead.runs = nil
	if p.ahead.timer != nil {
		p.ahead.timer.Stop()
		p.ahead.timer = nil
	}
	for _, r := range runs {
		r.ended = true
	}
	return runs
}

// requeue ends runs that have not started, as if their jobs had not been fetched.
func (p *producer) requeue(runs []*run) {
	for _, r := range runs {
		r.cancel(nil)
		p.completer.add(backend.Outcome{Run: r.job.Run(), State: backend.Available})
	}
}

// overtaken reports whether the reason to start a run has gone while it waited for a slot: its job was cancelled, the run is
// lost, or the server stops.
func (r *run) overtaken() bool { return r.waited && r.ctx.Err() != nil }
