package worker_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/internal/testkit/basics"
	"github.com/actionhero-go/actionhero/worker"
)

func TestMain(m *testing.M) {
	runIfCrashing()
	basics.VerifyTestMain(m)
}

// node is an API with a worker.
type node struct {
	*actionhero.API
	*worker.Worker
	t testing.TB
}

// newNode returns a node that is not started. If b is nil, the node has its own backend.
func newNode(t testing.TB, b backend.Backend, cfg worker.Config, parts ...actionhero.Part) *node {
	t.Helper()
	if b == nil {
		b = local.New(local.Config{})
	}
	api, err := actionhero.New(actionhero.Config{ID: cfg.Node, Backend: b, Log: slog.New(slog.DiscardHandler)}, parts...)
	if err != nil {
		t.Fatal(err)
	}
	n := &node{api, worker.New(api, cfg), t}
	api.Add(n.Worker)
	return n
}

// start returns a started node, which stops at the end of the test.
func start(t testing.TB, cfg worker.Config, parts ...actionhero.Part) *node {
	t.Helper()
	n := newNode(t, nil, cfg, parts...)
	n.start()
	return n
}

func (n *node) start() {
	n.t.Helper()
	if err := n.API.Start(context.Background()); err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(n.stop)
}

func (n *node) stop() {
	n.t.Helper()
	if err := n.API.Stop(context.Background()); err != nil {
		n.t.Errorf("Stop: %v", err)
	}
}

// enqueue enqueues a task and returns the id of its job.
func (n *node) enqueue(name string, options ...actionhero.EnqueueOption) uint64 {
	n.t.Helper()
	added, err := n.Tasks.Enqueue(context.Background(), name, nil, options...)
	if err != nil {
		n.t.Fatal(err)
	}
	return added.ID
}

func (n *node) job(id uint64) actionhero.Job {
	n.t.Helper()
	job, err := n.Tasks.Get(context.Background(), id)
	if err != nil {
		n.t.Fatal(err)
	}
	return job
}

// want waits until all goroutines of the bubble are blocked, and fails the test if the job is not in the given state.
func (n *node) want(id uint64, state backend.State) actionhero.Job {
	n.t.Helper()
	synctest.Wait()
	job := n.job(id)
	if job.State != state {
		n.t.Errorf("job %d is %v, want %v: %+v", id, job.State, state, job)
	}
	return job
}

// recorder records events with their times since its creation.
type recorder struct {
	mu      sync.Mutex
	created time.Time
	events  []string
	offsets []time.Duration
}

func newRecorder() *recorder { return &recorder{created: time.Now()} }

// add records an event and returns the number of events so far.
func (r *recorder) add(event string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, event)
	r.offsets = append(r.offsets, time.Since(r.created))
	return len(r.events)
}

func (r *recorder) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.events)
}

func (r *recorder) times() []time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.offsets)
}

// task returns a task without an input.
func task(name string, run func(ctx context.Context) error) actionhero.Task[actionhero.None] {
	return actionhero.Task[actionhero.None]{Name: name, Run: func(ctx context.Context, _ actionhero.None) error { return run(ctx) }}
}

var errFailed = errors.New("it failed")
