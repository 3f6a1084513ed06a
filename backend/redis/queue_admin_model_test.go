//go:build unix

package redis

import (
	"cmp"
	"fmt"
	"maps"
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

// shardTest runs the scripts of the queue on a server, at a simulated time, and looks at the keys.
type shardTest struct {
	*testing.T
	core  *core
	keys  []string
	now   int64 // in µs
	batch int
	swept int // the number of jobs that Pulse has removed
}

func newShardTest(t *testing.T, server *redistest.Server) *shardTest {
	t.Helper()
	c := open(t, at(server)).core
	return &shardTest{T: t, core: c, keys: c.queueKeys(1), // the queue of the backend uses shard 0
		now: 1_800_000_000_000_000}
}

func (s *shardTest) run(sc *script, args ...string) rueidis.RedisMessage {
	s.Helper()
	all := append(append([]string{"PUBLISH", "none"}, args...), strconv.FormatInt(s.now, 10))
	m, err := s.core.run(s.Context(), sc, s.keys, all...)
	if err != nil {
		s.Fatalf("a script fails: %v", err)
	}
	return m
}

func (s *shardTest) words(sc *script, args ...string) []string {
	s.Helper()
	words, err := asWords(s.run(sc, args...), nil)
	if err != nil {
		s.Fatal(err)
	}
	return words
}

func (s *shardTest) ms() int64 { return s.now / 1000 }

// key returns the key of a part, such as "due".
func (s *shardTest) key(part string) string { return s.keys[slices.Index(queueParts[:], part)] }

// do sends a command; the first argument after its name is a part.
func (s *shardTest) do(command, part string, args ...string) rueidis.RedisMessage {
	s.Helper()
	m, err := s.core.do(s.Context(), once, func(b rueidis.Builder) rueidis.Completed {
		return b.Arbitrary(command).Keys(s.key(part)).Args(args...).Build()
	})
	if err != nil && !rueidis.IsRedisNil(err) {
		s.Fatalf("%s %s %q: %v", command, part, args, err)
	}
	return m
}

func (s *shardTest) hash(part string) map[string]string {
	s.Helper()
	reply := s.do("HGETALL", part)
	m, err := reply.AsStrMap()
	if err != nil {
		s.Fatal(err)
	}
	return m
}

func (s *shardTest) set(part string) map[string]float64 {
	s.Helper()
	reply := s.do("ZRANGE", part, "0", "-1", "WITHSCORES")
	scores, err := reply.AsZScores()
	if err != nil {
		s.Fatal(err)
	}
	found := map[string]float64{}
	for _, z := range scores {
		found[z.Member] = z.Score
	}
	return found
}

// jobs returns all jobs, as the records in s say.
func (s *shardTest) jobs() map[uint64]backend.Job {
	s.Helper()
	data, jobs := s.hash("d"), map[uint64]backend.Job{}
	for text, record := range s.hash("s") {
		id, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			s.Fatalf("s has the field %q", text)
		}
		j, err := decodeJob(id, record, data[text])
		if err != nil || data[text] == "" {
			s.Fatalf("job %d has the records %q and %q: %v", id, record, data[text], err)
		}
		jobs[id] = j
	}
	for id := range s.hash("bad") {
		delete(data, id)
	}
	if len(data) != len(jobs) {
		s.Fatalf("d has %d jobs, s has %d", len(data), len(jobs))
	}
	return jobs
}

