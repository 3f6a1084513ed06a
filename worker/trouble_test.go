package worker_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/worker"
)

// What the queue cannot do now is tried again, and nothing is lost.
func TestTroubleWithTheQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		sick := &sickQueue{Queue: b.Queue()}
		n := newNode(t, sickBackend{b, sick}, worker.Config{}, task("it", func(context.Context) error { return nil }))
		sick.ill.Store(true)
		n.start()
		id := n.enqueue("it")
		time.Sleep(time.Minute)
		n.want(id, backend.Available)
		sick.ill.Store(false)
		time.Sleep(time.Minute)
		n.want(id, backend.Completed)
		sick.forgetful.Store(true)
		id = n.enqueue("it")
		time.Sleep(10 * time.Minute)
		n.want(id, backend.Running)
		sick.forgetful.Store(false)
		time.Sleep(time.Minute)
		n.want(id, backend.Completed)
		// At a stop it is tried until the grace is over.
		sick.forgetful.Store(true)
		n.want(n.enqueue("it"), backend.Running)
		begun := time.Now()
		n.stop()
		if took := time.Since(begun); took < 30*time.Second || took > 31*time.Second {
			t.Errorf("the stop took %v", took)
		}
	})
}

type sickBackend struct {
	backend.Backend
	queue backend.Queue
}

func (b sickBackend) Queue() backend.Queue { return b.queue }

type sickQueue struct {
	backend.Queue
	ill, forgetful atomic.Bool
}

var errSick = errors.New("the disk is on fire")

func (q *sickQueue) Fetch(ctx context.Context, req backend.FetchRequest) ([]backend.Job, error) {
	if q.ill.Load() {
		return nil, errSick
	}
	return q.Queue.Fetch(ctx, req)
}

func (q *sickQueue) Finish(ctx context.Context, outcomes ...backend.Outcome) ([]uint64, error) {
	if q.forgetful.Load() {
		return nil, errSick
	}
	return q.Queue.Finish(ctx, outcomes...)
}

// The lease of a task that takes long is renewed.
func TestLeases(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		notes := newDiary()
		n := start(t, worker.Config{Lease: 3 * time.Second}, task("long", func(context.Context) error {
			notes.note("run")
			time.Sleep(time.Minute)
			return nil
		}))
		id := n.enqueue("long")
		time.Sleep(2 * time.Minute)
		if job := n.want(id, backend.Completed); job.Starts != 1 || job.Crashes != 0 || len(notes.all()) != 1 {
			t.Errorf("it was run %d times: %+v", len(notes.all()), job)
		}
	})
}

// A task whose node falls silent is run elsewhere, and what the silent node says of it later counts for nothing.
func TestSilentNode(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		notes := newDiary()
		it := task("it", func(ctx context.Context) error {
			node := actionhero.RequestFrom(ctx).Job.Node
			notes.note(node)
			if node == "silent" {
				time.Sleep(time.Minute)
				return errFailed
			}
			return nil
		})
		b := &shared{Backend: newBackend()}
		newNode(t, sickBackend{b, silentQueue{b.Queue()}}, worker.Config{Node: "silent", Lease: 3 * time.Second, Workers: 1}, it).start()
		n := newNode(t, b, worker.Config{Node: "other"}, it)
		id := n.enqueue("it")
		synctest.Wait()
		n.start()
		time.Sleep(2 * time.Minute)
		if job := n.want(id, backend.Completed); job.Node != "other" || job.Crashes != 1 || job.Attempt != 1 {
			t.Errorf("it is %+v", job)
		}
		if diff := cmp.Diff([]string{"silent", "other"}, notes.all()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// silentQueue renews no leases.
type silentQueue struct{ backend.Queue }

func (silentQueue) Renew(context.Context, time.Duration, ...backend.Run) ([]uint64, error) {
	return nil, nil
}

// hasty cancels jobs while they are being taken.
type hasty struct {
	backend.Backend
	queue *hastyQueue
}

type hastyQueue struct {
	backend.Queue
	t testing.TB
}

func (h hasty) Queue() backend.Queue { return h.queue }

func (q *hastyQueue) Fetch(ctx context.Context, req backend.FetchRequest) ([]backend.Job, error) {
	jobs, err := q.Queue.Fetch(ctx, req)
	for i := range jobs {
		if _, err := q.Cancel(ctx, jobs[i].ID); err != nil {
			q.t.Error(err)
		}
	}
	return jobs, err
}

func TestCancelDuringTake(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		n := newNode(t, hasty{b, &hastyQueue{b.Queue(), t}}, worker.Config{Lease: -1}, task("slow", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }))
		n.start()
		n.want(n.enqueue("slow"), backend.Cancelled)
	})
}
