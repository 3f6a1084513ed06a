package redis

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/redis/rueidis"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/internal/jobrules"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/internal/setting"
)

// queue is the job queue: queue_keys.go and queue_record.go describe what is stored, the scripts lua/queue_*.lua change
// it.
//
// An inc is the owner of runs: a random number that the queue draws when it opens, and anew when the lease of the last one
// has ended. Pulse keeps the lease. So the server recognizes a late command of an earlier inc.
type queue struct {
	core   *core
	config local.QueueConfig
	keys   []string

	listeners jobrules.StopListeners
	watchers  queueWatchers
	enqueues  gatherer[*enqueuePart]
	finishes  gatherer[*finishPart]
	runs      heldRuns
	memory    queueMemory
	pulse     pulser
	audits    auditor

	batches uint64 // the number of the last batch of Enqueue; only sendBatch uses it

	incs gate       // closed while an inc is drawn or ends
	mu   sync.Mutex // guards the fields below
	inc  string     // "" while the queue is closed
	seen uint64     // the highest id that this node has seen
}

func newQueue(c *core) *queue {
	config := c.config.Queue
	config.KeepCompleted, config.KeepFailed = max(config.KeepCompleted, 0), max(config.KeepFailed, 0)
	q := &queue{core: c, config: config, keys: c.queueKeys(0), watchers: queueWatchers{}}
	q.enqueues.init(c, q.sendEnqueues)
	q.finishes.init(c, q.sendFinishes)
	q.runs.init()
	q.pulse.init()
	return q
}

// open begins an inc and starts the goroutines of the queue.
func (q *queue) open(ctx context.Context) error {
	if err := setting.Check("tasks", &q.config); err != nil {
		return err
	}
	if err := q.begin(ctx); err != nil {
		return err
	}
	q.core.spawn(q.keepPulse)
	q.core.spawn(q.listen)
	return nil
}

// close ends the inc with its runs. If the server is not reached, the runs end with the lease.
func (q *queue) close(ctx context.Context) {
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
func (q *queue) begin(ctx context.Context) error {
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
func (q *queue) current() (string, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.inc == "" {
		return "", backend.ErrClosed
	}
	return q.inc, nil
}

// lost ends an inc whose lease has ended on the server, with all its runs, and begins another one.
func (q *queue) lost(ctx context.Context, inc string) error {
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

// saw stores the highest id that this node has seen.
func (q *queue) saw(id uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.seen = max(q.seen, id)
}

// run executes a script of the queue.
func (q *queue) run(ctx context.Context, sc *script, args ...string) (rueidis.RedisMessage, error) {
	s, err := q.core.current()
	if err != nil {
		return rueidis.RedisMessage{}, err
	}
	bound := *sc
	if sc != helloScript {
		bound.hello = q.hello
	}
	all := make([]string, 0, len(args)+3)
	all = append(append(append(all, s.publishCommand(), q.core.wakeChannel(s, 0)), args...), "")
	m, err := q.core.run(ctx, &bound, q.keys, all...)
	return m, q.explain(ctx, err)
}

var helloScript = newQueueScript(repeatable, "clock", "hello")

// hello runs before a script is loaded into a process. If the process is another server, which may lack some writes, the
// shard settles before anything else happens.
func (q *queue) hello(ctx context.Context) error {
	_, err := q.run(ctx, helloScript)
	return err
}

var leaveScript = newQueueScript(repeatable, "clock", "crash", "leave")

// OnStop adds a callback, which goroutines of the queue call.
func (q *queue) OnStop(f func(run backend.Run, why backend.StopReason)) (stop func()) {
	return q.listeners.Add(f)
}
