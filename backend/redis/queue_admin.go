package redis

import (
	"context"
	"fmt"
	"strconv"

	"github.com/actionhero-go/actionhero/backend"
)

var (
	retryScript  = newQueueScript(once, "retry")
	cancelScript = newQueueScript(repeatable, "cancel")
	removeScript = newQueueScript(once, "mend", "delete")
)

// Retry makes a job due. If the answer is lost, Retry does not repeat the call, because the job may have run meanwhile.
func (q *queue) Retry(ctx context.Context, id uint64) (backend.Job, error) {
	return q.change(ctx, retryScript, id, "retried")
}

// Cancel ends a job that waits. For a running job the script publishes the cancellation, and each Pulse of the node of the
// run brings it again.
func (q *queue) Cancel(ctx context.Context, id uint64) (backend.Job, error) {
	return q.change(ctx, cancelScript, id, "cancelled")
}

// Delete removes a job, or a record that was set aside. If the answer is lost, Delete does not repeat the call, because
// the second one would not find the job.
func (q *queue) Delete(ctx context.Context, id uint64) error {
	_, err := q.change(ctx, removeScript, id, "deleted")
	return err
}

// change runs a script that changes one job, and returns the changed job. The text what completes "cannot be".
func (q *queue) change(ctx context.Context, sc *script, id uint64, what string) (backend.Job, error) {
	reply, err := q.words(ctx, sc, strconv.FormatUint(id, 10))
	if err != nil {
		return backend.Job{}, err
	}
	switch reply[0] {
	case "ok":
		if len(reply) < 3 {
			return backend.Job{ID: id}, nil
		}
		return showJob(id, reply[1], reply[2]), nil
	case "running":
		return backend.Job{}, fmt.Errorf("job %d cannot be %s: %w", id, what, backend.ErrRunning)
	case "duplicate":
		return backend.Job{}, fmt.Errorf("job %d cannot be %s, because job %s holds its unique key %q: %w", id, what, reply[1], reply[2], backend.ErrDuplicate)
	case "bad":
		return backend.Job{}, fmt.Errorf("job %d cannot be %s: %w: %w", id, what, errRecord, backend.ErrInvalid)
	}
	return backend.Job{}, errNoJob(id)
}
