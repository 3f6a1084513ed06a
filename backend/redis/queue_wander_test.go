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

// modelTest runs the scripts of the queue at simulated times, and compares them with the model.
type modelTest struct {
	*shardTest
	m *runModel
	r *rand.Rand
}

func newModelTest(s *shardTest, r *rand.Rand) *modelTest {
	return &modelTest{s, newRunModel(&s.now), r}
}

// ask returns the reply to a command whose first argument is a part.
func (s *modelTest) ask(command, part string, args ...string) *rueidis.RedisMessage {
	s.Helper()
	m := s.do(command, part, args...)
	return &m
}

func (s *modelTest) want(what string, got, want any) {
	s.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		s.Fatalf("%s:\n got %s\nwant %s", what, g, w)
	}
}

func (s *modelTest) enqueue(inc, batch string, jobs []backend.NewJob) {
	s.Helper()
	prepared, err := prepareJobs(jobs)
	if err != nil {
		s.Fatal(err)
	}
	for i := range jobs {
		jobs[i].MaxCrashes = cmp.Or(jobs[i].MaxCrashes, backend.DefaultMaxCrashes)
	}
	args := append([]string{inc, batch, "1000000"}, prepared.records...)
	sc, chosen := scriptToEnqueue(args)
	if s.r.IntN(4) == 0 {
		sc, chosen = enqueueScript, args // which adds plain jobs, too, if others come with them
	}
	reply := s.words(sc, chosen...)
	if reply[0] == "ok" {
		reply[1] = " " + strings.Join(s.ids(reply[1]), " ")
	}
	s.want("enqueue", strings.Join(reply, ""), s.m.enqueue(inc, batch, jobs))
}

// take starts runs, after it has ended those of the outcomes.
func (s *modelTest) take(inc, node string, limit int, queues, tasks []string, outcomes []backend.Outcome) []backend.Run {
	s.Helper()
	args, risky := takeArgs(inc, backend.FetchRequest{Node: node, Queues: queues, Tasks: tasks, Max: limit}), s.r.IntN(2) == 0
	if risky {
		args[takeRisky] = "1"
	}
	letters := ""
	all := []string{strconv.Itoa(len(outcomes))}
	for i := range outcomes {
		all = s.appendOutcome(all, &outcomes[i])
		letters += s.m.outcome(outcomes[i])
	}
	words := s.answer(append(all, args...), outcomes)
	s.want("the outcomes of a turn", words[0], letters)
	words = words[1:]
	reply, started := s.m.take(inc, node, limit, queues, tasks, risky)
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

// answer runs one of the scripts of a turn, which do the same.
func (s *modelTest) answer(turn []string, outcomes []backend.Outcome) []string {
	s.Helper()
	if arePlain(outcomes) && s.r.IntN(4) > 0 {
		if words := s.words(plainTurnScript, turn...); words[0] != "other" {
			return words
		}
	}
	return s.words(turnScript, turn...)
}

func (s *modelTest) finish(outcomes ...backend.Outcome) {
	s.Helper()
	var args []string
	want := ""
	for i := range outcomes {
		args = s.appendOutcome(args, &outcomes[i])
		want += s.m.outcome(outcomes[i])
	}
	reply := s.run(finishScript, args...)
	got, _ := reply.ToString()
	s.want(fmt.Sprintf("finish %+v", outcomes), got, want)
}

func (s *modelTest) pulse(inc string, fresh bool) {
	s.Helper()
	flag := "0"
	if fresh {
		flag = "1"
	}
	reply := s.run(pulseScript, append([]string{inc, flag, "0", "", "1"}, s.sweepArgs()...)...)
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
	holders, err := s.ask("HGETALL", "u").AsStrMap()
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
func (s *modelTest) cancel(run backend.Run) {
	j := s.m.jobs[run.ID]
	if j == nil || j.state != backend.Running || j.fence != run.Fence {
		return
	}
	j.cancelling = true
	id := strconv.FormatUint(run.ID, 10)
	record, err := s.ask("HGET", "s", id).ToString()
	if err != nil {
		s.Fatal(err)
	}
	marked := record[:3] + "\x01" + record[4:]
	s.do("HSET", "s", id, marked)
	s.do("ZADD", "can", j.inc, id)
}

// check compares all that is stored with the model, and with the laws of form: each job is in exactly one set, as its state
// says; the counts are those of a recount; each unique key points to a job.
func (s *modelTest) check() {
	s.Helper()
	places := map[string][]string{}
	for _, part := range []string{"r", "aside", "due", "run", "fin", "dead"} {
		members, err := s.ask("ZRANGE", part, "0", "-1").AsStrSlice()
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
	records, err := s.ask("HGETALL", "s").AsStrMap()
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
	stored, err := s.ask("HGETALL", "n").AsStrMap()
	if err != nil {
		s.Fatal(err)
	}
	for field := range stored {
		if field[0] == 'x' { // the audit counts anew
			delete(stored, field)
		}
	}
	s.want("the counts", stored, counts)
	holders, err := s.ask("HGETALL", "u").AsStrMap()
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
	self, err := s.ask("HGETALL", "m").AsStrMap()
	if err != nil || self["doubt"] != "" {
		s.Fatalf("the audit has found something: %v, %v", self, err)
	}
	leases, err := s.ask("ZRANGE", "hold", "0", "-1").AsStrSlice()
	if err != nil {
		s.Fatal(err)
	}
	s.want("the number of incs", len(leases), len(s.m.leases))
}

// idOfMember returns the id in a member of r or aside.
func idOfMember(member string, aside bool) string {
	member = strings.TrimPrefix(member, "x")
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
			s := newModelTest(newShardTest(t, f.Shared(t)), randomly(t))
			s.wander(700)
			s.check()
		}
	})
}

// wander makes random steps.
func (s *modelTest) wander(steps int) {
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
				s.enqueue(inc, strconv.Itoa(atoi(m.batches[inc])-2*r.IntN(2)), slices.Clone(lastBatch[inc]))
			}
		case k < 42:
			known := some(tasks)
			if r.IntN(2) == 0 {
				known = nil
			}
			var outcomes []backend.Outcome
			for range r.IntN(3) * min(len(runs), 1) {
				outcomes = append(outcomes, backend.Outcome{Run: runs[max(0, len(runs)-1-r.IntN(12))], State: backend.Completed - backend.State(r.IntN(5)/4)})
			}
			finished = append(finished, outcomes...)
			runs = append(runs, s.take(inc, "node of "+inc, 1+r.IntN(8), some(queues), known, outcomes)...)
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
			s.now += int64(r.IntN(7_200)-3_600) * 1_000_000 // the clock is set
		default:
			s.now += int64(r.IntN(8_000_000))
		}
		s.now += int64(r.IntN(300_000))
		if step%50 == 0 {
			s.check()
		}
	}
}