// wantForm checks the law T10: all keys agree with the records of the jobs.
func (s *shardTest) wantForm() map[uint64]backend.Job {
	s.Helper()
	jobs, raw := s.jobs(), s.hash("s")
	want := map[string]map[string]float64{"r": {}, "aside": {}, "due": {}, "run": {}, "fin": {}, "dead": {}, "can": {}}
	counts, blocks := map[string]string{}, map[string]float64{}
	for id, j := range jobs {
		text, part, score := strconv.FormatUint(id, 10), "", 0.0
		u64 := func(at int) (n uint64) {
			for _, b := range []byte(raw[text][at : at+8]) {
				n = n<<8 | uint64(b)
			}
			return n
		}
		member := text
		switch j.State {
		case backend.Available:
			lane := func(name string) string { return fmt.Sprintf("%04x%s", len(name), name) }
			part, member = "r", lane(j.Queue)
			if raw[text][6] == 1 {
				part, member = "aside", member+lane(j.Task)
			}
			member += fmt.Sprintf("%02x%011x%d", 127-int(j.Priority), u64(atOrd), id)
		case backend.Running:
			part, score = "run", float64(u64(atInc))
			if j.Cancelling {
				want["can"][text] = score
			}
		case backend.Scheduled, backend.Retryable:
			part, score = "due", float64(j.RunAt.UnixMilli())
		case backend.Dead:
			part, score = "dead", float64(j.Finished.UnixMilli())
		default:
			part, score = "fin", float64(j.Finished.UnixMilli())
		}
		want[part][member] = score
		field := fmt.Sprintf("%d%04x%s%s", j.State, len(j.Queue), j.Queue, j.Task)
		n, _ := strconv.Atoi(counts[field])
		counts[field] = strconv.Itoa(n + 1)
		blocks[strconv.FormatUint(id/256, 10)] = float64(id / 256)
	}
	for part, members := range want {
		got := s.set(part)
		if part == "fin" || part == "dead" { // a job that holds its unique key longer has the end of that as its score
			for member, score := range members {
				id, _ := strconv.ParseUint(member, 10, 64)
				if until := jobs[id].UniqueUntil; !until.IsZero() && got[member] == float64(until.UnixMilli()) {
					members[member] = got[member]
				} else {
					members[member] = score
				}
			}
		}
		if !maps.Equal(got, members) {
			s.Fatalf("%s has %v, want %v", part, got, members)
		}
	}
	if got := s.hash("n"); !maps.Equal(got, counts) {
		if m := s.hash("m"); m["recount"] == "" && m["doubt"] == "" {
			s.Fatalf("the counts are %q, want %q", got, counts)
		}
	}
	if got := s.set("blk"); !containsAll(got, blocks) {
		s.Fatalf("blk has %v, want %v", got, blocks)
	}
	s.wantKeys(jobs)
	hold := s.set("hold")
	for id, inc := range s.set("run") {
		if _, ok := hold[strconv.FormatFloat(inc, 'f', 0, 64)]; !ok {
			s.Fatalf("the run of job %s belongs to an inc without a lease", id)
		}
	}
	return jobs
}

func containsAll(got, want map[string]float64) bool {
	for k, v := range want {
		if got[k] != v {
			return false
		}
	}
	return true
}

// wantKeys checks that each job that has not finished has its unique key, and that each key belongs to a job.
func (s *shardTest) wantKeys(jobs map[uint64]backend.Job) {
	s.Helper()
	keys := s.hash("u")
	for unique, text := range keys {
		id, _ := strconv.ParseUint(text, 10, 64)
		if jobs[id].Unique != unique {
			s.Fatalf("the unique key %q belongs to job %s, which is %+v", unique, text, jobs[id])
		}
	}
	for id, j := range jobs {
		if j.Unique != "" && !j.State.Finished() && keys[j.Unique] != strconv.FormatUint(id, 10) {
			s.Fatalf("the unique key of %+v belongs to job %q", j, keys[j.Unique])
		}
	}
}

const testInc = "4242"

var testKeep = []string{"300000", "600000", "40"} // keepCompleted 5 minutes, keepFailed 10 minutes, keepMost

// beat runs Pulse for the inc of the test.
func (s *shardTest) beat() {
	s.Helper()
	s.run(pulseScript, append([]string{testInc, "1", "0", ""}, testKeep...)...)
}

func (s *shardTest) enqueue(jobs ...backend.NewJob) []uint64 {
	s.Helper()
	prepared, err := prepareJobs(jobs)
	if err != nil {
		s.Fatal(err)
	}
	s.batch++
	reply := s.words(enqueueScript, append([]string{testInc, strconv.Itoa(s.batch), "1000"}, prepared.records...)...)
	if reply[0] != "ok" {
		s.Fatalf("enqueue returns %q", reply)
	}
	var ids []uint64
	for _, text := range strings.Fields(reply[1]) {
		id, existing := strings.CutPrefix(text, "e")
		n, err := strconv.ParseUint(id, 10, 64)
		if err != nil {
			s.Fatalf("enqueue returns %q", reply)
		}
		if !existing {
			ids = append(ids, n)
		}
	}
	return ids
}

// take starts at most n runs in the queues a and b, and returns the jobs.
func (s *shardTest) take(n int) []backend.Job {
	s.Helper()
	reply := s.words(takeScript, testInc, "node", strconv.Itoa(n), "2", "a", "b", "-1")
	if reply[0] != "ok" {
		s.Fatalf("take returns %q", reply)
	}
	var jobs []backend.Job
	for found := range slices.Chunk(reply[2:], 3) {
		id, _ := strconv.ParseUint(found[0], 10, 64)
		jobs = append(jobs, showJob(id, found[1], found[2]))
	}
	return jobs
}

