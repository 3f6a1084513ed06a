package redis

import (
	"context"
	"fmt"
	"strconv"

	"github.com/redis/rueidis"
)

var (
	renumberScript = newScript("queue_renumber", once)
	clearScript    = newQueueScript(repeatable, "clear")
)

// shardsKey has the number of shards that all nodes use.
func (c *core) shardsKey() string { return c.key(queueKind, shardPartition(0), "shards") }

// agree stores the number of shards, if none is stored. If another one is stored, agree changes it, which is possible
// while no job and no node is there.
func (q *queue) agree(ctx context.Context) error {
	c := q.all.core
	if _, err := c.do(ctx, repeatable, func(b rueidis.Builder) rueidis.Completed {
		return b.Set().Key(c.shardsKey()).Value(strconv.Itoa(len(q.shards))).Nx().Build()
	}); err != nil && !rueidis.IsRedisNil(err) {
		return err
	}
	stored, err := asInt(c.do(ctx, repeatable, func(b rueidis.Builder) rueidis.Completed { return b.Get().Key(c.shardsKey()).Build() }))
	switch {
	case err != nil:
		return fmt.Errorf("the number of shards under %s: %w", c.shardsKey(), err)
	case int(stored) == len(q.shards):
		return nil
	case stored < 1 || stored > maxShards:
		return fmt.Errorf("the key %s has the number of shards %d, which no version has stored: delete the key if no task is stored", c.shardsKey(), stored)
	}
	return q.renumber(ctx, int(stored))
}

func (q *queue) errShards(stored int) error {
	return fmt.Errorf("tasks.shards is %d, but the tasks under the prefix %q are stored with the number %d: set tasks.shards to %d on all nodes; to change the number, let all tasks end, delete dead ones, stop all nodes, and start them with the new number: %w",
		len(q.shards), q.all.core.config.Prefix, stored, stored, errFinal)
}

// renumber changes the number of shards. The last runs of schedules move to their new shards, and the ended jobs are
// forgotten. No id is used again.
func (q *queue) renumber(ctx context.Context, stored int) error {
	old := &queue{all: q.all}
	for i := range max(stored, len(q.shards)) {
		old.shards = append(old.shards, newShard(q.all, i, stored))
	}
	highest := uint64(0)
	for _, s := range old.shards[:stored] {
		seq, err := s.sequence(ctx)
		if err != nil {
			return err
		}
		highest = max(highest, seq*s.of+s.index)
	}
	for _, s := range old.shards {
		cleared, err := asInt(s.run(ctx, clearScript, strconv.FormatUint(highest/uint64(len(q.shards))+1, 10)))
		if err != nil {
			return err
		}
		if cleared == 0 {
			return q.errShards(stored)
		}
	}
	if err := q.moveLastRuns(ctx, &queue{all: q.all, shards: old.shards[:stored]}); err != nil {
		return err
	}
	if err := q.setNumber(ctx, stored, len(q.shards)); err != nil {
		return err
	}
	// A node with the former number has either taken a lease by now, or it reads the new number after that.
	for _, s := range old.shards[:stored] {
		leases, err := s.leases(ctx)
		if err != nil || leases > 0 {
			if err := q.setNumber(ctx, len(q.shards), stored); err != nil {
				return err
			}
			return q.errShards(stored)
		}
	}
	return nil
}

// setNumber changes the stored number, unless another node has done so.
func (q *queue) setNumber(ctx context.Context, from, to int) error {
	c := q.all.core
	done, err := asInt(c.run(ctx, renumberScript, []string{c.shardsKey()}, strconv.Itoa(from), strconv.Itoa(to)))
	if err == nil && done == 0 {
		err = fmt.Errorf("another node changes the number of shards at this moment: start this node again: %w", errFinal)
	}
	return err
}

// moveLastRuns copies the last runs of all schedules to their shards.
func (q *queue) moveLastRuns(ctx context.Context, from *queue) error {
	for _, s := range from.shards {
		scores, err := s.lastRuns(ctx)
		if err != nil {
			return err
		}
		for _, score := range scores {
			if from.home(score.Member) != s {
				continue
			}
			key := q.home(score.Member).keys[partTicks]
			if _, err := q.all.core.do(ctx, repeatable, func(b rueidis.Builder) rueidis.Completed {
				return b.Zadd().Key(key).ScoreMember().ScoreMember(score.Score, score.Member).Build()
			}); err != nil {
				return err
			}
		}
	}
	return nil
}

// sequence returns the highest number that was drawn for a job of the shard.
func (q *shard) sequence(ctx context.Context) (uint64, error) {
	m, err := q.core.do(ctx, repeatable, func(b rueidis.Builder) rueidis.Completed {
		return b.Hget().Key(q.keys[partSelf]).Field("seq").Build()
	})
	if rueidis.IsRedisNil(err) {
		return 0, nil
	}
	n, err := asInt(m, err)
	return uint64(n), err
}

// leases returns the number of incs that have a lease.
func (q *shard) leases(ctx context.Context) (int64, error) {
	return asInt(q.core.do(ctx, repeatable, func(b rueidis.Builder) rueidis.Completed { return b.Zcard().Key(q.keys[partHold]).Build() }))
}
