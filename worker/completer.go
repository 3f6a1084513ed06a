package worker

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// maxOutcomes is the maximum number of outcomes that wait to be stored. If that many outcomes wait, each run blocks
// before it ends, so that the worker fetches no more jobs.
const maxOutcomes = 1024

// completer collects the outcomes of runs and stores them in batches. All outcomes that arrive while a batch is being
// stored form the next batch. The higher the load, the fewer disk writes each outcome costs.
type completer struct {
	store func(ctx context.Context, batch []backend.Outcome)

	mu      sync.Mutex
	changed sync.Cond
	waiting []backend.Outcome
	closed  bool
	writer  sync.WaitGroup
	ctx     context.Context // if it is done, a batch that cannot be stored is abandoned
	cancel  context.CancelFunc
}

func newCompleter(store func(ctx context.Context, batch []backend.Outcome)) *completer {
	c := &completer{store: store}
	c.changed.L = &c.mu
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

func (c *completer) start() { c.writer.Go(c.write) }

// add queues an outcome for the next batch and returns true. add blocks while maxOutcomes outcomes wait. If the
// completer is closed, add drops the outcome and returns false.
func (c *completer) add(outcome backend.Outcome) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.waiting) >= maxOutcomes && !c.closed {
		c.changed.Wait()
	}
	if c.closed {
		return false
	}
	c.waiting = append(c.waiting, outcome)
	c.changed.Broadcast()
	return true
}

func (c *completer) write() {
	var batch []backend.Outcome
	for {
		c.mu.Lock()
		for len(c.waiting) == 0 && !c.closed {
			c.changed.Wait()
			c.mu.Unlock()
			runtime.Gosched() // the runs that are about to end get into this batch
			c.mu.Lock()
		}
		batch, c.waiting = c.waiting, batch[:0]
		c.changed.Broadcast()
		c.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		c.store(c.ctx, batch)
	}
}

// close makes add reject outcomes, and blocks until all queued outcomes are stored. If ctx is done before that, each
// remaining batch has one last attempt.
func (c *completer) close(ctx context.Context) {
	c.mu.Lock()
	c.closed = true
	c.changed.Broadcast()
	c.mu.Unlock()
	stop := context.AfterFunc(ctx, c.cancel)
	defer stop()
	c.writer.Wait()
	c.cancel()
}

// storeOutcomes stores a batch of outcomes in the queue. If that fails, storeOutcomes retries until it succeeds or ctx
// is done. If ctx is done first, the jobs of the batch run again.
func (p *producer) storeOutcomes(ctx context.Context, batch []backend.Outcome) {
	retry := backoff{log: p.api.Log(), failure: "the outcomes of jobs cannot be stored", success: "the outcomes of jobs are stored again"}
	for {
		lost, err := p.finish(batch)
		if err == nil {
			retry.reset()
			for _, run := range lost {
				p.api.Log().Warn("a run ended after this node was away for too long: its outcome is dropped, because the job runs again, was cancelled or was deleted", "job", run.ID)
			}
			break
		}
		if ctx.Err() != nil {
			p.api.Log().Error("the outcomes of jobs could not be stored: the jobs will run again", "jobs", len(batch), "error", err.Error())
			break
		}
		retry.wait(ctx, err)
	}
	p.mu.Lock()
	for i := range batch {
		delete(p.running, batch[i].Run)
	}
	p.mu.Unlock()
}

// finishTimeout is the time limit of one attempt to store a batch of outcomes.
const finishTimeout = 30 * time.Second

func (p *producer) finish(batch []backend.Outcome) (lost []backend.Run, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), finishTimeout)
	defer cancel()
	return p.queue.Finish(ctx, batch...)
}
