// Package worker runs tasks: it is a transport whose wire is the queue. It takes jobs that are due from the API's
// backend, dispatches each through the same middleware, checks and recovery as any other request, and writes down how
// the run ended.
//
// It takes jobs once all of the API has started, in as many goroutines as [Config.Workers] says, and while there are none
// it waits to be told of the next one: an idle worker does nothing. Several queues are served in a random order in which
// those with a greater weight come first more often.
//
// Tasks with a Frequency or a Cron are in its timetable. What runs on one node of the cluster at a time is enqueued by
// whichever node notes first in the backend that the time has come; a time that passed while no node was up is made up
// for once. What runs on every node is run by each one itself, without the queue: a node that is down has nothing to make
// up for. Neither is started while its last run is still under way.
//
// It asks which tasks there are when it starts. One that is registered later runs if it is enqueued into a queue that is
// served; its own queue is served, and its timetable kept, from the next start on.
//
// When the API stops, the worker takes nothing more and lets what runs go on for [Config.Grace]. Then the contexts of
// the tasks end, and those that fail because of it are put back into the queue as if they had not been started.
package worker

import (
	"context"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/bridge"
)

// Worker is the transport: a Component to add to an API, as its first one, so that it is the last to stop.
type Worker struct {
	api   *actionhero.API
	host  bridge.Worker
	queue backend.Queue
	cfg   Config
	now   func() time.Time // the wall clock

	mu      sync.Mutex
	current *shift // nil while it does not run
}

var (
	_ actionhero.Component = (*Worker)(nil)
	_ actionhero.StartHook = (*Worker)(nil)
	_ actionhero.StopHook  = (*Worker)(nil)
)

// New makes the worker of an API. It takes jobs when the API has started.
func New(api *actionhero.API, cfg Config) *Worker {
	cfg.complete()
	w := &Worker{api: api, host: bridge.WorkerOf(api), queue: api.Config().Backend.Queue(), cfg: cfg, now: time.Now}
	if *cfg.Enable {
		w.queue.OnCancel(w.cancelled)
	}
	return w
}

// Start checks the configuration. It fails if a setting is out of range.
func (w *Worker) Start(context.Context) error { return w.cfg.check() }

// Started begins to take jobs.
func (w *Worker) Started() {
	if !*w.cfg.Enable {
		return
	}
	s := w.newShift()
	w.mu.Lock()
	w.current = s
	w.mu.Unlock()
	s.begin()
}

// Stopping takes nothing more, and gives what runs its grace.
func (w *Worker) Stopping() (grace time.Duration) {
	if s := w.shift(); s != nil {
		s.retire(w.cfg.Grace)
	}
	return w.cfg.Grace
}

// Stop waits until what runs has ended: in the grace that began with Stopping, or until ctx ends. Then it cancels what
// still runs and puts it back.
func (w *Worker) Stop(ctx context.Context) error {
	s := w.shift()
	if s == nil {
		return nil
	}
	w.mu.Lock()
	w.current = nil
	w.mu.Unlock()
	s.retire(w.cfg.Grace)
	s.end(ctx)
	return nil
}

func (w *Worker) shift() *shift {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.current
}

// cancelled is told by the queue that a running job is to stop.
func (w *Worker) cancelled(id uint64) {
	if s := w.shift(); s != nil {
		s.cancelJob(id)
	}
}
