//go:build unix

package redis

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/actionhero-go/actionhero/backend"
)

// modelJob is a job of the model.
type modelJob struct {
	id                             uint64
	queue, task, unique, node, err string
	priority                       int8
	state                          backend.State
	cancelling, draining, retrying bool
	crashes, maxCrashes            int
	attempt, starts                int
	ord                            int
	enqueued, runAt, ended, until  int64
	inc                            string
	fence, last, lost              uint64
	result                         backend.State
}

func (j *modelJob) waits() bool {
	return j.state == backend.Scheduled || j.state == backend.Available || j.state == backend.Retryable
}

// runModel is what the scripts of the queue promise, in Go.
type runModel struct {
	now     *int64 // µs
	w, c    int64  // µs
	jobs    map[uint64]*modelJob
	seq     uint64
	ord     int
	leases  map[string]int64 // inc → end; -1: lost
	gone    map[string]int64
	holders map[string]uint64
	batches map[string]string // inc, or inc and 0 or 1 → the last batch, of all or of the even or odd ones
	results map[string]string
}

func newRunModel(now *int64) *runModel {
	return &runModel{now: now, jobs: map[uint64]*modelJob{}, leases: map[string]int64{}, gone: map[string]int64{},
		holders: map[string]uint64{}, batches: map[string]string{}, results: map[string]string{}}
}

func (m *runModel) ms() int64 { return *m.now / 1000 }

func (m *runModel) after(micros int64) int64 {
	if micros <= 0 {
		return m.ms()
	}
	return (*m.now + micros + 999) / 1000
}

func (m *runModel) holder(unique string) *modelJob {
	j := m.jobs[m.holders[unique]]
	if unique == "" || j == nil || j.state.Finished() && j.until <= m.ms() {
		return nil
	}
	return j
}

func (m *runModel) wait(j *modelJob, runAt int64) {
	j.runAt, j.ended, j.inc, j.cancelling, j.draining = runAt, 0, "", false, false
	switch {
	case runAt <= m.ms():
		m.ord++
		j.state, j.ord = backend.Available, m.ord
	case j.retrying:
		j.state = backend.Retryable
	default:
		j.state = backend.Scheduled
	}
	if j.unique != "" {
		m.holders[j.unique] = j.id
	}
}

func (m *runModel) finish(j *modelJob, state backend.State) {
	j.state, j.ended, j.inc, j.cancelling, j.draining, j.retrying = state, m.ms(), "", false, false, false
	if m.holders[j.unique] == j.id && j.until <= m.ms() {
		delete(m.holders, j.unique)
	}
}

func (m *runModel) enqueue(inc, batch string, jobs []backend.NewJob) string {
	series := fmt.Sprint(inc, " ", atoi(batch)%2)
	if m.batches[series] == batch {
		return "ok" + m.results[series]
	}
	if before, _ := strconv.Atoi(m.batches[series]); before > atoi(batch) {
		return "old"
	}
	if m.leases[inc] <= 0 {
		return "lost"
	}
	text := ""
	for _, n := range jobs {
		m.seq++
		if held := m.holder(n.Unique); held != nil {
			text += fmt.Sprint(" e", held.id)
			continue
		}
		j := &modelJob{id: m.seq, queue: n.Queue, task: n.Task, unique: n.Unique, priority: n.Priority, maxCrashes: n.MaxCrashes, enqueued: m.ms()}
		if n.UniqueFor > 0 {
			j.until = m.after(n.UniqueFor.Microseconds())
		}
		m.wait(j, m.after(n.Delay.Microseconds()))
		m.jobs[j.id] = j
		text += fmt.Sprint(" ", j.id)
	}
	m.batches[series], m.results[series], m.batches[inc] = batch, text, batch
	return "ok" + text
}

func atoi(s string) int { n, _ := strconv.Atoi(s); return n }

// promote makes the 64 earliest jobs due.
func (m *runModel) promote() {
	var list []*modelJob
	for _, j := range m.jobs {
		if (j.state == backend.Scheduled || j.state == backend.Retryable) && j.runAt <= m.ms() {
			list = append(list, j)
		}
	}
	slices.SortFunc(list, func(a, b *modelJob) int {
		return cmp.Or(cmp.Compare(a.runAt, b.runAt), cmp.Compare(fmt.Sprint(a.id), fmt.Sprint(b.id)))
	})
	for _, j := range list[:min(len(list), 64)] {
		m.ord++
		j.state, j.ord = backend.Available, m.ord
	}
}

