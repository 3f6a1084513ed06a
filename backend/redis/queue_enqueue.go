package redis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/internal/rules"
)

var (
	enqueueScript = newConfirmedScript(repeatable, "clock", "batch", "add", "enqueue")
	plainScript   = newConfirmedScript(repeatable, "clock", "batch", "add", "plain")
)

// maxKinds is the maximum number of kinds of jobs in a batch that the script plain adds. Jobs of a kind differ in their data
// alone.
const maxKinds = 16

// scriptToEnqueue returns the script that adds the jobs of a batch, and its arguments. The arguments args are those of the
// script enqueue: three, and two for each job.
func scriptToEnqueue(args []string) (*script, []string) {
	var kinds []string
	jobs := args[3:]
	places := make([]int, len(jobs)/2)
	for i := range places {
		record := jobs[2*i]
		place := slices.Index(kinds, record)
		if place < 0 {
			if len(kinds) == maxKinds || !isPlain(record) {
				return enqueueScript, args
			}
			place = len(kinds)
			kinds = append(kinds, record)
		}
		places[i] = place
	}
	plain := append(make([]string, 0, len(args)+len(kinds)+2), args[:3]...)
	plain = append(append(plain, strconv.Itoa(len(kinds))), kinds...)
	for i, place := range places {
		if len(kinds) > 1 {
			plain = append(plain, strconv.Itoa(place+1))
		}
		plain = append(plain, jobs[2*i+1])
	}
	return plainScript, plain
}

// resultWords returns the ids in the results of a batch, those of existing jobs with an e in front.
func resultWords(results string) ([]string, error) {
	first, last, all := strings.Cut(strings.TrimPrefix(results, " "), "-")
	if !all {
		return strings.Fields(results), nil
	}
	from, err1 := strconv.ParseUint(first, 10, 64)
	to, err2 := strconv.ParseUint(last, 10, 64)
	if err1 != nil || err2 != nil || from > to || to-from >= maxItems {
		return nil, errReply
	}
	words := make([]string, 0, to-from+1)
	for id := from; id <= to; id++ {
		words = append(words, strconv.FormatUint(id, 10))
	}
	return words, nil
}

// newJobs has the records of jobs to add: for each job what encodeNew and encodeData return.
type newJobs struct{ records []string }

// prepareJobs checks jobs and encodes them.
func prepareJobs(jobs []backend.NewJob) (newJobs, error) {
	size := 0
	prepared := newJobs{make([]string, 0, 2*len(jobs))}
	for _, j := range jobs {
		if err := rules.Complete(&j); err != nil {
			return newJobs{}, err
		}
		size += rules.Size(&j)
		if err := rules.CheckSize(len(jobs), size); err != nil {
			return newJobs{}, err
		}
		prepared.records = append(prepared.records, encodeNew(&j), encodeData(j.Timeout, j.Params))
	}
	return prepared, nil
}

// enqueuePart is a part of a call of Enqueue: at most maxItems jobs with at most maxBytes, or one larger job.
type enqueuePart struct {
	records []string // two for each job
	bytes   int
	done    chan struct{}

	results []backend.Enqueued
	err     error
}

func (p *enqueuePart) size() (items, bytes int) { return len(p.records) / 2, p.bytes }

func (p *enqueuePart) end(err error) {
	p.err = err
	close(p.done)
}

// Enqueue sends the jobs together with those of concurrent calls. More than 512 jobs, or 1 MiB, go in parts, one after the
// other. If a part fails, the jobs of the earlier ones stay, and the error says how many these are.
func (q *shard) Enqueue(ctx context.Context, jobs ...backend.NewJob) ([]backend.Enqueued, error) {
	prepared, err := prepareJobs(jobs)
	if err != nil {
		return nil, err
	}
	results, err := q.add(ctx, prepared.records)
	if n := len(results); err != nil && n > 0 {
		return nil, fmt.Errorf("the first %d of %d jobs were enqueued, the others not: %w", n, len(jobs), err)
	}
	return results, err
}

