//go:build unix

package redis

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/testkit/redistest"
)

// settleNode is a node that remembers what the server has answered.
type settleNode struct {
	inc, rid string // the run_id of the server that it has met
	batch    int
	jobs     []string // id, record and data of each
	outcomes []backend.Outcome
	runs     map[backend.Run]bool
	ticks    map[string]int64
}

// settleTest has several nodes, a server that loses its last writes, and the truth.
type settleTest struct {
	*shardTest
	r         *rand.Rand
	nodes     []*settleNode
	schedules int
}

func (s *settleTest) addNode() {
	n := &settleNode{inc: strconv.FormatInt(1+s.r.Int64N(1<<52), 10), runs: map[backend.Run]bool{}, ticks: map[string]int64{}}
	s.nodes = append(s.nodes, n)
	s.pulse(n, true)
}

// pulse sends a pulse. If the server is another one, or settles, the node sends what it remembers. It returns whether the
// server settles.
func (s *settleTest) pulse(n *settleNode, fresh bool) bool {
	s.Helper()
	flag := map[bool]string{true: "1", false: "0"}[fresh]
	reply := s.run(pulseScript, n.inc, flag, "0", n.rid, "1", "86400000", "86400000", "100000") // no job is swept
	answer, err := reply.ToArray()
	if err != nil {
		s.Fatal(err)
	}
	facts, err := answer[0].AsStrSlice()
	if err != nil || facts[0] != "ok" {
		s.Fatalf("a pulse answers %q, %v", facts, err)
	}
	if n.rid != "" && n.rid != facts[1] || facts[2] != "" {
		s.settle(n, facts[1])
	}
	n.rid = facts[1]
	return facts[2] != ""
}

func (s *settleTest) settle(n *settleNode, rid string) {
	s.Helper()
	t := &settlement{jobs: n.jobs}
	for i := range n.outcomes {
		t.outcomes = s.appendOutcome(t.outcomes, &n.outcomes[i])
	}
	for run := range n.runs {
		t.runs = append(t.runs, strconv.FormatUint(run.ID, 10), strconv.FormatUint(run.Fence, 10), "node of "+n.inc)
	}
	for schedule, at := range n.ticks {
		t.ticks = append(t.ticks, schedule, strconv.FormatInt(at, 10))
	}
	m := s.run(settleScript, t.args(n.inc, rid)...)
	if got, err := m.AsInt64(); err != nil || got < 0 {
		s.Fatalf("settle answers %d, %v", got, err)
	}
}

// step lets a node enqueue, take or finish, and remembers the answer.
func (s *settleTest) step() {
	s.Helper()
	s.now += s.r.Int64N(50_000)
	n := s.nodes[s.r.IntN(len(s.nodes))]
	switch s.r.IntN(8) {
	case 0, 1:
		var jobs []backend.NewJob
		for range 1 + s.r.IntN(3) {
			jobs = append(jobs, backend.NewJob{Task: "x", Queue: "a", Delay: time.Duration(s.r.IntN(2)) * time.Second})
		}
		prepared, err := prepareJobs(jobs)
		if err != nil {
			s.Fatal(err)
		}
		n.batch++
		s.remember(n, prepared.records, s.add(append([]string{n.inc, strconv.Itoa(n.batch), "1000"}, prepared.records...)), "ok")
	case 2:
		prepared, err := prepareJobs([]backend.NewJob{{Task: "x", Queue: "a"}})
		if err != nil {
			s.Fatal(err)
		}
		s.schedules++
		schedule, at := strconv.Itoa(s.schedules), s.ms()-1000
		reply := s.words(tickScript, append([]string{schedule, strconv.FormatInt(at, 10), "1000"}, prepared.records...)...)
		s.remember(n, prepared.records, []string{reply[0], reply[1]}, "won")
		n.ticks[schedule] = at
	case 3, 4:
		reply := s.started(n.inc, "node of "+n.inc, strconv.Itoa(1+s.r.IntN(3)), "1", "1", "a", "-1")
		s.wantWord(reply, "ok")
		for found := range slices.Chunk(reply[2:], 3) {
			id, _ := strconv.ParseUint(found[0], 10, 64)
			n.runs[backend.Run{ID: id, Fence: fenceOf(found[1])}] = true
		}
	case 5, 6:
		for run := range n.runs {
			o := backend.Outcome{Run: run, State: []backend.State{backend.Completed, backend.Completed, backend.Retryable, backend.Available, backend.Dead}[s.r.IntN(5)]}
			m := s.run(finishScript, s.appendOutcome(nil, &o)...)
			if letters, err := m.ToString(); err != nil || letters != "o" {
				s.Fatalf("finish of %+v answers %q, %v", o, letters, err)
			}
			delete(n.runs, run)
			n.outcomes = append(n.outcomes, o)
			break
		}
	default:
		s.pulse(n, false)
	}
}

