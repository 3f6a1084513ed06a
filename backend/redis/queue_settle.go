package redis

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

var settleScript = newQueueScript(repeatable, "clock", "add", "outcome", "ticks", "settle")

// The limits of what a node remembers. A failover that takes longer loses what the new server did not get.
const (
	rememberFor   = 15 * time.Second
	rememberBytes = 16 << 20
)

// queueMemory remembers what the server has acknowledged lately. After a failover it is sent again, because the new server
// may lack it.
type queueMemory struct {
	mu       sync.Mutex
	list     []remembered // the oldest first
	bytes    int
	outcomes map[backend.Run]backend.Outcome
}

// remembered is one answered call.
type remembered struct {
	at       time.Time
	bytes    int
	jobs     *enqueuePart
	outcomes []backend.Outcome
	schedule string // with its last run in ms; the jobs are those of the tick
	ran      string
}

func (m *queueMemory) addJobs(p *enqueuePart) {
	m.add(remembered{jobs: p, bytes: p.bytes + 64})
}

// addTick remembers the last run of a schedule, and its jobs.
func (m *queueMemory) addTick(schedule, ran string, p *enqueuePart) {
	m.add(remembered{jobs: p, schedule: schedule, ran: ran, bytes: p.bytes + len(schedule) + 64})
}

func (m *queueMemory) addOutcomes(outcomes []backend.Outcome) {
	r := remembered{outcomes: outcomes, bytes: 96 * len(outcomes)}
	for i := range outcomes {
		r.bytes += len(outcomes[i].Error)
	}
	m.add(r)
}

func (m *queueMemory) add(r remembered) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r.at = time.Now()
	m.list = append(m.list, r)
	m.bytes += r.bytes
	if m.outcomes == nil {
		m.outcomes = make(map[backend.Run]backend.Outcome)
	}
	for i := range r.outcomes {
		m.outcomes[r.outcomes[i].Run] = r.outcomes[i]
	}
	n := 0
	for n < len(m.list) && (m.bytes > rememberBytes || r.at.Sub(m.list[n].at) > rememberFor) {
		m.bytes -= m.list[n].bytes
		for i := range m.list[n].outcomes {
			delete(m.outcomes, m.list[n].outcomes[i].Run)
		}
		m.list[n] = remembered{}
		n++
	}
	m.list = m.list[n:]
}

// outcome returns the outcome of a run, if it is remembered.
func (m *queueMemory) outcome(run backend.Run) (backend.Outcome, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	o, ok := m.outcomes[run]
	return o, ok
}

func (m *queueMemory) clear() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.list, m.bytes, m.outcomes = nil, 0, nil
}

// recent returns what is remembered of the last rememberFor.
func (m *queueMemory) recent() []remembered {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for n < len(m.list) && time.Since(m.list[n].at) > rememberFor {
		n++
	}
	return append([]remembered(nil), m.list[n:]...)
}

// settlement collects the arguments of calls of the script settle.
type settlement struct {
	jobs, outcomes, runs, ticks []string
	bytes                       int
}

func (t *settlement) full() bool {
	return t.bytes > maxBytes/2 || len(t.jobs)/3+len(t.outcomes)/5+len(t.runs)/3+len(t.ticks)/2 >= maxItems/2
}

func (t *settlement) args(inc, rid string) []string {
	args := []string{inc, rid, strconv.Itoa(len(t.jobs) / 3)}
	args = append(append(args, t.jobs...), strconv.Itoa(len(t.outcomes)/5))
	args = append(append(args, t.outcomes...), strconv.Itoa(len(t.runs)/3))
	args = append(append(args, t.runs...), strconv.Itoa(len(t.ticks)/2))
	return append(args, t.ticks...)
}

// settle sends all that this node remembers to a server that it has not met before: jobs, outcomes, its runs, and the last
// runs of schedules, in this order. Only the last call says that all was sent. No Take and no Finish is under way meanwhile. If some of the jobs are
// absent, because another node has enqueued them and has not sent them yet, settle returns false, and it has to be called
// again while the shard settles.
func (q *shard) settle(ctx context.Context, inc, rid string) (complete bool, err error) {
	if err := q.runs.changing.close(ctx); err != nil {
		return false, err
	}
	defer q.runs.changing.open()
	t, absent := &settlement{}, int64(0)
	flush := func(rid string) error {
		if absent > 0 {
			rid = ""
		}
		n, err := asInt(q.run(ctx, settleScript, t.args(inc, rid)...))
		t, absent = &settlement{}, absent+max(n, 0)
		return err
	}
	room := func() error {
		if t.full() {
			return flush("")
		}
		return nil
	}
	list := q.memory.recent()
	for i := range list {
		if p := list[i].jobs; p != nil {
			for n := range p.results {
				if p.results[n].Existing {
					continue
				}
				t.jobs = append(t.jobs, q.number(p.results[n].ID), p.records[2*n], p.records[2*n+1])
				t.bytes += len(p.records[2*n]) + len(p.records[2*n+1])
				if err := room(); err != nil {
					return false, err
				}
			}
		}
	}
	for i := range list {
		for n := range list[i].outcomes {
			t.outcomes = q.appendOutcome(t.outcomes, &list[i].outcomes[n])
			t.bytes += len(list[i].outcomes[n].Error)
			if err := room(); err != nil {
				return false, err
			}
		}
	}
	for run, node := range q.runs.all() {
		t.runs = append(t.runs, q.number(run.ID), strconv.FormatUint(run.Fence, 10), node)
		if err := room(); err != nil {
			return false, err
		}
	}
	for i := range list {
		if list[i].schedule != "" {
			t.ticks = append(t.ticks, list[i].schedule, list[i].ran)
			if err := room(); err != nil {
				return false, err
			}
		}
	}
	q.runs.doubt()
	err = flush(rid)
	return absent == 0, err
}

// mustSettle reports whether this node has to send what it remembers, because the shard settles.
func (p *pulser) mustSettle(settles bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !settles {
		p.settled, p.settlePause = false, 0
	}
	return settles && !p.settled && !time.Now().Before(p.settleAgain)
}

// hasSettled notes that this node has sent what it remembers. If that was not complete, it sends it again, after pauses that
// grow from settlePoll to a second.
func (p *pulser) hasSettled(complete bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.settled = complete; complete {
		p.settlePause = 0
		return
	}
	p.settlePause = min(max(2*p.settlePause, settlePoll), time.Second)
	p.settleAgain = time.Now().Add(p.settlePause)
}

// unsettled reports whether this node has still to send what it remembers.
func (p *pulser) unsettled() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.settlePause > 0
}
