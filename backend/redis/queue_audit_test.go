//go:build unix

package redis

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/testkit/redistest"
)

// audit makes steps until two passes are complete and nothing is urgent.
func (s *shardTest) audit() {
	s.Helper()
	passes := func() int {
		n, _ := strconv.Atoi(s.hash("m")["passes"])
		return n
	}
	for from, steps := passes(), 0; ; steps++ {
		s.now += 5000
		m := s.run(checkScript)
		reply, err := m.AsIntSlice()
		if err != nil || steps > 20_000 {
			s.Fatalf("after %d steps the audit answers %v, %v", steps, reply, err)
		}
		if reply[0] == 0 && passes() >= from+2 {
			return
		}
	}
}

// damageSets changes sets, counts and unique keys at random, but no records. It returns a description.
func (s *shardTest) damageSets(r *rand.Rand, jobs map[uint64]backend.Job) string {
	s.Helper()
	sets := []string{"r", "aside", "due", "run", "fin", "dead", "can"}
	part := sets[r.IntN(len(sets))]
	members := slices.Sorted(maps.Keys(s.set(part)))
	if len(members) == 0 {
		members = []string{"1"}
	}
	member, id := members[r.IntN(len(members))], strconv.FormatUint(pick(r, jobs), 10)
	fields := slices.Sorted(maps.Keys(s.hash("n")))
	fields = append(fields, "2"+"0001axx")
	field := fields[r.IntN(len(fields))]
	switch r.IntN(13) {
	case 0:
		s.do("ZREM", part, member)
		return "removed from " + part
	case 1:
		s.do("ZADD", part, "17", id)
		return "added " + id + " to " + part
	case 2:
		s.do("ZADD", part, "3", []string{"", "garbage", "0001a7f00000000001" + id, "zzzz", "00"}[r.IntN(5)])
		return "garbage in " + part
	case 3:
		s.do("ZADD", []string{"due", "run"}[r.IntN(2)], "XX", "99", id)
		return "another score"
	case 4:
		s.do("DEL", part)
		return "deleted " + part
	case 5:
		s.do("HSET", "n", field, []string{"1000", "-4", "text"}[r.IntN(3)])
		return "another count"
	case 6:
		s.do("HDEL", "n", field)
		return "no count"
	case 7:
		s.do("DEL", []string{"n", "u", "blk"}[r.IntN(3)])
		return "deleted n, u or blk"
	case 8:
		s.do("HSET", "u", strconv.Itoa(r.IntN(6)), id)
		return "another holder"
	case 9:
		s.do("HDEL", "u", strconv.Itoa(r.IntN(4)))
		return "no holder"
	case 10:
		s.do("ZADD", "blk", "1.5", "what")
		return "a foreign block"
	case 11:
		s.do("HSET", "m", "audit", []string{"3 7 99", "garbage", "12 1 0", "99 0 0"}[r.IntN(4)])
		return "another place of the audit"
	}
	s.do("ZREM", "blk", "0")
	return "no block"
}

// TestTheAuditRepairsEveryDisagreementBetweenSets damages everything but the records.
func TestTheAuditRepairsEveryDisagreementBetweenSets(t *testing.T) {
	onEachFlavor(t, func(t *testing.T, f redistest.Flavor) {
		s := newShardTest(t, f.Shared(t))
		r := randomly(t)
		s.beat()
		jobs := s.jobs()
		for range 40 {
			for range 10 {
				s.step(r, jobs)
				jobs = s.jobs()
			}
			var done []string
			for range 1 + r.IntN(3) {
				done = append(done, s.damageSets(r, jobs))
			}
			s.audit()
			if after := s.wantForm(); !cmp.Equal(jobs, after) {
				t.Fatalf("after the damage %q and the audit (-before +after):\n%s", done, cmp.Diff(jobs, after))
			}
			if bad := s.hash("bad"); len(bad) > 0 {
				t.Fatalf("after %q there is set aside %q", done, bad)
			}
		}
	})
}