func (s *settleTest) remember(n *settleNode, records, reply []string, want string) {
	s.Helper()
	s.wantWord(reply, want)
	for i, id := range s.ids(reply[1]) {
		n.jobs = append(n.jobs, id, records[2*i], records[2*i+1])
	}
}

func (s *settleTest) snapshot() (failover func(rid string)) {
	s.Helper()
	dumps := map[string]string{}
	for _, part := range queueParts {
		m := s.do("DUMP", part)
		if text, err := m.ToString(); err == nil {
			dumps[part] = text
		}
	}
	return func(rid string) {
		for _, part := range queueParts {
			s.do("DEL", part)
			if text, ok := dumps[part]; ok {
				s.do("RESTORE", part, "0", text)
			}
		}
		s.do("HSET", "m", "rid", rid)
		for _, n := range s.nodes {
			n.rid = rid
		}
	}
}

// wantKnown checks that everything that a live node knows is true: the run with the highest fence decides.
func (s *settleTest) wantKnown(before map[uint64]backend.Job) {
	s.Helper()
	jobs := s.wantForm()
	type fact struct {
		fence uint64
		text  string
		true  func(j backend.Job) bool
	}
	facts := map[uint64]fact{}
	know := func(id, fence uint64, text string, isTrue func(j backend.Job) bool) {
		if f, ok := facts[id]; !ok || fence >= f.fence {
			facts[id] = fact{fence, text, isTrue}
		}
	}
	for id, j := range before {
		know(id, j.Fence, "it was stored before", func(now backend.Job) bool {
			return j.State == backend.Running || now.State == j.State || !j.State.Finished()
		})
	}
	for _, n := range s.nodes {
		for i := 0; i < len(n.jobs); i += 3 {
			id, _ := strconv.ParseUint(n.jobs[i], 10, 64)
			know(id, 0, "it was acknowledged", func(backend.Job) bool { return true })
		}
	}
	for _, n := range s.nodes {
		for _, o := range n.outcomes {
			know(o.ID, o.Fence, fmt.Sprint("its run ended as ", o.State), func(j backend.Job) bool {
				if o.State.Finished() {
					return j.State == o.State
				}
				return j.State != backend.Running && !j.State.Finished()
			})
		}
		for run := range n.runs {
			know(run.ID, run.Fence, "it runs", func(j backend.Job) bool { return j.State == backend.Running && j.Fence == run.Fence })
		}
	}
	for id, f := range facts {
		j, there := jobs[id]
		if known := s.acknowledged(id) || before[id].ID != 0; !known {
			continue // only a node that has died knew the job
		}
		if !there || !f.true(j) || j.Fence < f.fence {
			s.Fatalf("job %d is %+v, but %s with the fence %d", id, j, f.text, f.fence)
		}
	}
	last := s.lastRuns()
	for _, n := range s.nodes {
		for schedule, at := range n.ticks {
			if last[schedule] != at {
				s.Fatalf("the last run of schedule %s is %d, want %d", schedule, last[schedule], at)
			}
		}
	}
}

