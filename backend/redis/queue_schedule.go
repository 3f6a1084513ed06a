package redis

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/rueidis"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/internal/rules"
)

var (
	tickScript    = newConfirmedScript(repeatable, "clock", "add", "ticks", "tick")
	setLastScript = newConfirmedScript(repeatable, "ticks", "setlast")
)

// EnqueueScheduled adds the jobs and sets the last run in one script, so it takes at most 512 jobs with 1 MiB, or one larger
// job. If an answer is lost, it asks again, and then returns false for the jobs that it has added itself.
//
// Jobs whose unique keys belong to other shards are added there first, by a script that sets the last run in that shard, too.
// So each of them is added once, though another node may have to go on after this one has died.
func (q *queue) EnqueueScheduled(ctx context.Context, schedule string, at time.Time, jobs ...backend.NewJob) (bool, error) {
	if err := rules.CheckName("schedule", schedule); err != nil {
		return false, err
	}
	home := q.home(schedule)
	groups := map[*shard][]backend.NewJob{}
	for _, j := range jobs {
		if j.RunAt.IsZero() && j.Delay == 0 {
			j.RunAt = at
		}
		s := home
		if j.Unique != "" {
			s = q.home(j.Unique)
		}
		groups[s] = append(groups[s], j)
	}
	for _, s := range sortedShards(groups) {
		if s != home {
			if _, err := s.tick(ctx, schedule, at, groups[s]); err != nil {
				return false, err
			}
		}
	}
	return home.tick(ctx, schedule, at, groups[home])
}

// tick adds the jobs and sets the last run in this shard.
func (q *shard) tick(ctx context.Context, schedule string, at time.Time, jobs []backend.NewJob) (bool, error) {
	prepared, err := prepareJobs(jobs)
	if err != nil {
		return false, err
	}
	p := &enqueuePart{records: prepared.records}
	for _, record := range prepared.records {
		p.bytes += len(record)
	}
	if len(jobs) > maxItems || len(jobs) > 1 && p.bytes > maxBytes {
		return false, fmt.Errorf("a schedule has %d jobs with %d bytes at once, %d with %d bytes are allowed: %w", len(jobs), p.bytes, maxItems, maxBytes, backend.ErrTooLarge)
	}
	args := append([]string{schedule, millisOf(at), strconv.Itoa(q.config.MaxJobs)}, prepared.records...)
	reply, err := q.words(ctx, tickScript, args...)
	for began := time.Now(); q.madeRoom(ctx, err) || err == nil && reply[0] == "settling" && q.met(ctx, began); {
		reply, err = q.words(ctx, tickScript, args...)
	}
	if err != nil {
		return false, err
	}
	switch reply[0] {
	case "early":
		return false, fmt.Errorf("the time of the schedule %.64q comes in %s ms by the clock of the server: %w", schedule, reply[1], backend.ErrEarly)
	case "full":
		return false, q.errFull(reply[1])
	case "settling":
		return false, fmt.Errorf("the server is another one, and the nodes have not sent yet what it may lack: %w", errRefused)
	case "won":
		for i := range jobs {
			q.hint(jobs[i].Queue)
		}
		return true, q.rememberTick(schedule, millisOf(at), p.records, reply[1:])
	}
	return false, nil
}

// rememberTick remembers the jobs of a tick. The argument ids has "" for each job that was not added.
func (q *shard) rememberTick(schedule, ran string, records, ids []string) error {
	p := &enqueuePart{records: records, results: make([]backend.Enqueued, len(ids))}
	if len(records) != 2*len(ids) {
		return errReply
	}
	for i, text := range ids {
		if p.results[i].Existing = text == ""; text == "" {
			continue
		}
		id, err := q.parseID(text)
		if err != nil {
			return errReply
		}
		p.results[i].ID = id
		q.saw(id)
	}
	for _, record := range records {
		p.bytes += len(record)
	}
	q.memory.addTick(schedule, ran, p)
	return nil
}

// settleLimit is the time for which a call waits for a shard to settle. The script settles for at most 4 s.
const settleLimit = 5 * time.Second

// met sends a pulse, so that the shard notices that the server is another one, and settles. It returns whether the caller
// should try again.
func (q *shard) met(ctx context.Context, began time.Time) bool {
	if time.Since(began) > settleLimit || q.beatNow(ctx) != nil {
		return false
	}
	pause(ctx, settlePoll/4)
	return ctx.Err() == nil
}

func millisOf(at time.Time) string { return strconv.FormatInt(at.UnixMilli(), 10) }

// SetLastRun changes the last run of a schedule, unless it is another one than the argument before. If an answer is lost, it
// asks again, and then returns false for its own change. The other shards must not hold on to a later time.
func (q *queue) SetLastRun(ctx context.Context, schedule string, before, at time.Time) (bool, error) {
	if err := rules.CheckName("schedule", schedule); err != nil {
		return false, err
	}
	home := q.home(schedule)
	for _, s := range q.shards {
		if s == home || !at.Before(before) {
			continue
		}
		if _, err := s.read(ctx, partTicks, func(b rueidis.Builder, key string) rueidis.Completed {
			return b.Arbitrary("ZADD").Keys(key).Args("XX", "LT", millisOf(at), schedule).Build()
		}); err != nil {
			return false, err
		}
	}
	return home.setLastRun(ctx, schedule, before, at)
}

func (q *shard) setLastRun(ctx context.Context, schedule string, before, at time.Time) (bool, error) {
	if _, err := q.current(); err != nil {
		return false, err
	}
	known := ""
	if !before.IsZero() {
		known = millisOf(before)
	}
	n, err := asInt(q.run(ctx, setLastScript, schedule, known, millisOf(at)))
	return n == 1, err
}

// LastRuns reads the last runs of all schedules, which are at most 10,000 for each shard.
func (q *queue) LastRuns(ctx context.Context) (map[string]time.Time, error) {
	last := map[string]time.Time{}
	for _, s := range q.shards {
		scores, err := s.lastRuns(ctx)
		if err != nil {
			return nil, err
		}
		for _, score := range scores {
			if q.home(score.Member) == s {
				last[score.Member] = time.UnixMilli(int64(score.Score))
			}
		}
	}
	return last, nil
}

func (q *shard) lastRuns(ctx context.Context) ([]rueidis.ZScore, error) {
	m, err := q.core.do(ctx, repeatable, func(b rueidis.Builder) rueidis.Completed {
		return b.Zrange().Key(q.keys[partTicks]).Min("0").Max("-1").Withscores().Build()
	})
	if err != nil {
		return nil, q.explain(ctx, err)
	}
	return m.AsZScores()
}
