package redis

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/internal/rules"
	"github.com/actionhero-go/actionhero/backend/local"
)

// allShards is what the shards of a node have in common.
type allShards struct {
	core      *core
	config    local.QueueConfig // its limits are those of one shard
	listeners rules.StopListeners
	watchers  queueWatchers
	risky     riskyRun
}

// shard is one shard of the job queue: queue_keys.go and queue_record.go describe what is stored, the scripts
// lua/queue_*.lua change it. In its keys a job has a number of its own; the id of the job also has the number of the shard.
//
// An inc is the owner of runs: a random number that the shard draws when it opens, and anew when the lease of the last one
// has ended. Pulse keeps the lease. So the server recognizes a late command of an earlier inc.
type shard struct {
	*allShards
	index, of uint64 // the number of this shard, from 0, and of all shards
	keys      []string

	hints      dueHints
	enqueues   gatherer[*enqueuePart]
	finishes   gatherer[*finishPart]
	takes      takesUnderWay
	plainPause atomic.Int32
	runs       heldRuns
	memory     queueMemory
	pulse      pulser
	audits     auditor

	batches [2]uint64 // by lane, the number of the last batch of Enqueue: even on lane 0, odd on lane 1; only sendBatch uses it

	incs gate       // closed while an inc is drawn or ends
	mu   sync.Mutex // guards the fields below
	inc  string     // "" while the queue is closed
	seen uint64     // the highest number of a job that this node has seen
}

func newShard(all *allShards, index, of int) *shard {
	q := &shard{allShards: all, index: uint64(index), of: uint64(of), keys: all.core.queueKeys(index)}
	q.enqueues.init(q.core, q.sendEnqueues)
	q.enqueues.two = true
	q.finishes.init(q.core, func(ctx context.Context, _ int, batch []*finishPart) { q.sendFinishes(ctx, batch) })
	if q.takes.init(); q.core.config.WaitReplicas == 0 {
		q.finishes.hold = q.takes.wait
	}
	q.batches[1] = 1
	q.runs.init(&q.risky)
	q.pulse.init()
	return q
}

// open begins an inc and starts the goroutines of the shard.
func (q *shard) open(ctx context.Context) error {
	if err := q.begin(ctx); err != nil {
		return err
	}
	q.core.spawn(q.keepPulse)
	q.core.spawn(q.listen)
	return nil
}

// close ends the inc with its runs. If the server is not reached, the runs end with the lease.
func (q *shard) close(ctx context.Context) {
	_ = q.incs.close(context.WithoutCancel(ctx)) // another call holds it for the time limit of a command
	defer q.incs.open()
	q.mu.Lock()
	inc := q.inc
	q.inc = ""
	q.mu.Unlock()
	if inc == "" {
		return
	}
	q.runs.clear()
	q.memory.clear()
	for {
		more, err := asInt(q.run(ctx, leaveScript, inc))
		if err != nil {
			q.core.config.Log.Warn("the server was not reached to end the runs of this node, so its tasks start again only after 10 s", slog.Any("error", err))
		}
		if err != nil || more == 0 {
			return
		}
	}
}

// begin draws an inc and starts its lease.
func (q *shard) begin(ctx context.Context) error {
	inc := strconv.FormatInt(1+rand.Int64N(1<<52-1), 10)
	sent := time.Now()
	if err := q.beat(ctx, inc, true); err != nil {
		return err
	}
	if began := q.core.hooks.Inc; began != nil {
		began(inc, sent)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.inc = inc
	return nil
}

// current returns the inc, or [backend.ErrClosed].
func (q *shard) current() (string, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.inc == "" {
		return "", backend.ErrClosed
	}
	return q.inc, nil
}

// lost ends an inc whose lease has ended on the server, with all its runs, and begins another one.
func (q *shard) lost(ctx context.Context, inc string) error {
	if err := q.incs.close(ctx); err != nil {
		return err
	}
	defer q.incs.open()
	switch now, err := q.current(); {
	case err != nil:
		return err
	case now != inc:
		return nil // another caller was here before
	}
	q.core.config.Log.Warn("this node did not reach the server for too long, so its running tasks may start again elsewhere")
	if learned := q.core.hooks.Lost; learned != nil {
		learned(inc)
	}
	for _, run := range q.runs.clear() {
		q.listeners.Call(run, backend.RunLost)
	}
	return q.begin(ctx)
}

// saw notes that this node has seen the job.
func (q *shard) saw(id uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.seen = max(q.seen, id/q.of)
}

// parseID returns the id of the job whose number in the keys of the shard is text.
func (q *shard) parseID(text string) (uint64, error) {
	n, err := strconv.ParseUint(text, 10, 64)
	return n*q.of + q.index, err
}

// number returns the number in the keys of the shard of the job with an id of the shard.
func (q *shard) number(id uint64) string { return strconv.FormatUint(id/q.of, 10) }

// run executes a script of the queue.
func (q *shard) run(ctx context.Context, sc *script, args ...string) (rueidis.RedisMessage, error) {
	s, err := q.core.current()
	if err != nil {
		return rueidis.RedisMessage{}, err
	}
	bound := *sc
	if sc != helloScript {
		bound.hello = q.hello
	}
	all := make([]string, 0, len(args)+3)
	all = append(append(append(all, s.publishCommand(), q.core.wakeChannel(s, int(q.index))), args...), "")
	run := q.core.run
	if sc.confirmed && q.core.config.WaitReplicas > 0 {
		run = q.core.runConfirmed
	}
	m, err := run(ctx, &bound, q.keys, all...)
	return m, q.explain(ctx, err)
}

var helloScript = newQueueScript(repeatable, "clock", "hello")

// hello runs before a script is loaded into a process. If the process is another server, which may lack some writes, the
// shard settles before anything else happens.
func (q *shard) hello(ctx context.Context) error {
	_, err := q.run(ctx, helloScript)
	return err
}

var leaveScript = newQueueScript(repeatable, "clock", "crash", "leave")
