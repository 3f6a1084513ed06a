package redis

import (
	"context"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

var pulseScript = newQueueScript(repeatable, "clock", "due", "crash", "mend", "audit", "pulse")

const (
	pulseInterval = time.Second
	pulseTimeout  = 2 * time.Second // of one attempt: two fit into the time after which runs are silent
	silentAfter   = 7 * time.Second
	settlePoll    = 100 * time.Millisecond
	minPulseGap   = 2 * time.Millisecond // for each inc of the cluster, so that all together send at most 500 early pulses a second
)

// pulser decides when the next pulse is due.
type pulser struct {
	kick chan struct{} // buffers one value: next has become earlier

	mu     sync.Mutex
	next   time.Time
	sent   time.Time // when the last pulse was sent that succeeded
	last   time.Time // when the last pulse was sent
	incs   int
	silent bool

	settled     bool          // this node has sent what it remembers, and the shard still settles
	settleAgain time.Time     // not before this time
	settlePause time.Duration // the last pause between two attempts

	rid string // the run_id of the server that the last pulse has met
	odd int    // the number of pulses in a row that found another number of runs than this node has
}

func (p *pulser) init() { p.kick, p.incs = make(chan struct{}, 1), 1 }

// soon makes a pulse due after d.
func (p *pulser) soon(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := time.Now().Add(d)
	if early := p.last.Add(time.Duration(p.incs) * minPulseGap); at.Before(early) {
		at = early.Add(rand.N(time.Duration(p.incs) * minPulseGap))
	}
	if !at.Before(p.next) {
		return
	}
	p.next = at
	select {
	case p.kick <- struct{}{}:
	default:
	}
}

// begin marks that a pulse is sent now. The next one follows after 1 s ± 25 %.
func (p *pulser) begin() (sent time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = time.Now()
	p.next = p.last.Add(pulseInterval*3/4 + rand.N(pulseInterval/2))
	return p.last
}

// due returns the time until the next pulse.
func (p *pulser) due() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Until(p.next)
}

// fellSilent reports whether the server has not answered for silentAfter, once for each silence.
func (p *pulser) fellSilent() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.silent || time.Since(p.sent) < silentAfter {
		return false
	}
	p.silent = true
	return true
}

// keepPulse sends pulses until the backend closes. A pulse that is under way does not delay the notice of a silence.
func (q *shard) keepPulse(ctx context.Context, _ *session) {
	silence := time.NewTicker(100 * time.Millisecond)
	defer silence.Stop()
	timer := time.NewTimer(q.pulse.due())
	defer timer.Stop()
	answered := make(chan struct{}, 1)
	underWay := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-silence.C:
			if q.pulse.fellSilent() {
				for run := range q.runs.all() {
					q.listeners.Call(run, backend.RunSilent)
				}
			}
		case <-answered:
			underWay = false
			timer.Reset(q.pulse.due())
		case <-q.pulse.kick:
			timer.Reset(q.pulse.due())
		case <-timer.C:
			if underWay {
				continue
			}
			underWay = q.core.spawn(func(ctx context.Context, _ *session) {
				q.sendPulse(ctx)
				answered <- struct{}{}
			})
		}
	}
}

// sendPulse sends a pulse, and does what its answer demands. After a failure the next pulse tries again.
func (q *shard) sendPulse(ctx context.Context) {
	inc, err := q.current()
	if err != nil {
		return
	}
	bounded, cancel := context.WithTimeout(ctx, pulseTimeout)
	err = q.beat(bounded, inc, false)
	cancel()
	if err == nil {
		// While jobs are absent that another node will send, their runs here are not lost.
		if _, doubtful := q.runs.check(); doubtful && !q.pulse.unsettled() {
			_ = q.reconcile(ctx, inc) // the doubt stays, so the next pulse tries again
		}
	}
}

// beatNow sends a pulse for the current inc.
func (q *shard) beatNow(ctx context.Context) error {
	inc, err := q.current()
	if err != nil {
		return err
	}
	return q.beat(ctx, inc, false)
}

// beat sends one pulse for an inc.
func (q *shard) beat(ctx context.Context, inc string, begins bool) error {
	sent := q.pulse.begin()
	q.mu.Lock()
	seen := q.seen
	q.mu.Unlock()
	q.pulse.mu.Lock()
	known := q.pulse.rid
	q.pulse.mu.Unlock()
	fresh := "0"
	if begins {
		fresh = "1"
	}
	risky := "0"
	if q.risky.free() {
		risky = "1"
	}
	args := append([]string{inc, fresh, strconv.FormatUint(seen, 10), known, risky}, q.watchers.names()...)
	args = append(args, q.sweepArgs()...)
	m, err := q.run(ctx, pulseScript, args...)
	if err != nil {
		return err
	}
	answer, err := m.ToArray()
	if err != nil || len(answer) != 3 {
		return errReply
	}
	facts, err := asWords(answer[0], nil)
	if err != nil || len(facts) != 9 {
		return errReply
	}
	if facts[0] == "lost" && !begins {
		return q.lost(ctx, inc)
	}
	q.heard(sent, facts)
	if pulsed := q.core.hooks.Pulse; pulsed != nil && !begins {
		pulsed(inc, sent)
	}
	if known != "" && known != facts[1] || q.pulse.mustSettle(facts[2] != "") {
		complete, err := q.settle(ctx, inc, facts[1])
		if err != nil {
			return err // with the old run_id, so the next pulse settles again
		}
		q.pulse.hasSettled(complete)
	}
	q.pulse.mu.Lock()
	q.pulse.rid = facts[1]
	q.pulse.mu.Unlock()
	if queues, err := answer[1].AsStrSlice(); err == nil {
		for _, name := range queues {
			q.mayBeDue(name)
		}
	}
	return q.cancelRuns(answer[2].AsStrSlice())
}

// heard stores the facts of an answer.
func (q *shard) heard(sent time.Time, facts []string) {
	n, _ := q.runs.check()
	p := &q.pulse
	p.mu.Lock()
	p.sent, p.silent = sent, false
	p.incs, _ = strconv.Atoi(facts[5])
	p.incs = max(p.incs, 1)
	if p.odd++; facts[3] == strconv.Itoa(n) {
		p.odd = 0
	}
	odd := p.odd
	p.mu.Unlock()
	if odd >= 3 { // fewer may be calls that were under way
		q.runs.doubt()
	}
	if ms, err := strconv.ParseInt(facts[4], 10, 64); err == nil && q.watchers.any() {
		p.soon(time.Duration(ms) * time.Millisecond)
	}
	if facts[6] != "" {
		p.soon(0)
	}
	if facts[2] != "" {
		p.soon(settlePoll)
	}
	if n, err := strconv.ParseInt(facts[7], 10, 64); err == nil {
		q.reportBad(n)
	}
	if facts[8] != "" {
		q.auditSoon()
	}
}

// cancelRuns calls the callbacks for the runs that are cancelled: id and fence of each.
func (q *shard) cancelRuns(words []string, err error) error {
	if err != nil || len(words)%2 != 0 {
		return errReply
	}
	for i := 0; i < len(words); i += 2 {
		id, err1 := q.parseID(words[i])
		fence, err2 := strconv.ParseUint(words[i+1], 10, 64)
		if err1 != nil || err2 != nil {
			return errReply
		}
		q.listeners.Call(backend.Run{ID: id, Fence: fence}, backend.RunCancelled)
	}
	return nil
}
