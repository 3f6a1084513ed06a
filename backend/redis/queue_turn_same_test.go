//go:build unix

package redis

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/testkit/redistest"
)

// compareTurns runs both scripts of a turn from the same state, at the same time, and returns how they differ.
const compareTurns = `
local function plain() %s end
local function whole() %s end
local function content()
  local all = {}
  for i, key in ipairs(KEYS) do
    local kind, lines = redis.call('TYPE', key).ok, {}
    if kind == 'hash' then
      local list = redis.call('HGETALL', key)
      for k = 1, #list, 2 do
        lines[#lines + 1] = list[k] .. '=' .. list[k + 1]
      end
    elseif kind == 'zset' then
      local list = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
      for k = 1, #list, 2 do
        lines[#lines + 1] = list[k] .. '=' .. list[k + 1]
      end
    end
    table.sort(lines)
    all[i] = table.concat(lines, '\n')
  end
  return all
end
local function differ(a, b, what)
  for i = 1, math.max(#a, #b) do
    if a[i] ~= b[i] then
      return what .. ' ' .. i .. ' differs:\n' .. tostring(a[i]) .. '\nand\n' .. tostring(b[i])
    end
  end
end
local saved, before = {}, content()
for i, key in ipairs(KEYS) do
  saved[i] = redis.call('DUMP', key) or ''
end
local first = plain()
local between = content()
for i, key in ipairs(KEYS) do
  redis.call('DEL', key)
  if saved[i] ~= '' then
    redis.call('RESTORE', key, 0, saved[i])
  end
end
local second = whole()
if first[1] == 'other' then
  return differ(before, between, 'other, but key') or 'other'
end
return differ(first, second, 'reply') or differ(between, content(), 'key') or 'plain'
`

// TestThePlainTurnDoesWhatTheWholeOneDoes compares the two scripts of a turn, with random jobs, outcomes and fetches: they answer
// the same and leave the same keys, or the plain one leaves all to the other.
func TestThePlainTurnDoesWhatTheWholeOneDoes(t *testing.T) {
	t.Parallel()
	const rounds = 100
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 0))
	q := openQueue(t, at(redistest.Redis.Shared(t)))
	s := q.q.shards[0]
	script := fmt.Sprintf(compareTurns, plainTurnScript.source, turnScript.source)
	var runs []backend.Run
	counts := map[string]int{}
	for range rounds {
		for range r.IntN(4) {
			j := backend.NewJob{Task: string(rune('a' + r.IntN(3))), Queue: []string{"", "other"}[r.IntN(2)], Priority: int8(r.IntN(3) - 1), Params: make([]byte, r.IntN(30))}
			switch r.IntN(12) {
			case 0:
				j.Unique = string(rune('u' + r.IntN(2)))
			case 1:
				j.Delay = time.Duration(r.IntN(20)) * time.Millisecond
			case 2:
				j.Params = make([]byte, bigData)
			}
			q.enqueue(j)
		}
		if r.IntN(2) == 0 {
			for _, j := range q.fetch(1 + r.IntN(3)) {
				runs = append(runs, j.Run())
			}
		}
		inc, err := s.current()
		if err != nil {
			t.Fatal(err)
		}
		var outcomes []backend.Outcome
		for len(runs) > 0 && r.IntN(3) > 0 {
			o := backend.Outcome{Run: runs[0], State: backend.Completed}
			if r.IntN(15) == 0 {
				o.Fence++
			}
			if outcomes = append(outcomes, o); r.IntN(40) > 0 {
				runs = runs[1:] // else it ends twice
			}
		}
		req := backend.FetchRequest{Node: "node", Queues: []string{"default", "other"}, Max: r.IntN(5)}
		if r.IntN(10) == 0 {
			req.Tasks = []string{"a", "b"}
		}
		args := []string{"PUBLISH", "none", strconv.Itoa(len(outcomes))}
		for i := range outcomes {
			args = s.appendOutcome(args, &outcomes[i])
		}
		args = append(append(args, takeArgs(inc, req)...), strconv.FormatInt(time.Now().UnixMicro(), 10))
		m := q.eval(script, args...)
		result, err := m.ToString()
		if err != nil {
			t.Fatal(err)
		}
		if counts[result]++; result != "plain" && result != "other" {
			t.Fatalf("with the seed %d, after %v: %s", seed, counts, result)
		}
	}
	if counts["plain"] < rounds/10 || counts["other"] == 0 {
		t.Errorf("the script for plain turns was compared too rarely: %v", counts)
	}
}
