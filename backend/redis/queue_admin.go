package redis

import (
	"context"
	"fmt"

	"github.com/actionhero-go/actionhero/backend"
)

var (
	retryScript  = newConfirmedScript(once, "retry")
	cancelScript = newConfirmedScript(repeatable, "cancel")
	removeScript = newConfirmedScript(once, "mend", "delete")
)

func (q *shard) Retry(ctx context.Context, id uint64) (backend.Job, error) {
	return q.change(ctx, retryScript, id, "retried")
}

// Cancel ends a job that waits. For a running job the script publishes the cancellation, and each Pulse of the node of the
// run brings it again.
func (q *shard) Cancel(ctx context.Context, id uint64) (backend.Job, error) {
	return q.change(ctx, cancelScript, id, "cancelled")
}

func (q *shard) Delete(ctx context.Context, id uint64) error {
	_, err := q.change(ctx, removeScript, id, "deleted")
	return err
}

// change runs a script that changes one job, and returns the changed job. The text what completes "cannot be".
func (q *shard) change(ctx context.Context, sc *script, id uint64, what string) (backend.Job, error) {
	reply, err := q.words(ctx, sc, q.number(id))
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
		other, _ := q.parseID(reply[1])
		return backend.Job{}, fmt.Errorf("job %d cannot be %s, because job %d holds its unique key %q: %w", id, what, other, reply[2], backend.ErrDuplicate)
	case "bad":
		return backend.Job{}, fmt.Errorf("job %d cannot be %s: %w: %w", id, what, errRecord, backend.ErrInvalid)
	}
	return backend.Job{}, errNoJob(id)
}
