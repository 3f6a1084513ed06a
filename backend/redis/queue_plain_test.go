//go:build unix

package redis

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/testkit/redistest"
)

// TestBothScriptsOfEnqueueDoTheSame runs each batch of plain jobs by one script in one shard, and by the other one in another
// shard. The replies, the keys and the wakes are the same.
func TestBothScriptsOfEnqueueDoTheSame(t *testing.T) {
	t.Parallel()
	server := redistest.Redis.Shared(t)
	plain, other := newShardTest(t, server), newShardTest(t, server)
	shards := []*shardTest{plain, other}
	r := randomly(t)
	batch, seen := 2, map[string]int{}
	for _, s := range shards {
		s.beat()
	}
	for n := range 200 {
		jobs := make([]backend.NewJob, 1+r.IntN(4))
		if n == 100 {
			jobs = make([]backend.NewJob, 512)
		}
		for i := range jobs {
			jobs[i] = backend.NewJob{
				Task: []string{"x", "y", "ÿ long name"}[r.IntN(3)], Queue: []string{"", "a", "b"}[r.IntN(3)], Priority: int8(r.IntN(256) - 128),
				MaxAttempts: 1, MaxCrashes: r.IntN(3), Timeout: time.Duration(r.IntN(2)) * time.Second,
				Params: []byte(`{"text":"` + strings.Repeat("x", r.IntN(2)*bigData*r.IntN(2)/64) + `"}`),
			}
			if len(jobs) > maxKinds {
				jobs[i].Priority, jobs[i].MaxCrashes, jobs[i].Queue = int8(i%4), 0, ""
			}
		}
		prepared, err := prepareJobs(jobs)
		if err != nil {
			t.Fatal(err)
		}
		if r.IntN(8) > 0 {
			batch++
		}
		inc, number, most, step := testInc, batch, 600+r.IntN(4000), int64(r.IntN(5_000_000))
		recount, empty := strconv.Itoa(r.IntN(40)), r.IntN(5) == 0
		switch n % 20 {
		case 3:
			inc = "77" // it has no lease
		case 9:
			most = 0
		case 11:
			number = batch - 6 // a late command: the shard has added later batches
		}
		foreign := n%50 == 49
		var replies, states []string
		for i, s := range shards {
			s.now += step
			if empty {
				s.do("DEL", "r")
			}
			if s.do("HSET", "m", "recount", recount); foreign {
				s.do("HSET", "m", "rid", "another server")
			}
			sc, args := enqueueScript, append([]string{inc, strconv.Itoa(number), strconv.Itoa(most)}, prepared.records...)
			if i == 0 {
				if sc, args = scriptToEnqueue(args); sc != plainScript {
					t.Fatalf("the batch %d of %d jobs is not plain", number, len(jobs))
				}
			}
			args = append(append([]string{"RPUSH", s.keys[len(s.keys)-1] + ":wakes"}, args...), strconv.FormatInt(s.now, 10))
			words, err := asWords(s.core.run(t.Context(), sc, s.keys, args...))
			if err != nil {
				t.Fatal(err)
			}
			if replies = append(replies, strings.Join(words, ",")); n%20 == 19 {
				states = append(states, s.everything())
			}
			if foreign {
				s.beat()
			}
		}
		seen[strings.Split(replies[0], ",")[0]]++
		if replies[0] != replies[1] || states != nil && states[0] != states[1] {
			t.Fatalf("the batch %d of %d jobs has the replies %.300q, and leaves\n%.2000q", number, len(jobs), replies, states)
		}
	}
	if len(plain.wakes()) == 0 {
		t.Error("no batch woke a worker")
	}
	for _, word := range []string{"ok", "old", "lost", "full", "settling"} {
		if seen[word] == 0 {
			t.Errorf("no batch had the reply %s: %v", word, seen)
		}
	}
}

