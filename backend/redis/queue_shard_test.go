//go:build unix

package redis

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/rueidis"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/testkit/redistest"
)

// shardTest runs the scripts of the queue on a server, at a simulated time, and looks at the keys.
type shardTest struct {
	*testing.T
	*shard
	now   int64 // in µs
	batch int
	swept int // the number of jobs that Pulse has removed
}

func newShardTest(t *testing.T, server *redistest.Server) *shardTest {
	t.Helper()
	return &shardTest{T: t, shard: idleShard(open(t, at(server))), now: 1_800_000_000_000_000}
}

// idleShard returns a shard that sends no pulses, with keys that the backend does not use.
func idleShard(b *Backend) *shard {
	q := newShard(b.queue.all, 0, 1)
	q.keys = b.core.queueKeys(1)
	return q
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

// started starts runs, and returns the answer without the letters of outcomes.
func (s *shardTest) started(args ...string) []string {
	s.Helper()
	return s.words(turnScript, append([]string{"0"}, args...)...)[1:]
}

// add enqueues as sendBatch does.
func (s *shardTest) add(args []string) []string {
	s.Helper()
	sc, args := scriptToEnqueue(args)
	return s.words(sc, args...)
}

// ids returns the words in the results of a batch.
func (s *shardTest) ids(results string) []string {
	s.Helper()
	words, err := resultWords(results)
	if err != nil {
		s.Fatalf("the results %q: %v", results, err)
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
			if oneCrashLeft(raw[text]) {
				member = "x" + member
			}
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
	s.run(pulseScript, append([]string{testInc, "1", "0", "", "1"}, testKeep...)...)
}

func (s *shardTest) enqueue(jobs ...backend.NewJob) []uint64 {
	s.Helper()
	prepared, err := prepareJobs(jobs)
	if err != nil {
		s.Fatal(err)
	}
	s.batch++
	reply := s.add(append([]string{testInc, strconv.Itoa(s.batch), "1000"}, prepared.records...))
	if reply[0] != "ok" {
		s.Fatalf("enqueue returns %q", reply)
	}
	var ids []uint64
	for _, text := range s.ids(reply[1]) {
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
	reply := s.started(testInc, "node", strconv.Itoa(n), "1", "2", "a", "b", "-1")
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
	args, _ := s.filterArgs(f)
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
