package redis

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/rueidis"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/internal/jobrules"
)

var (
	tickScript    = newQueueScript(repeatable, "clock", "add", "ticks", "tick")
	setLastScript = newQueueScript(repeatable, "ticks", "setlast")
)

// EnqueueScheduled adds the jobs and sets the last run in one script, so it takes at most 512 jobs with 1 MiB, or one larger
// job. If an answer is lost, it asks again, and then returns false for the jobs that it has added itself.
func (q *queue) EnqueueScheduled(ctx context.Context, schedule string, at time.Time, jobs ...backend.NewJob) (bool, error) {
	if err := jobrules.CheckName("schedule", schedule); err != nil {
		return false, err
	}
	jobs = slices.Clone(jobs)
	for i := range jobs {
		if jobs[i].RunAt.IsZero() && jobs[i].Delay == 0 {
			jobs[i].RunAt = at
		}
	}
	prepared, err := prepareJobs(jobs)
	if err != nil {
		return false, err
	}
	size := 0
	for _, record := range prepared.records {
		size += len(record)
	}
	if len(jobs) > maxItems || len(jobs) > 1 && size > maxBytes {
		return false, fmt.Errorf("a schedule has %d jobs with %d bytes at once, %d with %d bytes are allowed: %w", len(jobs), size, maxItems, maxBytes, backend.ErrTooLarge)
	}
	args := append([]string{schedule, millisOf(at), strconv.Itoa(q.config.MaxJobs)}, prepared.records...)
	reply, err := q.words(ctx, tickScript, args...)
	for q.madeRoom(ctx, err) || err == nil && reply[0] == "settling" && q.met(ctx) {
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
	}
	if reply[0] != "won" {
		return false, nil
	}
	return true, q.rememberTick(schedule, millisOf(at), prepared.records, reply[1:])
}

// rememberTick remembers the jobs of a tick. The argument ids has "" for each job that was not added.
func (q *queue) rememberTick(schedule, ran string, records, ids []string) error {
	p := &enqueuePart{records: records, results: make([]backend.Enqueued, len(ids))}
	if len(records) != 2*len(ids) {
		return errReply
	}
	for i, text := range ids {
		if p.results[i].Existing = text == ""; text == "" {
			continue
		}
		id, err := strconv.ParseUint(text, 10, 64)
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

// met sends a pulse, so that the shard notices that the server is another one, and waits a little for it to settle. It returns
// whether the server answers.
func (q *queue) met(ctx context.Context) bool {
	inc, err := q.current()
	if err != nil || q.beat(ctx, inc, false) != nil {
		return false
	}
	pause(ctx, settlePoll)
	return ctx.Err() == nil
}

func millisOf(at time.Time) string { return strconv.FormatInt(at.UnixMilli(), 10) }

// SetLastRun changes the last run of a schedule, unless it is another one than the argument before. If an answer is lost, it
// asks again, and then returns false for its own change.
func (q *queue) SetLastRun(ctx context.Context, schedule string, before, at time.Time) (bool, error) {
	if err := jobrules.CheckName("schedule", schedule); err != nil {
		return false, err
	}
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

// LastRuns reads the last runs of all schedules, which are at most 10,000.
func (q *queue) LastRuns(ctx context.Context) (map[string]time.Time, error) {
	m, err := q.read(ctx, partTicks, func(b rueidis.Builder, key string) rueidis.Completed {
		return b.Zrange().Key(key).Min("0").Max("-1").Withscores().Build()
	})
	if err != nil {
		return nil, err
	}
	scores, err := m.AsZScores()
	if err != nil {
		return nil, err
	}
	last := make(map[string]time.Time, len(scores))
	for _, s := range scores {
		last[s.Member] = time.UnixMilli(int64(s.Score))
	}
	return last, nil
}
