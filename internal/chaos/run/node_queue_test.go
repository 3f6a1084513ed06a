//go:build linux

package run

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/chaos/history"
)

// recordedBackend records the calls of a backend.
type recordedBackend struct {
	backend.Backend
	queue  *recordedQueue
	broker *recordedBroker
}

func newRecordedBackend(n *node, b backend.Backend) *recordedBackend {
	return &recordedBackend{b,
		&recordedQueue{Queue: b.Queue(), node: n},
		&recordedBroker{Broker: b.Broker(), node: n, rooms: map[string]*fold{}},
	}
}

func (b *recordedBackend) Queue() backend.Queue   { return b.queue }
func (b *recordedBackend) Broker() backend.Broker { return b.broker }

// recordedQueue numbers the jobs, and records what is done to them.
type recordedQueue struct {
	backend.Queue
	node    *node
	incs    sync.Map    // backend.Run → the incarnation that fetched it
	doubts  sync.Map    // backend.Run → struct{}: the answer to a Finish was lost
	numbers sync.Map    // id → number of the jobs that may be cancelled
	quiet   atomic.Bool // schedules enqueue nothing any more
}

// jobInput is the input of all tasks.
type jobInput struct {
	N    string `json:"n" default:"0"` // the number, as text: it may be above 2^53
	Fail int    `json:"fail"`          // the number of attempts that fail
	Ms   int    `json:"ms"`            // how long a run takes
}

// taskName returns the name under which the jobs of a task in a queue are recorded. A job that only one node may run is a
// task of its own to the checker.
func (n *node) taskName(task, queue string) string {
	if node, ok := strings.CutPrefix(queue, "node:"); ok {
		if node == "" {
			node = n.config.ID
		}
		return task + "@" + node
	}
	return task
}

// numbered returns a job with a number in its params.
func (q *recordedQueue) numbered(j backend.NewJob) (backend.NewJob, uint64) {
	number := q.node.rec.Number()
	var in jobInput
	if err := json.Unmarshal(j.Params, &in); err != nil {
		panic(err)
	}
	in.N = formatNumber(number)
	params, err := json.Marshal(in)
	if err != nil {
		panic(err)
	}
	j.Params = params
	return j, number
}

// refusals are the errors that promise that nothing has happened.
var refusals = []error{
	backend.ErrNotFound, backend.ErrFull, backend.ErrClosed, backend.ErrKeyTooLong, backend.ErrTooLarge, backend.ErrInvalid,
	backend.ErrRunning, backend.ErrEarly, backend.ErrDuplicate, backend.ErrNoNode, backend.ErrLocked, backend.ErrNotOwner,
}

func refused(err error) bool {
	if errors.Is(err, backend.ErrUnavailable) {
		return false
	}
	for _, r := range refusals {
		if errors.Is(err, r) {
			return true
		}
	}
	return false
}

// failed is the part of a recorded call that ends it after an error.
type failed interface {
	Refused(error)
	Unknown(error)
}

func recordError(c failed, err error) {
	if refused(err) {
		c.Refused(err)
	} else {
		c.Unknown(err)
	}
}

func (q *recordedQueue) Enqueue(ctx context.Context, jobs ...backend.NewJob) ([]backend.Enqueued, error) {
	numbers := make([]uint64, len(jobs))
	calls := make([]history.EnqueueCall, len(jobs))
	for i := range jobs {
		jobs[i], numbers[i] = q.numbered(jobs[i])
		delay := jobs[i].Delay
		if at := jobs[i].RunAt; !at.IsZero() {
			delay = max(time.Until(at), 0)
		}
		calls[i] = q.node.rec.EnqueueIntent(q.node.taskName(jobs[i].Task, jobs[i].Queue), delay, numbers[i])
	}
	added, err := q.Queue.Enqueue(ctx, jobs...)
	for i, c := range calls {
		switch {
		case err != nil:
			recordError(c, err)
		case added[i].Existing:
			c.Done(0)
		default:
			c.Done(added[i].ID)
			if jobs[i].Task == cancelled {
				q.numbers.Store(added[i].ID, numbers[i])
			}
		}
	}
	return added, err
}