// TestTheAuditCountsAnewWhileJobsChange makes random steps between those of an audit that counts anew.
func TestTheAuditCountsAnewWhileJobsChange(t *testing.T) {
	onEachFlavor(t, func(t *testing.T, f redistest.Flavor) {
		s := newShardTest(t, f.Shared(t))
		r := randomly(t)
		s.beat()
		for range 20 { // many blocks with a few jobs
			s.enqueue(backend.NewJob{Task: "x", Queue: "a"}, backend.NewJob{Task: "y", Queue: "b"})
			s.do("HINCRBY", "m", "seq", "300")
		}
		for range 10 {
			s.do("HSET", "n", "20001ax", "77")
			s.do("HSET", "m", "doubt", "1")
			for range 60 {
				s.step(r, s.jobs())
				s.now += 5000
				s.run(checkScript)
			}
			s.audit()
			s.wantForm()
		}
	})
}

// TestRecordsThatCannotBeReadAreSetAsideAndShown damages records in all ways. The other jobs stay as they are.
func TestRecordsThatCannotBeReadAreSetAsideAndShown(t *testing.T) {
	onEachFlavor(t, func(t *testing.T, f redistest.Flavor) {
		s := newShardTest(t, f.Shared(t))
		s.beat()
		var jobs []backend.NewJob
		for range 12 {
			jobs = append(jobs, backend.NewJob{Task: "x", Queue: "a", Params: []byte("1")})
		}
		jobs[10].Delay = 1e9
		ids := s.enqueue(jobs...)
		text := func(i int) string { return strconv.FormatUint(ids[i], 10) }
		whole := s.hash("s")[text(0)]
		s.do("HSET", "s", text(0), "garbage")
		s.do("HSET", "s", text(1), "\x02"+whole[1:])     // a newer version
		s.do("HSET", "s", text(2), whole[:len(whole)-1]) // cut off
		s.do("HSET", "s", text(3), "\x01\x09"+whole[2:]) // a state that does not exist
		s.do("HDEL", "s", text(4))
		s.do("HDEL", "d", text(5))
		s.do("HSET", "d", text(6), "")
		s.do("HSET", "s", "foreign", "value")
		s.do("HSET", "d", "also foreign", "value")
		s.do("HSET", "s", text(10), "garbage")
		s.now += 2_000_000
		s.beat() // meets the one that becomes due

		// A Take before the audit meets some of them, and starts the others.
		if got := s.take(3); len(got) != 3 {
			t.Fatalf("Take starts %d jobs", len(got))
		}
		s.audit()
		after := s.wantForm()
		bad := s.hash("bad")
		for _, i := range []int{0, 1, 2, 3, 10} {
			if _, there := bad[text(i)]; !there {
				t.Errorf("record %d is not set aside", i)
			}
			s.wantWord(s.words(readScript, text(i)), "bad")
			s.wantWord(s.words(retryScript, text(i)), "bad")
			s.wantWord(s.words(cancelScript, text(i)), "bad")
		}
		if len(bad) != 7 {
			t.Errorf("set aside are %q", bad)
		}
		for i, why := range map[int]string{4: "its state is lost"} {
			if j := after[ids[i]]; j.State != backend.Dead || !strings.Contains(j.Error, why) {
				t.Errorf("job %d is %+v, want the error %q", i, j, why)
			}
		}
		for _, i := range []int{5, 6} {
			if j := after[ids[i]]; j.State != backend.Running && (j.State != backend.Dead || !strings.Contains(j.Error, "parameters are lost")) {
				t.Errorf("job %d is %+v", i, j)
			}
		}
		if got := s.list(backend.JobFilter{Limit: 100}); !slices.Equal(got, ids) {
			t.Errorf("List shows %v, want %v", got, ids)
		}
		if got := s.list(backend.JobFilter{Limit: 100, States: []backend.State{backend.Dead}, Newest: true}); !slices.Contains(got, ids[0]) || !slices.Contains(got, ids[4]) {
			t.Errorf("List of dead jobs shows %v", got)
		}
		// A node that can read a record brings it back.
		s.do("HSET", "bad", text(1), whole)
		s.audit()
		if j := s.wantForm()[ids[1]]; j.State != backend.Available {
			t.Errorf("the job whose record can be read again is %+v", j)
		}
		s.wantWord(s.words(removeScript, text(0)), "ok")
		s.wantWord(s.words(removeScript, text(0)), "absent")
		s.audit()
		s.wantForm()
	})
}
