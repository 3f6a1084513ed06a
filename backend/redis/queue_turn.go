package redis

import (
	"cmp"
	"context"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/actionhero-go/actionhero/backend"
)

// A turn is one command that ends runs and starts others. The outcomes of runs wait while a Fetch is under way. The next Fetch
// takes them along; if there is none, they go alone. So a worker whose runs are short sends half as many commands.

// The scripts of a turn are sent once, because of its second half. The outcomes of a turn without an answer are sent again by
// the script finish.
var (
	turnScript      = newQueueScript(once, "clock", "due", "outcome", "take", "turn")
	plainTurnScript = newQueueScript(once, "clock", "turnplain")
)

// plainPause is the number of turns for which the script turnplain is not tried after it was in vain.
const plainPause = 16

// turn runs a script that starts runs, and returns its answer. If outcomes wait, the script stores them before.
func (q *shard) turn(ctx context.Context, take []string) ([]string, error) {
	q.takes.begin()
	defer q.takes.end()
	var batch []*finishPart
	if q.core.config.WaitReplicas == 0 { // else outcomes wait for replicas, and a Fetch does not
		batch = q.finishes.take()
	}
	outcomes := outcomesOf(batch)
	args := append(make([]string, 0, 1+5*len(outcomes)+len(take)), strconv.Itoa(len(outcomes)))
	for i := range outcomes {
		args = q.appendOutcome(args, &outcomes[i])
	}
	words, err := q.runTurn(ctx, outcomes, append(args, take...))
	if err == nil && (len(words) < 2 || len(words[0]) != len(outcomes)) {
		q.runs.doubt()
		err = errReply
	}
	if err != nil {
		q.finishLater(batch, err)
		return nil, err
	}
	if strings.ContainsAny(words[0], "ln") {
		q.finishLater(batch, nil)
		return words[1:], nil
	}
	q.ended(outcomes)
	for _, p := range batch {
		p.end(nil)
	}
	return words[1:], nil
}

// runTurn runs the script turnplain if it is likely to do, else or if it refuses the script turn.
func (q *shard) runTurn(ctx context.Context, outcomes []backend.Outcome, args []string) ([]string, error) {
	if q.plainPause.Load() > 0 {
		q.plainPause.Add(-1)
	} else if arePlain(outcomes) {
		words, err := asWords(q.run(ctx, plainTurnScript, args...))
		if err != nil || words[0] != "other" {
			return words, err
		}
		q.plainPause.Store(plainPause)
	}
	return asWords(q.run(ctx, turnScript, args...))
}

// arePlain reports whether the script turnplain takes the outcomes.
func arePlain(outcomes []backend.Outcome) bool {
	for i := range outcomes {
		if outcomes[i].State != backend.Completed || outcomes[i].Error != "" {
			return false
		}
	}
	return true
}

// finishLater sends the outcomes of a turn again, which failed with err or found some runs lost.
func (q *shard) finishLater(batch []*finishPart, err error) {
	if len(batch) == 0 || q.core.spawn(func(ctx context.Context, _ *session) { q.sendFinishes(ctx, batch) }) {
		return
	}
	for _, p := range batch {
		p.end(cmp.Or(err, backend.ErrClosed))
	}
}

// takesUnderWay counts the Takes that have no answer yet.
type takesUnderWay struct {
	n     atomic.Int32
	ended chan struct{} // buffers one value
}

func (t *takesUnderWay) init() { t.ended = make(chan struct{}, 1) }

func (t *takesUnderWay) begin() { t.n.Add(1) }

func (t *takesUnderWay) end() {
	t.n.Add(-1)
	select {
	case t.ended <- struct{}{}:
	default:
	}
}

// wait waits until no Take is under way. A Take that begins meanwhile takes the waiting outcomes along.
func (t *takesUnderWay) wait(ctx context.Context) {
	for t.n.Load() > 0 {
		select {
		case <-t.ended:
			runtime.Gosched() // the worker starts the runs,
			runtime.Gosched() // and fetches again if it has free slots
		case <-ctx.Done():
			return
		}
	}
}
