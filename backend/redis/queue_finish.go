package redis

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/internal/rules"
)

var (
	finishScript = newConfirmedScript(repeatable, "outcome", "finish")
	drainScript  = newQueueScript(repeatable, "drain")
)

// finishPart is a part of a call of Finish: at most maxItems outcomes with at most maxBytes.
type finishPart struct {
	outcomes []backend.Outcome
	bytes    int
	done     chan struct{}

	lost []backend.Run
	err  error
}

func (p *finishPart) size() (items, bytes int) { return len(p.outcomes), p.bytes }

func (p *finishPart) end(err error) {
	p.err = err
	close(p.done)
}

func checkOutcomes(outcomes []backend.Outcome) error {
	for n := range outcomes {
		if o := &outcomes[n]; o.State == 0 || o.State == backend.Running || o.State > backend.Dead {
			return fmt.Errorf("the run of job %d cannot end as %v: use completed, retryable, scheduled, available, cancelled or dead", o.ID, o.State)
		}
	}
	return nil
}

// Finish ends runs, together with those of concurrent calls, and with the next Fetch if one is under way: see queue_turn.go. More than 512 outcomes go in parts. If a call fails, some
// outcomes may be stored; a repetition is safe.
func (q *shard) Finish(ctx context.Context, outcomes ...backend.Outcome) (lost []backend.Run, err error) {
	if err := checkOutcomes(outcomes); err != nil {
		return nil, err
	}
	if _, err := q.current(); err != nil {
		return nil, err
	}
	for len(outcomes) > 0 {
		p := &finishPart{done: make(chan struct{})}
		for len(outcomes) > 0 && len(p.outcomes) < maxItems && p.bytes < maxBytes-backend.MaxErrorBytes {
			o := outcomes[0]
			o.Error = rules.Truncate(o.Error)
			p.outcomes, p.bytes = append(p.outcomes, o), p.bytes+len(o.Error)+64
			outcomes = outcomes[1:]
		}
		if err := q.finishes.add(p); err != nil {
			return lost, err
		}
		select {
		case <-p.done:
		case <-ctx.Done():
			return lost, errWaiting(ctx, !q.finishes.remove(func(other *finishPart) bool { return p == other }))
		}
		if p.err != nil {
			return lost, p.err
		}
		lost = append(lost, p.lost...)
	}
	return lost, nil
}

// sendFinishes ends the runs of a batch. An outcome may seem lost because the server is another one, which lacks the start of
// the run. So sendFinishes asks for these again after a pulse, which has settled with that server.
func (q *shard) sendFinishes(ctx context.Context, batch []*finishPart) {
	outcomes := outcomesOf(batch)
	letters, err := q.finishHeld(ctx, outcomes)
	for again := true; again && err == nil && strings.ContainsAny(letters, "ln"); {
		if err = q.beatNow(ctx); err != nil {
			break
		}
		if again = q.pulse.unsettled(); again {
			pause(ctx, settlePoll)
		}
		letters, err = q.finishHeld(ctx, outcomes)
	}
	for _, p := range batch {
		if err == nil {
			for i := range p.outcomes {
				if letters[i] == 'l' || letters[i] == 'n' {
					p.lost = append(p.lost, p.outcomes[i].Run)
				}
			}
			letters = letters[len(p.outcomes):]
		}
		p.end(err)
	}
}

// outcomesOf returns the outcomes of the parts, in their order.
func outcomesOf(batch []*finishPart) []backend.Outcome {
	var outcomes []backend.Outcome
	for i, p := range batch {
		if i == 0 {
			outcomes = p.outcomes[:len(p.outcomes):len(p.outcomes)]
			continue
		}
		outcomes = append(outcomes, p.outcomes...)
	}
	return outcomes
}

// finishHeld calls finishNow while no reconcile is under way.
func (q *shard) finishHeld(ctx context.Context, outcomes []backend.Outcome) (string, error) {
	if err := q.runs.changing.enter(ctx); err != nil {
		return "", err
	}
	defer q.runs.changing.leave()
	return q.finishNow(ctx, outcomes)
}

// finishNow runs the script, and remembers the outcomes. It returns one letter for each outcome.
func (q *shard) finishNow(ctx context.Context, outcomes []backend.Outcome) (string, error) {
	args := make([]string, 0, 5*len(outcomes))
	for i := range outcomes {
		args = q.appendOutcome(args, &outcomes[i])
	}
	m, err := q.run(ctx, finishScript, args...)
	if err != nil {
		return "", err
	}
	letters, err := m.ToString()
	if err != nil || len(letters) != len(outcomes) {
		return "", errReply
	}
	q.ended(outcomes)
	return letters, nil
}

// ended notes that the server has answered these outcomes.
func (q *shard) ended(outcomes []backend.Outcome) {
	if len(outcomes) == 0 {
		return
	}
	for i := range outcomes {
		q.runs.remove(outcomes[i].Run)
	}
	q.memory.addOutcomes(outcomes)
}

// appendOutcome appends the arguments of an outcome.
func (q *shard) appendOutcome(args []string, o *backend.Outcome) []string {
	return append(args, q.number(o.ID), strconv.FormatUint(o.Fence, 10), strconv.Itoa(int(o.State)),
		strconv.FormatUint(ceilMicros(max(o.Delay, 0)), 10), o.Error)
}

// Drain marks runs whose worker stops.
func (q *shard) Drain(ctx context.Context, runs ...backend.Run) error {
	if _, err := q.current(); err != nil {
		return err
	}
	for len(runs) > 0 {
		n := min(len(runs), maxItems)
		args := make([]string, 0, 2*n)
		for _, run := range runs[:n] {
			args = append(args, q.number(run.ID), strconv.FormatUint(run.Fence, 10))
		}
		if _, err := asInt(q.run(ctx, drainScript, args...)); err != nil {
			return err
		}
		runs = runs[n:]
	}
	return nil
}
