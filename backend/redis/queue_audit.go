package redis

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

var (
	sweepScript = newQueueScript(repeatable, "mend", "sweep")
	checkScript = newQueueScript(repeatable, "mend", "audit", "check")
)

// auditPause is the pause between two steps of an urgent audit, each of at most 512 jobs. So the audit of a million jobs
// takes about half a minute, and the server has most of its time for others.
const auditPause = 4 * time.Millisecond

// auditor audits the queue without the pauses of Pulse, after something was found that the audit must look into.
type auditor struct {
	busy atomic.Bool
	bad  atomic.Int64 // the number of records that were set aside, as last logged

	foreign atomic.Int64 // the minute in which a key of another type was last logged
}

// auditSoon begins an urgent audit, unless one is under way on this node.
func (q *shard) auditSoon() {
	if q.audits.busy.CompareAndSwap(false, true) && !q.core.spawn(q.audit) {
		q.audits.busy.Store(false)
	}
}

// audit makes steps until none is urgent. If the server does not answer, the next Pulse begins again.
func (q *shard) audit(ctx context.Context, _ *session) {
	defer q.audits.busy.Store(false)
	tick := time.NewTicker(auditPause)
	defer tick.Stop()
	for {
		urgent, bad, err := q.auditStep(ctx)
		if err != nil || !urgent {
			return
		}
		q.reportBad(bad)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// auditStep makes one step. It returns whether more steps are urgent, and the number of records that were set aside.
func (q *shard) auditStep(ctx context.Context) (urgent bool, bad int64, err error) {
	m, err := q.run(ctx, checkScript)
	if err != nil {
		return false, 0, err
	}
	n, err := m.AsIntSlice()
	if err != nil || len(n) != 3 {
		return false, 0, errReply
	}
	return n[0] == 1, n[2], nil
}

// reportBad logs that records were set aside, once for each new number of them.
func (q *shard) reportBad(n int64) {
	if before := q.audits.bad.Swap(n); n > before {
		q.core.config.Log.Error("records of tasks cannot be read, because they are damaged or a newer version of the server wrote them: list them with `actionhero tasks list --state dead`, start that version again or delete them",
			slog.Int64("records", n), slog.String("key", q.keys[partBad]))
	}
}

// sweepArgs returns the settings of the retention.
func (q *shard) sweepArgs() []string {
	return []string{strconv.FormatInt(q.config.KeepCompleted.Milliseconds(), 10), strconv.FormatInt(q.config.KeepFailed.Milliseconds(), 10), strconv.Itoa(q.config.KeepMost)}
}

// madeRoom removes the oldest jobs that have ended, if err says that the memory of the server is full. It returns true if
// there may be room now.
func (q *shard) madeRoom(ctx context.Context, err error) bool {
	if !errors.Is(err, backend.ErrFull) {
		return false
	}
	n, err := asInt(q.run(ctx, sweepScript, "0", "0", "0"))
	return err == nil && n > 0
}