// add adds the jobs with these records. If a part fails, it returns the results of the earlier ones with the error.
func (q *shard) add(ctx context.Context, records []string) ([]backend.Enqueued, error) {
	if _, err := q.current(); err != nil {
		return nil, err
	}
	results := make([]backend.Enqueued, 0, len(records)/2)
	for rest := records; len(rest) > 0; {
		p := &enqueuePart{done: make(chan struct{})}
		for len(rest) > 0 && len(p.records) < 2*maxItems && (len(p.records) == 0 || p.bytes+len(rest[0])+len(rest[1]) <= maxBytes) {
			p.records, p.bytes = append(p.records, rest[0], rest[1]), p.bytes+len(rest[0])+len(rest[1])
			rest = rest[2:]
		}
		if err := q.await(ctx, p); err != nil {
			return results, err
		}
		results = append(results, p.results...)
	}
	return results, nil
}

// await sends a part and waits for its end or for the end of ctx.
func (q *shard) await(ctx context.Context, p *enqueuePart) error {
	if err := q.enqueues.add(p); err != nil {
		return err
	}
	select {
	case <-p.done:
		return p.err
	case <-ctx.Done():
		return errWaiting(ctx, !q.enqueues.remove(func(other *enqueuePart) bool { return p == other }))
	}
}

// sendEnqueues sends a batch. If there is no room for all its jobs, it sends each part alone.
func (q *shard) sendEnqueues(ctx context.Context, lane int, batch []*enqueuePart) {
	err := q.sendBatch(ctx, lane, batch)
	for _, p := range batch {
		alone := err
		if len(batch) > 1 && errors.Is(err, backend.ErrFull) {
			alone = q.sendBatch(ctx, lane, []*enqueuePart{p})
		}
		p.end(alone)
	}
}

// sendBatch adds the jobs of a batch, all or none, and sets the results. The batch has a number of its own, so that a
// command that is sent again does not add the jobs twice. Only one sendBatch of each
// lane runs at a time.
func (q *shard) sendBatch(ctx context.Context, lane int, batch []*enqueuePart) error {
	q.batches[lane] += 2
	for {
		inc, err := q.current()
		if err != nil {
			return err
		}
		args := []string{inc, strconv.FormatUint(q.batches[lane], 10), strconv.Itoa(q.config.MaxJobs)}
		for _, p := range batch {
			args = append(args, p.records...)
		}
		sc, args := scriptToEnqueue(args)
		words, err := asWords(q.run(ctx, sc, args...))
		if q.madeRoom(ctx, err) {
			continue
		}
		if err != nil {
			return err
		}
		switch words[0] {
		case "ok":
			return q.setResults(batch, words)
		case "full":
			return q.errFull(words[1])
		case "lost": // nothing has happened, also not earlier
			if err := q.lost(ctx, inc); err != nil {
				return err
			}
		case "settling":
			if err := q.beat(ctx, inc, false); err != nil { // the former server may have executed an earlier attempt
				return fmt.Errorf("the server is another one, and the node cannot greet it (%v): %w", err, errUnknown)
			}
		default:
			return fmt.Errorf("the server answers Enqueue with %q: %w", words, errUnknown)
		}
	}
}

func (q *shard) errFull(unfinished string) error {
	of := ""
	if q.of > 1 {
		of = fmt.Sprintf(" in each of the %d shards", q.of)
	}
	return fmt.Errorf("there is no room for more jobs: %s of the %d that tasks.maxJobs allows%s have not finished: %w", unfinished, q.config.MaxJobs, of, backend.ErrFull)
}

// setResults sets the results of the parts of a batch, and remembers the new jobs.
func (q *shard) setResults(batch []*enqueuePart, words []string) error {
	if len(words) < 2 {
		return errReply
	}
	ids, err := resultWords(words[1])
	if err != nil {
		return err
	}
	for _, p := range batch {
		n := len(p.records) / 2
		if len(ids) < n {
			return errReply
		}
		p.results = make([]backend.Enqueued, n)
		for i, text := range ids[:n] {
			number, existing := strings.CutPrefix(text, "e")
			id, err := q.parseID(number)
			if err != nil {
				return errReply
			}
			p.results[i] = backend.Enqueued{ID: id, Existing: existing}
			if !existing {
				q.saw(id)
			}
		}
		q.memory.addJobs(p)
		ids = ids[n:]
	}
	return nil
}