func (s *shardTest) list(f backend.JobFilter) []uint64 {
	s.Helper()
	args := filterArgs(f)
	args[2] = strconv.Itoa(f.Limit)
	var ids []uint64
	for {
		reply := s.words(listScript, args...)
		for found := range slices.Chunk(reply[1:], 4) {
			id, _ := strconv.ParseUint(found[0], 10, 64)
			ids = append(ids, id)
		}
		if args[0] = reply[0]; reply[0] == "" || len(ids) >= f.Limit {
			return ids
		}
		args[2] = strconv.Itoa(f.Limit - len(ids))
	}
}

// wantList compares List with the records of all jobs, for a random filter.
func (s *shardTest) wantList(r *rand.Rand, jobs map[uint64]backend.Job) {
	s.Helper()
	f := backend.JobFilter{Newest: r.IntN(2) == 0, Limit: 1 + r.IntN(20), Queue: []string{"", "a", "b"}[r.IntN(3)], Task: []string{"", "x", "y"}[r.IntN(3)]}
	for state := backend.Scheduled; state <= backend.Dead; state++ {
		if r.IntN(2) == 0 {
			f.States = append(f.States, state)
		}
	}
	if r.IntN(2) == 0 {
		f.After = r.Uint64N(1000)
	}
	var want []uint64
	for id, j := range jobs {
		if (len(f.States) == 0 || slices.Contains(f.States, j.State)) && (f.Queue == "" || j.Queue == f.Queue) && (f.Task == "" || j.Task == f.Task) &&
			(f.After == 0 || f.Newest && id < f.After || !f.Newest && id > f.After) {
			want = append(want, id)
		}
	}
	slices.SortFunc(want, func(a, b uint64) int {
		if f.Newest {
			a, b = b, a
		}
		return cmp.Compare(a, b)
	})
	want = want[:min(len(want), f.Limit)]
	if got := s.list(f); !slices.Equal(got, want) {
		s.Fatalf("List(%+v) = %v, want %v", f, got, want)
	}
}

// beatAndSweep runs Pulse, and checks that it removes the ended jobs that are too old or too many, and no others.
func (s *shardTest) beatAndSweep(before map[uint64]backend.Job) {
	s.Helper()
	keys, gone := s.hash("u"), map[uint64]bool{}
	for part, keep := range map[string]float64{"fin": 300_000, "dead": 600_000} {
		scores := s.set(part)
		members := slices.SortedFunc(maps.Keys(scores), func(a, b string) int { return cmp.Or(cmp.Compare(scores[a], scores[b]), strings.Compare(a, b)) })
		over := len(members) - 40
		for _, member := range members {
			age := float64(s.ms()) - scores[member]
			if age < keep && (over <= 0 || age < 60_000) {
				break
			}
			over--
			id, _ := strconv.ParseUint(member, 10, 64)
			if j := before[id]; j.Unique == "" || j.UniqueUntil.UnixMilli() <= s.ms() || keys[j.Unique] != member {
				gone[id] = true
			}
		}
	}
	s.beat()
	after := s.wantForm()
	for id, j := range before {
		if _, there := after[id]; there == gone[id] {
			s.Fatalf("after Pulse, %d ms after its end, it is %t that there is %+v", s.ms()-j.Finished.UnixMilli(), there, j)
		}
	}
	s.swept += len(gone)
}

// step takes one random step. The argument jobs has all jobs before it.
func (s *shardTest) step(r *rand.Rand, jobs map[uint64]backend.Job) {
	s.Helper()
	s.now += r.Int64N(1000)
	switch r.IntN(12) {
	case 0:
		s.now += r.Int64N(20_000_000)
		s.beatAndSweep(jobs)
	case 1, 2, 3:
		s.enqueue(slices.Repeat([]backend.NewJob{{
			Task: []string{"x", "y"}[r.IntN(2)], Queue: []string{"a", "b"}[r.IntN(2)], Priority: int8(r.IntN(3)), Delay: time.Duration(r.Int64N(3)) * 10 * time.Second,
			Params: []byte("params"), MaxAttempts: r.IntN(3), MaxCrashes: 1,
		}}, 1+r.IntN(4))...)
	case 4:
		unique := strconv.Itoa(r.IntN(4))
		s.enqueue(backend.NewJob{Task: "x", Queue: "a", Unique: unique, UniqueFor: time.Duration(r.Int64N(2)*r.Int64N(900)) * time.Second})
	case 5, 6, 7:
		for _, j := range s.take(r.IntN(5)) {
			state := []backend.State{backend.Completed, backend.Completed, backend.Dead, backend.Cancelled, backend.Retryable, backend.Scheduled, backend.Available, backend.Running}[r.IntN(8)]
			if state != backend.Running {
				s.run(finishScript, strconv.FormatUint(j.ID, 10), strconv.FormatUint(j.Fence, 10), strconv.Itoa(int(state)), strconv.Itoa(r.IntN(2)*30_000_000), "why")
			}
		}
	case 8:
		s.stepRetry(r, jobs)
	case 9:
		s.stepCancel(r, jobs)
	case 10:
		s.stepDelete(r, jobs)
	case 11:
		for range 20 {
			s.now += 5000
			s.run(checkScript)
		}
	}
}