// TestBothScriptsOfATurnDoTheSame runs each turn by the script for the ordinary case in one shard, and by the other one in
// another shard. The replies and the keys are the same. In the cases that are not ordinary, the first script changes nothing.
func TestBothScriptsOfATurnDoTheSame(t *testing.T) {
	t.Parallel()
	server := redistest.Redis.Shared(t)
	shards := []*shardTest{newShardTest(t, server), newShardTest(t, server)}
	for _, s := range shards {
		s.beat()
	}
	r, plain, other, ran := randomly(t), 0, 0, 0
	var runs []backend.Run
	for n := range 300 {
		jobs := make([]backend.NewJob, r.IntN(7))
		for i := range jobs {
			jobs[i] = backend.NewJob{Task: []string{"x", "y"}[r.IntN(2)], Queue: []string{"", "a"}[r.IntN(2)], Priority: int8(r.IntN(3)), Params: []byte(strings.Repeat("x", bigData*(r.IntN(32)/31)))}
			switch r.IntN(100) {
			case 0:
				jobs[i].Unique = fmt.Sprint(n)
			case 1:
				jobs[i].Delay = 3 * time.Second
			case 2:
				jobs[i].Task = "unknown"
			}
		}
		prepared, err := prepareJobs(jobs)
		if err != nil {
			t.Fatal(err)
		}
		limit, step, stale := r.IntN(12), int64(r.IntN(500_000)), r.IntN(40) == 0
		args := []string{strconv.Itoa(min(len(runs), limit))}
		for _, run := range runs[:min(len(runs), limit)] {
			o := backend.Outcome{Run: run, State: backend.Completed}
			if stale {
				o.Fence--
			}
			args = shards[0].appendOutcome(args, &o)
		}
		runs = runs[min(len(runs), limit):]
		args = append(args, takeArgs(testInc, backend.FetchRequest{Node: "node", Queues: []string{"a", ""}, Tasks: []string{"x", "y"}, Max: 1 + r.IntN(9)})...)
		var replies []string
		for i, s := range shards {
			s.now += step
			if len(jobs) > 0 {
				s.run(enqueueScript, append([]string{testInc, strconv.Itoa(n + 2), "100000"}, prepared.records...)...)
			}
			if n%30 == 29 { // the jobs of unknown tasks
				s.do("DEL", "aside")
			}
			var before string
			var words []string
			if i == 0 {
				if n%4 == 3 {
					before = s.everything()
				}
				words = s.words(plainTurnScript, args...)
			}
			switch {
			case i == 1:
				words = s.words(turnScript, args...)
			case words[0] != "other":
				plain, ran = plain+1, ran+min(1, len(words)/4)
			case before != "" && s.everything() != before:
				t.Fatal("a turn that is not ordinary has an effect")
			default:
				other++
				words = s.words(turnScript, args...)
			}
			replies = append(replies, fmt.Sprintf("%q", words))
			for k := 3; i == 0 && k < len(words); k += 3 {
				id, _ := strconv.ParseUint(words[k], 10, 64)
				runs = append(runs, backend.Run{ID: id, Fence: fenceOf(words[k+1])})
			}
		}
		if replies[0] != replies[1] {
			t.Fatalf("the turn %q has the replies %.300q", args, replies)
		}
		if n%8 > 0 {
			continue
		}
		if a, b := shards[0].everything(), shards[1].everything(); a != b {
			t.Fatalf("the turn %q leaves\n%.2000s\nor\n%.2000s", args, a, b)
		}
	}
	if ran < 20 || other < 20 {
		t.Errorf("of %d ordinary turns, %d started runs; %d others", plain, ran, other)
	}
}

// wakes returns the wakes of a shard whose scripts append them to a list.
func (s *shardTest) wakes() []string {
	s.Helper()
	m, err := s.core.do(s.Context(), once, func(b rueidis.Builder) rueidis.Completed {
		return b.Lrange().Key(s.keys[len(s.keys)-1] + ":wakes").Start(0).Stop(-1).Build()
	})
	if err != nil {
		s.Fatal(err)
	}
	wakes, err := m.AsStrSlice()
	if err != nil {
		s.Fatal(err)
	}
	return wakes
}

// everything returns what a shard has in its keys, and its wakes in the order of their texts.
func (s *shardTest) everything() string {
	s.Helper()
	var all strings.Builder
	for _, part := range queueParts {
		kind := s.do("TYPE", part)
		switch text, _ := kind.ToString(); text {
		case "hash":
			fmt.Fprintf(&all, "%s %q\n", part, s.hash(part))
		case "zset":
			fmt.Fprintf(&all, "%s %v\n", part, s.set(part))
		}
	}
	wakes := s.wakes()
	slices.Sort(wakes)
	fmt.Fprintf(&all, "wakes %q\n", wakes)
	return all.String()
}

// TestAScriptOfTheQueueHasWhatItUses finds names that a script uses and does not define, and definitions without a use.
func TestAScriptOfTheQueueHasWhatItUses(t *testing.T) {
	t.Parallel()
	defined := map[string]bool{}
	for _, units := range luaParts {
		for _, unit := range units {
			for _, name := range unit.defines {
				defined[name] = true
			}
		}
	}
	for name, sc := range map[string]*script{
		"enqueue": enqueueScript, "plain": plainScript, "tick": tickScript, "setLast": setLastScript, "mine": mineScript,
		"finish": finishScript, "drain": drainScript, "pulse": pulseScript, "settle": settleScript, "retry": retryScript, "cancel": cancelScript,
		"remove": removeScript, "sweep": sweepScript, "check": checkScript, "hello": helloScript, "leave": leaveScript, "read": readScript,
		"list": listScript, "clear": clearScript, "turn": turnScript, "plainTurn": plainTurnScript,
	} {
		has, uses := map[string]bool{}, map[string]int{}
		for line := range strings.Lines(sc.source) {
			if names, ok := strings.CutPrefix(line, "local "); ok {
				for _, n := range definedNames(names) {
					has[n] = true
				}
			}
		}
		for _, word := range luaWords(sc.source) {
			uses[word]++
		}
		for _, word := range slices.Sorted(maps.Keys(uses)) {
			if defined[word] && !has[word] && strings.Contains(sc.source, word+"(") {
				t.Errorf("the script %s uses %s, and does not define it", name, word)
			}
		}
		for _, function := range regexp.MustCompile(`(?m)^local function (\w+)`).FindAllStringSubmatch(sc.source, -1) {
			if uses[function[1]] < 2 {
				t.Errorf("the script %s defines %s, and does not use it", name, function[1])
			}
		}
	}
}
