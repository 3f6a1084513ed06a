package redis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/rueidis"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/internal/rules"
)

// Scripts that start runs are sent once: after a lost answer, reconcile finds the runs that they have started.
var (
	mineScript = newQueueScript(repeatable, "mine")
)

// Fetch starts runs of due jobs. One call returns at most 512 jobs, with about 1 MiB. If the answer of the server is lost,
// the runs that it has started are requeued as if they had not begun.
func (q *shard) Fetch(ctx context.Context, req backend.FetchRequest) ([]backend.Job, error) {
	if err := rules.CheckName("node", req.Node); err != nil {
		return nil, err
	}
	inc, err := q.current()
	if err != nil || req.Max <= 0 {
		return nil, err
	}
	args := takeArgs(inc, req)
	for {
		words, err := q.take(ctx, args)
		if err != nil {
			return nil, err
		}
		switch words[0] {
		case "ok":
			return q.started(ctx, req.Node, words)
		case "settling":
			q.pulse.soon(settlePoll)
			return nil, nil
		case "lost":
			if err := q.lost(ctx, inc); err != nil {
				return nil, err
			}
			if inc, err = q.current(); err != nil {
				return nil, err
			}
			args[0] = inc
		default:
			return nil, fmt.Errorf("the server answers Fetch with %q: %w", words, errUnknown)
		}
	}
}

// takeArgs returns the arguments of the function take of the scripts. The argument takeRisky is "0".
func takeArgs(inc string, req backend.FetchRequest) []string {
	args := make([]string, 0, 7+len(req.Queues)+len(req.Tasks))
	args = append(args, inc, req.Node, strconv.Itoa(min(req.Max, maxItems)), "0", strconv.Itoa(len(req.Queues)))
	for _, name := range req.Queues {
		args = append(args, cmp.Or(name, backend.DefaultQueue))
	}
	if req.Tasks == nil {
		return append(args, "-1")
	}
	return append(append(args, strconv.Itoa(len(req.Tasks))), req.Tasks...)
}

// takeRisky is the place of the argument that allows a job with one crash left.
const takeRisky = 3

// take runs the script, and stores the runs that it has started.
func (q *shard) take(ctx context.Context, args []string) ([]string, error) {
	if err := q.runs.changing.enter(ctx); err != nil {
		return nil, err
	}
	defer q.runs.changing.leave()
	var risky backend.Run
	if args[takeRisky] = "0"; q.risky.begin() {
		args[takeRisky] = "1"
		defer func() {
			q.risky.took(risky)
			if risky != (backend.Run{}) && !q.runs.has(risky) { // the lease has ended meanwhile
				q.risky.end(risky)
			}
		}()
	}
	words, err := q.turn(ctx, args)
	if errors.Is(err, errUnknown) {
		q.runs.doubt()
		q.pulse.soon(0)
	}
	if err != nil || words[0] != "ok" {
		return words, err
	}
	if len(words)%3 != 2 {
		q.runs.doubt()
		return nil, errReply
	}
	for i := 2; i < len(words); i += 3 {
		id, err := q.parseID(words[i])
		if err != nil || len(words[i+1]) < jobHead {
			q.runs.doubt() // reconcile requeues the run
			return nil, errReply
		}
		run := backend.Run{ID: id, Fence: fenceOf(words[i+1])}
		if oneCrashLeft(words[i+1]) {
			risky = run
		}
		q.runs.add(run, args[1])
	}
	return words, nil
}

// started returns the jobs in the answer of the script take.
func (q *shard) started(ctx context.Context, node string, words []string) ([]backend.Job, error) {
	if ms, err := strconv.ParseInt(words[1], 10, 64); err == nil {
		q.pulse.soon(time.Duration(ms) * time.Millisecond)
	}
	jobs := make([]backend.Job, 0, (len(words)-2)/3)
	for i := 2; i < len(words); i += 3 {
		id, _ := q.parseID(words[i]) // take has checked it
		data := words[i+2]
		if data == "" {
			var err error
			if data, err = q.readData(ctx, words[i]); err != nil {
				q.putBack(ctx, backend.Run{ID: id, Fence: fenceOf(words[i+1])}, err)
				continue
			}
		}
		j, err := decodeJob(id, words[i+1], data)
		if err != nil {
			q.putBack(ctx, backend.Run{ID: id, Fence: fenceOf(words[i+1])}, err)
			continue
		}
		jobs = append(jobs, j)
		q.saw(id)
	}
	return jobs, nil
}

// putBack ends the run of a job whose data cannot be read. If the server does not answer, the job waits a little; if the
// data is damaged, the job is dead.
func (q *shard) putBack(ctx context.Context, run backend.Run, cause error) {
	o := backend.Outcome{Run: run, State: backend.Scheduled, Delay: time.Second, Error: fmt.Sprintf("the job cannot be read: %v", cause)}
	if errors.Is(cause, errRecord) {
		o.State = backend.Dead
	}
	if _, err := q.Finish(ctx, o); err != nil {
		q.runs.remove(run) // reconcile ends it
		q.runs.doubt()
	}
}

// readData reads the record in d of a job. It never changes.
func (q *shard) readData(ctx context.Context, id string) (string, error) {
	m, err := q.core.do(ctx, repeatable, func(b rueidis.Builder) rueidis.Completed {
		return b.Hget().Key(q.keys[queueData]).Field(id).Build()
	})
	if rueidis.IsRedisNil(err) {
		return "", errRecord
	}
	if err != nil {
		return "", err
	}
	return m.ToString()
}

// reconcile compares the runs that the server has for an inc with those that this node has, while no other call starts or
// ends runs. The answer of a Take or a Finish may have been lost. A run that is only on the server is ended: with its
// outcome if this node remembers one, else it is requeued. A run that is only here is lost.
func (q *shard) reconcile(ctx context.Context, inc string) error {
	if err := q.runs.changing.close(ctx); err != nil {
		return err
	}
	defer q.runs.changing.open()
	m, err := q.run(ctx, mineScript, inc, "1000000")
	if err != nil {
		return err
	}
	words, err := m.AsStrSlice()
	if err != nil || len(words)%2 != 0 {
		return errReply
	}
	there := make(map[backend.Run]bool, len(words)/2)
	var orphans []backend.Outcome
	for i := 0; i < len(words); i += 2 {
		id, err1 := q.parseID(words[i])
		fence, err2 := strconv.ParseUint(words[i+1], 10, 64)
		if errors.Join(err1, err2) != nil {
			return errReply
		}
		run := backend.Run{ID: id, Fence: fence}
		if there[run] = true; q.runs.has(run) {
			continue
		}
		o, ok := q.memory.outcome(run)
		if !ok {
			o = backend.Outcome{Run: run, State: backend.Available}
		}
		orphans = append(orphans, o)
	}
	for _, run := range q.runs.missing(there) {
		q.listeners.Call(run, backend.RunLost)
	}
	for len(orphans) > 0 {
		n := min(len(orphans), maxItems)
		if _, err := q.finishNow(ctx, orphans[:n]); err != nil {
			return err
		}
		orphans = orphans[n:]
	}
	q.runs.settled()
	return nil
}