// TestTheAdministrationOfJobsKeepsTheLawsOfForm takes random steps and compares the keys with a model of each step.
func TestTheAdministrationOfJobsKeepsTheLawsOfForm(t *testing.T) {
	onEachFlavor(t, func(t *testing.T, f redistest.Flavor) {
		s := newShardTest(t, f.Shared(t))
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		r := rand.New(rand.NewPCG(seed, 1))
		s.beat()
		jobs := s.wantForm()
		for step := range 1500 {
			s.step(r, jobs)
			if step%5 == 0 {
				jobs = s.wantForm()
				s.wantList(r, jobs)
			} else {
				jobs = s.jobs()
			}
		}
		if len(jobs) < 20 || s.swept < 20 {
			t.Errorf("at the end there are %d jobs, and %d were swept", len(jobs), s.swept)
		}
	})
}

// pick returns the id of a random job, or one that is not there.
func pick(r *rand.Rand, jobs map[uint64]backend.Job) uint64 {
	ids := slices.Sorted(maps.Keys(jobs))
	if len(ids) == 0 || r.IntN(20) == 0 {
		return 1 << 40
	}
	return ids[r.IntN(len(ids))]
}

func (s *shardTest) stepRetry(r *rand.Rand, jobs map[uint64]backend.Job) {
	s.Helper()
	id := pick(r, jobs)
	before, known := jobs[id]
	reply := s.words(retryScript, strconv.FormatUint(id, 10))
	after := s.jobs()[id]
	other := false
	for _, j := range jobs {
		holds := !j.State.Finished() || j.UniqueUntil.UnixMilli() > s.ms() && s.hash("u")[j.Unique] == strconv.FormatUint(j.ID, 10)
		other = other || j.ID != id && before.Unique != "" && j.Unique == before.Unique && holds
	}
	switch {
	case !known:
		s.wantWord(reply, "absent")
	case before.State == backend.Running:
		s.wantWord(reply, "running")
	case other:
		s.wantWord(reply, "duplicate")
	default:
		s.wantWord(reply, "ok")
		if after.State != backend.Available || after.Crashes != 0 || after.RunAt.UnixMilli() != s.ms() || !after.Finished.IsZero() ||
			after.MaxAttempts != max(before.MaxAttempts, min(before.MaxAttempts, 1)*(before.Attempt+1)) {
			s.Fatalf("Retry makes %+v of %+v", after, before)
		}
		if shown := showJob(id, reply[1], reply[2]); shown.State != after.State || string(shown.Params) != string(before.Params) {
			s.Fatalf("Retry returns %+v, the job is %+v", shown, after)
		}
	}
}

func (s *shardTest) wantWord(reply []string, want string) {
	s.Helper()
	if reply[0] != want {
		s.Fatalf("a script returns %q, want %q", reply, want)
	}
}

func (s *shardTest) stepCancel(r *rand.Rand, jobs map[uint64]backend.Job) {
	s.Helper()
	id := pick(r, jobs)
	before, known := jobs[id]
	reply := s.words(cancelScript, strconv.FormatUint(id, 10))
	after := s.jobs()[id]
	if !known {
		s.wantWord(reply, "absent")
		return
	}
	s.wantWord(reply, "ok")
	right := after.State == before.State && after.Finished.Equal(before.Finished)
	switch {
	case before.State == backend.Running:
		right = after.State == backend.Running && after.Cancelling
	case !before.State.Finished():
		right = after.State == backend.Cancelled && after.Error != "" && after.Finished.UnixMilli() == s.ms()
	}
	if !right {
		s.Fatalf("Cancel makes %+v of %+v", after, before)
	}
}

func (s *shardTest) stepDelete(r *rand.Rand, jobs map[uint64]backend.Job) {
	s.Helper()
	id := pick(r, jobs)
	before, known := jobs[id]
	reply := s.words(removeScript, strconv.FormatUint(id, 10))
	_, there := s.jobs()[id]
	switch {
	case !known:
		s.wantWord(reply, "absent")
	case before.State == backend.Running:
		s.wantWord(reply, "running")
		if !there {
			s.Fatalf("a refused Delete removes %+v", before)
		}
	default:
		s.wantWord(reply, "ok")
		if there {
			s.Fatalf("Delete leaves %+v", before)
		}
	}
}