// take returns the jobs that start. At most one of them has one crash left, or none if risky is false.
func (m *runModel) take(inc, node string, limit int, queues, tasks []string, risky bool) (reply string, started []*modelJob) {
	if m.leases[inc] <= 0 {
		return "lost", nil
	}
	m.promote()
	for _, name := range queues {
		var list []*modelJob
		for _, j := range m.jobs {
			if j.state == backend.Available && j.queue == name && (tasks == nil || slices.Contains(tasks, j.task)) {
				list = append(list, j)
			}
		}
		slices.SortFunc(list, func(a, b *modelJob) int {
			return cmp.Or(cmp.Compare(b.priority, a.priority), cmp.Compare(a.ord, b.ord))
		})
		for _, j := range list {
			oneLeft := j.crashes > 0 && j.crashes+1 >= j.maxCrashes
			if len(started) == limit || oneLeft && !risky {
				continue
			}
			risky = risky && !oneLeft
			j.state, j.inc, j.node, j.retrying, j.draining = backend.Running, inc, node, false, false
			j.starts++
			j.attempt++
			j.fence = max(j.fence+1, uint64(*m.now))
			started = append(started, j)
		}
	}
	return "ok", started
}

func (m *runModel) store(j *modelJob, o backend.Outcome) {
	ending, failure := o.State, o.Error
	if j.cancelling && ending != backend.Completed && ending != backend.Dead {
		ending, failure = backend.Cancelled, cmp.Or(failure, "it was cancelled while it ran")
	}
	j.err = cmp.Or(failure, j.err)
	if o.State != backend.Available {
		j.crashes = 0
	}
	j.last, j.result, j.retrying = o.Fence, o.State, ending == backend.Retryable
	if ending.Finished() {
		m.finish(j, ending)
		return
	}
	if ending != backend.Retryable {
		j.attempt--
	}
	ord := j.ord
	if ending == backend.Available {
		m.wait(j, m.ms())
		j.ord = ord
		m.ord--
		return
	}
	m.wait(j, m.after(o.Delay.Microseconds()))
}

func (m *runModel) outcome(o backend.Outcome) string {
	j := m.jobs[o.ID]
	switch {
	case j == nil:
		return "n"
	case j.state == backend.Running && j.fence == o.Fence:
		m.store(j, o)
		return "o"
	case j.lost != o.Fence:
		if j.last == o.Fence && (j.result == o.State || j.fence == o.Fence && j.state != backend.Running) {
			return "a"
		}
		return "l"
	}
	held := m.holder(j.unique)
	counts := j.fence == o.Fence && (j.waits() || j.state == backend.Dead && (held == nil || held == j))
	j.crashes, j.lost = 0, 0
	if !counts {
		return "l"
	}
	j.attempt++
	m.store(j, o)
	return "o"
}

func (m *runModel) crash(j *modelJob, why string) {
	j.attempt, j.lost = j.attempt-1, j.fence
	switch {
	case j.cancelling:
		j.err = "it was cancelled while it ran, then " + why
		m.finish(j, backend.Cancelled)
	case j.draining:
		m.wait(j, m.ms())
	default:
		if j.crashes++; j.crashes >= j.maxCrashes {
			j.err = fmt.Sprintf("it crashed %d times, the last time because %s: find and fix the cause, then retry it", j.crashes, why)
			m.finish(j, backend.Dead)
		} else {
			m.wait(j, m.ms())
		}
	}
}

// crashAll ends the first runs of an inc and returns whether that were all.
func (m *runModel) crashAll(inc string, room *int, why string) (all bool) {
	var list []*modelJob
	for _, j := range m.jobs {
		if j.inc == inc {
			list = append(list, j)
		}
	}
	slices.SortFunc(list, func(a, b *modelJob) int { return cmp.Compare(fmt.Sprint(a.id), fmt.Sprint(b.id)) })
	n := min(len(list), *room)
	*room -= n
	for _, j := range list[:n] {
		m.crash(j, why)
	}
	return n == len(list)
}

func (m *runModel) pulse(inc string, fresh bool) (lost bool) {
	if m.w == 0 {
		m.w = *m.now
	}
	m.c += min(max(*m.now-m.w, 0), 2_000_000)
	m.w = *m.now
	end, there := m.leases[inc]
	_, gone := m.gone[inc]
	if there && end >= 0 || !there && fresh && !gone {
		m.leases[inc] = m.c + 10_000_000
	} else {
		lost = true
	}
	var ended []string
	for other, end := range m.leases {
		if end <= m.c {
			m.leases[other] = -1
			ended = append(ended, other)
		}
	}
	slices.Sort(ended)
	room := 64
	for _, other := range ended {
		if m.crashAll(other, &room, "its node was away for too long") {
			delete(m.leases, other)
			m.gone[other] = m.c
		}
	}
	m.promote()
	return lost
}

func (m *runModel) leave(inc string) (again bool) {
	if _, ok := m.leases[inc]; ok {
		m.leases[inc] = -1
	}
	n, room := 0, 64
	for _, j := range m.jobs {
		if j.inc == inc {
			n++
		}
	}
	m.crashAll(inc, &room, "its process ended")
	if n >= 64 {
		return true
	}
	delete(m.leases, inc)
	m.gone[inc] = m.c
	return false
}
