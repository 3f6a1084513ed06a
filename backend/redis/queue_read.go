package redis

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/actionhero-go/actionhero/backend"
)

var (
	readScript = newQueueScript(repeatable, "read")
	listScript = newQueueScript(repeatable, "list")
)

func errNoJob(id uint64) error {
	return fmt.Errorf("there is no job %d: it was never enqueued, was deleted, or finished longer ago than tasks.keepCompleted or tasks.keepFailed: %w", id, backend.ErrNotFound)
}

// setAsideJob stands for a job whose record cannot be read, so that Get and List show it.
func setAsideJob(id uint64) backend.Job {
	return backend.Job{ID: id, State: backend.Dead, RunAt: time.UnixMilli(0), Error: errRecord.Error()}
}

// showJob returns the job of two records. If the data cannot be read, the error of the job says so.
func showJob(id uint64, record, data string) backend.Job {
	j, err := decodeJob(id, record, data)
	switch {
	case err != nil && j.ID == 0:
		return setAsideJob(id)
	case err != nil:
		j.Error = errRecord.Error()
	}
	return j
}

func (q *shard) Get(ctx context.Context, id uint64) (backend.Job, error) {
	reply, err := q.words(ctx, readScript, q.number(id))
	if err != nil {
		return backend.Job{}, err
	}
	switch {
	case reply[0] == "ok" && len(reply) == 3:
		return showJob(id, reply[1], reply[2]), nil
	case reply[0] == "bad":
		return setAsideJob(id), nil
	}
	return backend.Job{}, errNoJob(id)
}

// The limits of one call of List: the default number of jobs, and the size of the parameters in bytes after which List
// ends early.
const (
	defaultListLimit = 100
	maxListBytes     = 16 << 20
)

// list asks the server for at most 1,024 jobs at a time. Once the parameters of the found jobs have maxListBytes bytes
// together, list returns fewer jobs than the filter allows. It returns whether there may be more jobs.
func (q *shard) list(ctx context.Context, f backend.JobFilter) (jobs []backend.Job, more bool, err error) {
	args, possible := q.filterArgs(f)
	if !possible {
		return nil, false, nil
	}
	for size := 0; size < maxListBytes && len(jobs) < f.Limit; {
		args[2] = strconv.Itoa(f.Limit - len(jobs))
		reply, err := q.words(ctx, listScript, args...)
		if err != nil {
			return nil, false, err
		}
		for found := range slices.Chunk(reply[1:], 4) {
			id, err := q.parseID(found[0])
			if err != nil || len(found) < 4 {
				return nil, false, fmt.Errorf("a script: %w", errReply)
			}
			j := setAsideJob(id)
			if found[1] == "ok" {
				j = showJob(id, found[2], found[3])
			}
			jobs = append(jobs, j)
			size += len(j.Params)
		}
		if reply[0] == "" {
			return jobs, false, nil
		}
		args[0] = reply[0]
	}
	return jobs, true, nil
}

// filterArgs returns the arguments of the script list, or false if no job of the shard can match.
func (q *shard) filterArgs(f backend.JobFilter) (args []string, possible bool) {
	newest, after := "0", f.After/q.of
	switch over := f.After%q.of > q.index; {
	case f.Newest:
		newest = "1"
		if over {
			after++
		}
		if f.After > 0 && after == 0 {
			return nil, false // 0 would be the beginning
		}
	case f.After%q.of < q.index:
		after = max(after, 1) - 1
	}
	var states strings.Builder
	for s := backend.Scheduled; s <= backend.Dead; s++ {
		if len(f.States) == 0 || slices.Contains(f.States, s) {
			states.WriteByte('0' + byte(s))
		}
	}
	return []string{strconv.FormatUint(after, 10), newest, "", states.String(), f.Queue, f.Task}, true
}

// addStats reads the counts, one for each queue, task and state.
func (q *shard) addStats(ctx context.Context, stats *backend.QueueStats) error {
	m, err := q.read(ctx, partCounts, func(b rueidis.Builder, key string) rueidis.Completed { return b.Hgetall().Key(key).Build() })
	if err != nil {
		return err
	}
	counts, err := m.AsIntMap()
	if err != nil {
		return err
	}
	for field, n := range counts {
		state, queue, task, ok := parseCount(field)
		if !ok || n <= 0 {
			continue
		}
		*stats.Total.Of(state) += int(n)
		addCount(stats.Queues, queue, state, int(n))
		addCount(stats.Tasks, task, state, int(n))
	}
	return nil
}

func addCount(to map[string]backend.Counts, name string, state backend.State, n int) {
	c := to[name]
	*c.Of(state) += n
	to[name] = c
}

// parseCount splits a field of n. It returns false for the fields of the audit.
func parseCount(field string) (state backend.State, queue, task string, ok bool) {
	if len(field) < 5 {
		return 0, "", "", false
	}
	length, err := strconv.ParseUint(field[1:5], 16, 16)
	state = backend.State(field[0] - '0')
	if err != nil || state < backend.Scheduled || state > backend.Dead || len(field) < 5+int(length) {
		return 0, "", "", false
	}
	return state, field[5 : 5+length], field[5+length:], true
}

// The places of keys in queueParts that are read without a script.
var (
	partSelf   = slices.Index(queueParts[:], "m")
	partHold   = slices.Index(queueParts[:], "hold")
	partCounts = slices.Index(queueParts[:], "n")
	partFin    = slices.Index(queueParts[:], "fin")
	partTicks  = slices.Index(queueParts[:], "ticks")
	partBad    = slices.Index(queueParts[:], "bad")
)

// read sends a command that reads a key of the queue.
func (q *shard) read(ctx context.Context, part int, build func(b rueidis.Builder, key string) rueidis.Completed) (rueidis.RedisMessage, error) {
	if _, err := q.current(); err != nil {
		return rueidis.RedisMessage{}, err
	}
	m, err := q.core.do(ctx, repeatable, func(b rueidis.Builder) rueidis.Completed { return build(b, q.keys[part]) })
	return m, q.explain(ctx, err)
}

// words runs a script whose reply is a list of texts.
func (q *shard) words(ctx context.Context, sc *script, args ...string) ([]string, error) {
	if _, err := q.current(); err != nil {
		return nil, err
	}
	return asWords(q.run(ctx, sc, args...))
}

// queueTypes are the types of the keys in queueParts: "h" for a hash, "z" for a sorted set.
const queueTypes = "hhhzzzzzzzzzhhhhzzh"

// explain names the key of another type, if a command has failed because of one. It also logs that, once a minute.
func (q *shard) explain(ctx context.Context, err error) error {
	if err == nil || !isWrongType(err) {
		return err
	}
	for i, key := range q.keys {
		m, typeErr := q.core.do(ctx, repeatable, func(b rueidis.Builder) rueidis.Completed { return b.Type().Key(key).Build() })
		if typeErr != nil {
			return err
		}
		if kind, _ := m.ToString(); kind != "none" && kind[0] != queueTypes[i] {
			err = fmt.Errorf("under the key %s is a %s that another program has stored, so tasks cannot be used: rename that key, and give that program another prefix: %w", key, kind, err)
			if minute := time.Now().Unix() / 60; q.audits.foreign.Swap(minute) != minute {
				q.core.config.Log.Error("a key of the queue of tasks cannot be used", slog.Any("error", err))
			}
			return err
		}
	}
	return err
}
