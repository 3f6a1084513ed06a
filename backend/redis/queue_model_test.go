//go:build unix

package redis

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/testkit/redistest"
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
	now, w, c int64 // µs
	jobs      map[uint64]*modelJob
	seq       uint64
	ord       int
	leases    map[string]int64 // inc → end; -1: lost
	gone      map[string]int64
	holders   map[string]uint64
	batches   map[string]string // inc → the last batch
	results   map[string]string
}

func newRunModel() *runModel {
	return &runModel{now: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro(), jobs: map[uint64]*modelJob{}, leases: map[string]int64{}, gone: map[string]int64{},
		holders: map[string]uint64{}, batches: map[string]string{}, results: map[string]string{}}
}

func (m *runModel) ms() int64 { return m.now / 1000 }

func (m *runModel) after(micros int64) int64 {
	if micros <= 0 {
		return m.ms()
	}
	return (m.now + micros + 999) / 1000
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
	if m.batches[inc] == batch {
		return "ok" + m.results[inc]
	}
	if before, _ := strconv.Atoi(m.batches[inc]); before > atoi(batch) {
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
	m.batches[inc], m.results[inc] = batch, text
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

// take returns the jobs that start.
func (m *runModel) take(inc, node string, limit int, queues, tasks []string) (reply string, started []*modelJob) {
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
		for _, j := range list[:min(len(list), limit-len(started))] {
			j.state, j.inc, j.node, j.retrying, j.draining = backend.Running, inc, node, false, false
			j.starts++
			j.attempt++
			j.fence = max(j.fence+1, uint64(m.now))
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
		m.w = m.now
	}
	m.c += min(max(m.now-m.w, 0), 2_000_000)
	m.w = m.now
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

// shard runs the scripts of a queue at simulated times, and compares them with the model.
type shard struct {
	*testing.T
	q *queue
	m *runModel
	r *rand.Rand
}

// idleQueue returns a queue that sends no pulses, with the keys of a shard that the backend does not use.
func idleQueue(b *Backend) *queue {
	q := newQueue(b.core)
	q.keys = b.core.queueKeys(1)
	return q
}

func (s *shard) run(sc *script, args ...string) rueidis.RedisMessage {
	s.Helper()
	all := append(append([]string{"PUBLISH", "channel"}, args...), strconv.FormatInt(s.m.now, 10))
	reply, err := s.q.core.run(s.Context(), sc, s.q.keys, all...)
	if err != nil {
		s.Fatal(err)
	}
	return reply
}

func (s *shard) words(sc *script, args ...string) []string {
	s.Helper()
	words, err := asWords(s.run(sc, args...), nil)
	if err != nil {
		s.Fatal(err)
	}
	return words
}

func (s *shard) want(what string, got, want any) {
	s.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		s.Fatalf("%s:\n got %s\nwant %s", what, g, w)
	}
}

func (s *shard) enqueue(inc, batch string, jobs []backend.NewJob) {
	s.Helper()
	prepared, err := prepareJobs(jobs)
	if err != nil {
		s.Fatal(err)
	}
	for i := range jobs {
		jobs[i].MaxCrashes = cmp.Or(jobs[i].MaxCrashes, backend.DefaultMaxCrashes)
	}
	words := s.words(enqueueScript, append([]string{inc, batch, "1000000"}, prepared.records...)...)
	s.want("enqueue", strings.Join(words, ""), s.m.enqueue(inc, batch, jobs))
}

func (s *shard) take(inc, node string, limit int, queues, tasks []string) []backend.Run {
	s.Helper()
	words := s.words(takeScript, takeArgs(inc, backend.FetchRequest{Node: node, Queues: queues, Tasks: tasks, Max: limit})...)
	reply, started := s.m.take(inc, node, limit, queues, tasks)
	s.want("take", words[0], reply)
	var got, want []backend.Run
	for i := 2; i < len(words); i += 3 {
		got = append(got, backend.Run{ID: uint64(atoi(words[i])), Fence: fenceOf(words[i+1])})
		if words[i+2] != encodeData(0, []byte(words[i])) && len(words[i+2]) != dataHead {
			s.Fatalf("job %s comes with the data %q", words[i], words[i+2])
		}
	}
	for _, j := range started {
		want = append(want, backend.Run{ID: j.id, Fence: j.fence})
	}
	s.want(fmt.Sprintf("take of %q by a node that knows %q", queues, tasks), got, want)
	return got
}

func (s *shard) finish(outcomes ...backend.Outcome) {
	s.Helper()
	var args []string
	want := ""
	for i := range outcomes {
		args = appendOutcome(args, &outcomes[i])
		want += s.m.outcome(outcomes[i])
	}
	reply := s.run(finishScript, args...)
	got, _ := reply.ToString()
	s.want(fmt.Sprintf("finish %+v", outcomes), got, want)
}

func (s *shard) pulse(inc string, fresh bool) {
	s.Helper()
	flag := "0"
	if fresh {
		flag = "1"
	}
	reply := s.run(pulseScript, append([]string{inc, flag, "0", ""}, s.q.sweepArgs()...)...)
	answer, err := reply.ToArray()
	if err != nil {
		s.Fatal(err)
	}
	facts, _ := answer[0].AsStrSlice()
	want := "ok"
	if s.m.pulse(inc, fresh) {
		want = "lost"
	}
	s.want("pulse", facts[0], want)
	runs := 0
	for _, j := range s.m.jobs {
		if j.inc == inc {
			runs++
		}
	}
	s.want("the runs of the inc", facts[3], runs)
	holders, err := s.read("HGETALL", "u").AsStrMap()
	if err != nil {
		s.Fatal(err)
	}
	for unique := range s.m.holders { // the audit removes keys that are free
		if holders[unique] == "" && s.m.holder(unique) == nil {
			delete(s.m.holders, unique)
		}
	}
}

// cancel marks a running job as Cancel does.
func (s *shard) cancel(run backend.Run) {
	j := s.m.jobs[run.ID]
	if j == nil || j.state != backend.Running || j.fence != run.Fence {
		return
	}
	j.cancelling = true
	id, c := strconv.FormatUint(run.ID, 10), s.q.core
	record, err := s.read("HGET", "s", id).ToString()
	if err != nil {
		s.Fatal(err)
	}
	marked := record[:3] + "\x01" + record[4:]
	for _, command := range [][]string{{"HSET", s.key("s"), id, marked}, {"ZADD", s.key("can"), j.inc, id}} {
		if _, err := c.do(s.Context(), once, func(b rueidis.Builder) rueidis.Completed {
			return b.Arbitrary(command[0]).Keys(command[1]).Args(command[2:]...).Build()
		}); err != nil {
			s.Fatal(err)
		}
	}
}

func (s *shard) key(part string) string { return s.q.keys[slices.Index(queueParts[:], part)] }

func (s *shard) read(command, part string, args ...string) *rueidis.RedisMessage {
	s.Helper()
	m, err := s.q.core.do(s.Context(), repeatable, func(b rueidis.Builder) rueidis.Completed {
		return b.Arbitrary(command).Keys(s.key(part)).Args(args...).Build()
	})
	if err != nil {
		s.Fatal(err)
	}
	return &m
}

// check compares all that is stored with the model, and with the laws of form: each job is in exactly one set, as its state
// says; the counts are those of a recount; each unique key points to a job.
func (s *shard) check() {
	s.Helper()
	places := map[string][]string{}
	for _, part := range []string{"r", "aside", "due", "run", "fin", "dead"} {
		members, err := s.read("ZRANGE", part, "0", "-1").AsStrSlice()
		if err != nil {
			s.Fatal(err)
		}
		for _, member := range members {
			id := member
			if part == "r" || part == "aside" {
				id = idOfMember(member, part == "aside")
			}
			places[id] = append(places[id], part)
		}
	}
	records, err := s.read("HGETALL", "s").AsStrMap()
	if err != nil {
		s.Fatal(err)
	}
	s.want("the number of jobs", len(records), len(s.m.jobs))
	counts := map[string]string{}
	numbers := map[string]int{}
	for _, j := range s.m.jobs {
		id := fmt.Sprint(j.id)
		record := records[id]
		got, err := decodeJob(j.id, record, "")
		if err != nil {
			s.Fatalf("job %s: %v", id, err)
		}
		number := func(at int) uint64 { return binary.BigEndian.Uint64([]byte(record[at:])) }
		s.want("job "+id,
			[]any{got.State, got.Queue, got.Task, got.Unique, got.Node, got.Error, got.Priority, got.Cancelling, record[4] == 1, record[5] == 1, got.Crashes, got.Attempt, got.Starts,
				number(atEnqueued), number(atRunAt), number(atEnded), number(atUniqueUntil), number(atFence), number(atLast), number(atLost)},
			[]any{j.state, j.queue, j.task, j.unique, j.node, j.err, j.priority, j.cancelling, j.draining, j.retrying, j.crashes, j.attempt, j.starts,
				j.enqueued, j.runAt, j.ended, j.until, j.fence, j.last, j.lost})
		place := map[backend.State]string{backend.Scheduled: "due", backend.Retryable: "due", backend.Available: "r", backend.Running: "run",
			backend.Completed: "fin", backend.Cancelled: "fin", backend.Dead: "dead"}[j.state]
		if j.state == backend.Available && record[6] == 1 {
			place = "aside"
		}
		s.want("the place of job "+id, places[id], []string{place})
		numbers[fmt.Sprintf("%d%04x%s%s", j.state, len(j.queue), j.queue, j.task)]++
	}
	for field, n := range numbers {
		counts[field] = strconv.Itoa(n)
	}
	stored, err := s.read("HGETALL", "n").AsStrMap()
	if err != nil {
		s.Fatal(err)
	}
	for field := range stored {
		if field[0] == 'x' { // the audit counts anew
			delete(stored, field)
		}
	}
	s.want("the counts", stored, counts)
	holders, err := s.read("HGETALL", "u").AsStrMap()
	if err != nil {
		s.Fatal(err)
	}
	for unique, id := range s.m.holders {
		if stored, ok := holders[unique]; ok || s.m.holder(unique) != nil { // the audit removes the others
			s.want("the holder of "+unique, stored, id)
		}
		delete(holders, unique)
	}
	s.want("the other unique keys", holders, map[string]string{})
	self, err := s.read("HGETALL", "m").AsStrMap()
	if err != nil || self["doubt"] != "" {
		s.Fatalf("the audit has found something: %v, %v", self, err)
	}
	leases, err := s.read("ZRANGE", "hold", "0", "-1").AsStrSlice()
	if err != nil {
		s.Fatal(err)
	}
	s.want("the number of incs", len(leases), len(s.m.leases))
}

// idOfMember returns the id in a member of r or aside.
func idOfMember(member string, aside bool) string {
	for range map[bool]int{false: 1, true: 2}[aside] {
		n, _ := strconv.ParseUint(member[:4], 16, 16)
		member = member[4+n:]
	}
	return member[13:]
}

// TestTheScriptsOfTheQueueDoWhatTheModelDoes calls the scripts in a random order, with answers that are lost, late repetitions,
// nodes that stop, and a clock that jumps. Every answer, and all that is stored, must be as in the model.
func TestTheScriptsOfTheQueueDoWhatTheModelDoes(t *testing.T) {
	onEachFlavor(t, func(t *testing.T, f redistest.Flavor) {
		for range 3 {
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			b := open(t, at(f.Shared(t)))
			s := &shard{T: t, q: idleQueue(b), m: newRunModel(), r: rand.New(rand.NewPCG(seed, 1))}
			s.wander(700)
			s.check()
		}
	})
}

// wander makes random steps.
func (s *shard) wander(steps int) {
	r, m := s.r, s.m
	queues, tasks := []string{"default", "a", "a\x00", "0001a"}, []string{"x", "y", "z", "yy"}
	incs, next, batch := []string{}, 1000, 0
	var runs []backend.Run
	var finished []backend.Outcome
	lastBatch := map[string][]backend.NewJob{}
	begin := func() {
		next++
		incs = append(incs, strconv.Itoa(next))
		s.pulse(strconv.Itoa(next), true)
	}
	some := func(list []string) []string {
		list = slices.Clone(list)
		r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		return list[:r.IntN(len(list)+1)]
	}
	begin()
	for step := range steps {
		inc := incs[max(len(incs)-1-r.IntN(4), 0)] // often one that has ended
		switch k := r.IntN(100); {
		case k < 18:
			batch++
			var jobs []backend.NewJob
			for range 1 + r.IntN(6) {
				j := backend.NewJob{Queue: queues[r.IntN(len(queues))], Task: tasks[r.IntN(len(tasks))], Priority: int8(r.IntN(3) - 1), MaxCrashes: 1 + r.IntN(3)}
				if r.IntN(3) == 0 {
					j.Delay = time.Duration(r.IntN(5_000_000)) * time.Microsecond
				}
				if r.IntN(3) == 0 {
					j.Unique = fmt.Sprint("unique ", r.IntN(5))
					if r.IntN(2) == 0 {
						j.UniqueFor = time.Duration(r.IntN(20_000_000)) * time.Microsecond
					}
				}
				jobs = append(jobs, j)
			}
			lastBatch[inc] = jobs
			s.enqueue(inc, strconv.Itoa(batch), jobs)
		case k < 22: // the answer was lost, or a late command arrives
			if m.batches[inc] != "" {
				s.enqueue(inc, strconv.Itoa(atoi(m.batches[inc])-r.IntN(2)), slices.Clone(lastBatch[inc]))
			}
		case k < 42:
			known := some(tasks)
			if r.IntN(2) == 0 {
				known = nil
			}
			runs = append(runs, s.take(inc, "node of "+inc, 1+r.IntN(8), some(queues), known)...)
		case k < 65:
			var outcomes []backend.Outcome
			for range r.IntN(4) {
				o := backend.Outcome{Run: backend.Run{ID: uint64(r.IntN(int(m.seq) + 2)), Fence: 7}}
				if len(runs) > 0 {
					o.Run = runs[max(0, len(runs)-1-r.IntN(12))]
				}
				o.State = []backend.State{backend.Completed, backend.Retryable, backend.Scheduled, backend.Available, backend.Cancelled, backend.Dead}[r.IntN(6)]
				o.Error = []string{"", "an error"}[r.IntN(2)]
				o.Delay = time.Duration(max(0, r.IntN(4_000_000)-2_000_000)) * time.Microsecond
				outcomes = append(outcomes, o)
			}
			finished = append(finished, outcomes...)
			s.finish(outcomes...)
		case k < 70:
			if len(finished) > 0 {
				s.finish(finished[max(0, len(finished)-1-r.IntN(5))])
			}
		case k < 75:
			if len(runs) > 0 {
				s.cancel(runs[max(0, len(runs)-1-r.IntN(6))])
			}
		case k < 79:
			if len(runs) > 0 {
				run := runs[max(0, len(runs)-1-r.IntN(6))]
				if j := m.jobs[run.ID]; j.state == backend.Running && j.fence == run.Fence {
					j.draining = true
				}
				s.run(drainScript, fmt.Sprint(run.ID), fmt.Sprint(run.Fence))
			}
		case k < 92:
			s.pulse(inc, r.IntN(20) == 0)
		case k < 94:
			begin()
		case k < 95:
			got, _ := asInt(s.run(leaveScript, inc), nil)
			want := map[bool]int64{true: 1}[m.leave(inc)]
			s.want("leave", got, want)
		case k < 96:
			m.now += int64(r.IntN(7_200)-3_600) * 1_000_000 // the clock is set
		default:
			m.now += int64(r.IntN(8_000_000))
		}
		m.now += int64(r.IntN(300_000))
		if step%50 == 0 {
			s.check()
		}
	}
}
