package worker

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// maxOutcomes is how many outcomes may wait to be written down. Then runs wait before they end, so that no more are
// taken.
const maxOutcomes = 1024

// outcomes gathers how runs ended, and hands all that came meanwhile to the queue in one call: so the more there is to
// do, the fewer trips to the disk each one costs.
type outcomes struct {
	finish func(ctx context.Context, batch []backend.Outcome)

	mu      sync.Mutex
	changed sync.Cond
	waiting []backend.Outcome
	ended   bool
	writer  sync.WaitGroup
	ctx     context.Context // ends when the queue is given up
	giveUp  context.CancelFunc
}

func newOutcomes(finish func(ctx context.Context, batch []backend.Outcome)) *outcomes {
	o := &outcomes{finish: finish}
	o.changed.L = &o.mu
	o.ctx, o.giveUp = context.WithCancel(context.Background())
	return o
}

func (o *outcomes) start() { o.writer.Go(o.write) }

// add hands in an outcome. It returns false, and does nothing, if the shift has ended.
func (o *outcomes) add(outcome backend.Outcome) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.waiting) >= maxOutcomes && !o.ended {
		o.changed.Wait()
	}
	if o.ended {
		return false
	}
	o.waiting = append(o.waiting, outcome)
	o.changed.Broadcast()
	return true
}

func (o *outcomes) write() {
	var batch []backend.Outcome
	for {
		o.mu.Lock()
		for len(o.waiting) == 0 && !o.ended {
			o.changed.Wait()
		}
		batch, o.waiting = o.waiting, batch[:0]
		o.changed.Broadcast()
		o.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		o.finish(o.ctx, batch)
	}
}

// end takes no more outcomes and waits until all are written down. If that cannot be done before ctx ends, it is tried
// a last time and given up.
func (o *outcomes) end(ctx context.Context) {
	o.mu.Lock()
	o.ended = true
	o.changed.Broadcast()
	o.mu.Unlock()
	stop := context.AfterFunc(ctx, o.giveUp)
	defer stop()
	o.writer.Wait()
	o.giveUp()
}

// finish writes down how runs ended, trying again until that works or ctx ends.
func (s *shift) finish(ctx context.Context, batch []backend.Outcome) {
	trouble := retry{log: s.api.Log(), doing: "the ends of tasks cannot be written down"}
	for {
		lost, err := s.finishOnce(batch)
		if err == nil {
			for _, id := range lost {
				s.api.Log().Warn("a task ended after its lease, so it may have run elsewhere, too", "job", id)
			}
			break
		}
		if ctx.Err() != nil {
			s.api.Log().Error("the ends of tasks could not be written down: they will run again", "tasks", len(batch), "error", err.Error())
			break
		}
		trouble.wait(ctx, err)
	}
	s.mu.Lock()
	for i := range batch {
		delete(s.running, batch[i].ID)
	}
	s.mu.Unlock()
}

// finishTime is how long one attempt to write down how runs ended may take.
const finishTime = 30 * time.Second

func (s *shift) finishOnce(batch []backend.Outcome) (lost []uint64, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), finishTime)
	defer cancel()
	return s.queue.Finish(ctx, batch...)
}

// The times between two tries of what fails.
const (
	firstTry = 100 * time.Millisecond
	lastTry  = 30 * time.Second
)

// retry waits longer from failure to failure.
type retry struct {
	log   *slog.Logger
	doing string
	pause time.Duration
}

// wait logs a failure and waits, at most until ctx ends.
func (r *retry) wait(ctx context.Context, err error) {
	r.pause = min(max(2*r.pause, firstTry), lastTry)
	r.log.Error(r.doing, "error", err.Error(), "again in", r.pause.String())
	timer := time.NewTimer(r.pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (r *retry) over() { r.pause = 0 }