func (s *settleTest) acknowledged(id uint64) bool {
	text := strconv.FormatUint(id, 10)
	for _, n := range s.nodes {
		for i := 0; i < len(n.jobs); i += 3 {
			if n.jobs[i] == text {
				return true
			}
		}
	}
	return false
}

// TestSettlingRestoresWhatLiveNodesKnow takes random steps, lets the server lose the last ones, and lets the nodes settle in
// a random order. Nodes die at random. Everything that a live node knows must be true afterwards, and a repetition must
// change nothing.
func TestSettlingRestoresWhatLiveNodesKnow(t *testing.T) {
	onEachFlavor(t, func(t *testing.T, f redistest.Flavor) {
		s := &settleTest{shardTest: newShardTest(t, f.Shared(t)), r: randomly(t)}
		for range 3 {
			s.addNode()
		}
		for round := range 25 {
			for range s.r.IntN(15) {
				s.step()
			}
			failover, before := s.snapshot(), s.jobs()
			for range s.r.IntN(25) {
				s.step()
			}
			if s.r.IntN(3) == 0 { // a node dies
				s.nodes = slices.Delete(s.nodes, 0, 1)
			}
			failover(fmt.Sprint("former ", round))
			s.settleAll()
			s.wantKnown(before)
			whole := s.hash("s")
			for _, n := range s.nodes {
				s.settle(n, n.rid)
			}
			if !maps.Equal(whole, s.hash("s")) {
				t.Fatal("a repetition changes jobs")
			}
			for len(s.nodes) < 3 {
				s.addNode()
			}
			jobs := s.jobs()
			for _, n := range s.nodes { // 15 s later
				n.jobs, n.outcomes, n.ticks = nil, nil, map[string]int64{}
				maps.DeleteFunc(n.runs, func(run backend.Run, _ bool) bool { return jobs[run.ID].Fence != run.Fence }) // only the dead node knew the job
			}
		}
		if n := len(s.jobs()); n < 60 {
			t.Errorf("the test has had %d jobs only", n)
		}
	})
}

// settleAll lets all nodes settle. While the shard settles, no run begins, and no time of a schedule is enqueued.
func (s *settleTest) settleAll() {
	s.Helper()
	for steps := 0; ; steps++ {
		s.now += 100_000
		busy := false
		for _, i := range s.r.Perm(len(s.nodes)) {
			n := s.nodes[i]
			if busy = s.pulse(n, false); busy && s.settling() {
				s.wantWord(s.started(n.inc, "node", "5", "1", "1", "a", "-1"), "settling")
				s.wantWord(s.words(tickScript, "other", strconv.FormatInt(s.ms(), 10), "1000"), "settling")
			}
		}
		if !busy && !s.settling() {
			return
		}
		if steps > 60 {
			s.Fatal("the shard does not settle")
		}
	}
}

// settling reports whether the shard still settles.
func (s *settleTest) settling() bool {
	s.Helper()
	m := s.hash("m")
	return atoi(m["settle"]) > atoi(m["c"])
}

// An outage before the failover does not shorten the settling: all nodes have the whole time to send what they remember,
// whichever script comes first.
func TestAnOutageDoesNotShortenTheSettling(t *testing.T) {
	onEachFlavor(t, func(t *testing.T, f redistest.Flavor) {
		for _, hello := range []bool{false, true} {
			s := &settleTest{shardTest: newShardTest(t, f.Shared(t)), r: randomly(t)}
			s.addNode()
			s.addNode() // does not come back, and the settling waits for it
			n := s.nodes[0]
			s.snapshot()(fmt.Sprint("former ", hello))
			s.now += 6_000_000
			if hello {
				s.run(helloScript)
			}
			s.pulse(n, false)
			const settle, step = 4_000_000, 500_000
			for since := step; since < settle; since += step {
				s.now += step
				if !s.pulse(n, false) {
					t.Fatalf("hello %v: the shard has settled after %d µs, want %d", hello, since, settle)
				}
			}
			s.now += step
			if s.pulse(n, false) {
				t.Errorf("hello %v: the shard still settles after %d µs", hello, settle)
			}
		}
	})
}