func (q *recordedQueue) Fetch(ctx context.Context, req backend.FetchRequest) ([]backend.Job, error) {
	inc := q.node.inc.Load() // if it changes meanwhile, the checker knows the older one, whose pulses have ended
	jobs, err := q.Queue.Fetch(ctx, req)
	for _, j := range jobs {
		q.incs.Store(j.Run(), inc)
	}
	return jobs, err
}

var results = map[backend.State]history.Result{
	backend.Completed: history.Completed, backend.Retryable: history.Retry, backend.Scheduled: history.Requeued,
	backend.Available: history.Requeued, backend.Cancelled: history.Cancelled, backend.Dead: history.Dead,
}

func (q *recordedQueue) Finish(ctx context.Context, outcomes ...backend.Outcome) ([]backend.Run, error) {
	calls := make([]history.FinishCall, len(outcomes))
	for i, o := range outcomes {
		calls[i] = q.node.rec.FinishIntent(o.ID, o.Fence, results[o.State])
	}
	lost, err := q.Queue.Finish(ctx, outcomes...)
	isLost := map[backend.Run]bool{}
	for _, run := range lost {
		isLost[run] = true
	}
	for i, o := range outcomes {
		_, doubt := q.doubts.Load(o.Run)
		switch {
		case err != nil:
			calls[i].Unknown(err) // some of them may be stored
			q.doubts.Store(o.Run, struct{}{})
			continue
		case isLost[o.Run]:
			calls[i].Done(history.Lost)
		case doubt:
			calls[i].Done(history.Already) // either the earlier call was stored or this one
		default:
			calls[i].Done(history.OK)
		}
		q.doubts.Delete(o.Run)
		q.incs.Delete(o.Run)
	}
	return lost, err
}

var states = map[backend.State]history.Result{
	backend.Scheduled: history.Waiting, backend.Available: history.Waiting, backend.Retryable: history.Waiting,
	backend.Running: history.Running, backend.Completed: history.Completed, backend.Cancelled: history.Cancelled, backend.Dead: history.Dead,
}

func (q *recordedQueue) Cancel(ctx context.Context, id uint64) (backend.Job, error) {
	number, ok := q.numbers.LoadAndDelete(id)
	if !ok {
		panic("a job is cancelled whose number is not known")
	}
	c := q.node.rec.CancelIntent(number.(uint64), id)
	j, err := q.Queue.Cancel(ctx, id)
	if err != nil {
		recordError(c, err)
		return j, err
	}
	fence := uint64(0)
	if j.State == backend.Running {
		fence = j.Fence
	}
	c.Done(states[j.State], fence)
	return j, nil
}

// EnqueueScheduled removes the unique key of the job, with which a call may win and add no job.
func (q *recordedQueue) EnqueueScheduled(ctx context.Context, schedule string, at time.Time, jobs ...backend.NewJob) (bool, error) {
	if q.quiet.Load() {
		return false, backend.ErrClosed
	}
	calls := make([]history.TickCall, len(jobs))
	for i := range jobs {
		var number uint64
		jobs[i], number = q.numbered(jobs[i])
		jobs[i].Unique = ""
		calls[i] = q.node.rec.TickIntent(schedule, jobs[i].Task, at, number)
	}
	won, err := q.Queue.EnqueueScheduled(ctx, schedule, at, jobs...)
	for _, c := range calls {
		switch {
		case err != nil:
			recordError(c, err)
		case won:
			c.Won(0)
		default:
			c.NotWon()
		}
	}
	return won, err
}

// runOf returns the run of a job as the history has it.
func (q *recordedQueue) runOf(j *backend.Job, number uint64) history.Run {
	run := history.Run{Number: number, ID: j.ID, Fence: j.Fence, Task: q.node.taskName(j.Task, j.Queue), Attempt: j.Attempt, Crashes: j.Crashes}
	if inc, ok := q.incs.Load(j.Run()); ok {
		run.Inc = inc.(uint64)
	}
	return run
}
