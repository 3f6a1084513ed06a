package main

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/worker"
)

// The names of the contenders. The flag -base starts ours by the same names in another checkout.
const (
	bareAppend      = "append, fdatasync"
	bareAppendReady = "append, fdatasync, to a file of zeros"
	bareGroup       = "group-commit log"
	bareGroupReady  = "group-commit log, in a file of zeros"
	ours            = "actionhero"
	oursQueue       = "actionhero, its queue alone"
	oursMemory      = "actionhero, in memory"
	oursMemoryQueue = "actionhero, its queue alone, in memory"
	riverSQLite     = "River on SQLite"
	atScale         = "actionhero at scale"
)

var contenders = map[string]func() contender{
	bareAppend:      func() contender { return &bare{} },
	bareAppendReady: func() contender { return &bare{ready: true} },
	bareGroup:       func() contender { return &group{} },
	bareGroupReady:  func() contender { return &group{bare: bare{ready: true}} },
	ours:            func() contender { return &server{} },
	oursQueue:       func() contender { return &queue{} },
	oursMemory:      func() contender { return &server{memory: true} },
	oursMemoryQueue: func() contender { return &queue{memory: true} },
	riverSQLite:     func() contender { return &riverQueue{} },
}

// mail is the input of a job, of a usual size.
type mail struct {
	To       string `json:"to"`
	Template string `json:"template"`
	User     int    `json:"user"`
	At       int64  `json:"at"` // the time of the enqueue, in nanoseconds since 1970
}

func newMail() mail {
	return mail{"someone@example.com", "welcome", 12345, time.Now().UnixNano()}
}

func newBackend(dir string, memory bool) *local.Backend {
	config := local.QueueConfig{Path: dir, MaxJobs: 1 << 30, MaxBytes: 1 << 40}
	if memory {
		config.Path = ""
	}
	return local.New(local.Config{Queue: config})
}

// server measures the whole product: the API with a task, the check of its input, and the worker.
type server struct {
	memory  bool
	api     *actionhero.API
	task    actionhero.Task[mail]
	started atomic.Pointer[func(enqueued time.Time)]
}

func (s *server) open(ctx context.Context, dir string, runsJobs bool) (err error) {
	s.task = actionhero.Task[mail]{
		Name: "mail", Description: "Sends no mail.",
		Run: func(_ context.Context, in mail) error {
			(*s.started.Load())(time.Unix(0, in.At))
			return nil
		},
	}
	s.api, err = actionhero.New(actionhero.Config{Backend: newBackend(dir, s.memory), Log: slog.New(slog.DiscardHandler)}, s.task)
	if err != nil {
		return err
	}
	if runsJobs {
		s.api.Add(worker.New(s.api, worker.Config{}))
	}
	return s.api.Start(ctx)
}

func (s *server) enqueue(ctx context.Context) error {
	_, err := s.task.Enqueue(ctx, s.api, newMail())
	return err
}

// begin only stores started, because the worker has started with the API.
func (s *server) begin(_ context.Context, started func(enqueued time.Time)) error {
	s.started.Store(&started)
	return nil
}

func (s *server) end(context.Context) error { return nil }

func (s *server) close(ctx context.Context) error { return s.api.Stop(ctx) }

// queue measures the backend.Queue alone, with a minimal worker.
type queue struct {
	memory  bool
	backend *local.Backend
	params  []byte
	stop    chan struct{}
	stopped chan error
}

func (q *queue) open(ctx context.Context, dir string, _ bool) error {
	q.backend = newBackend(dir, q.memory)
	q.params = fmt.Appendf(nil, `{"to":"someone@example.com","template":"welcome","user":12345,"at":%d}`, time.Now().UnixNano())
	return q.backend.Open(ctx, backend.Node{ID: "node"})
}

func (q *queue) enqueue(ctx context.Context) error {
	_, err := q.backend.Queue().Enqueue(ctx, backend.NewJob{Task: "mail", Params: q.params})
	return err
}

func (q *queue) begin(ctx context.Context, started func(enqueued time.Time)) error {
	q.stop, q.stopped = make(chan struct{}), make(chan error, 1)
	go func() { q.stopped <- q.work(ctx, started) }()
	return nil
}

func (q *queue) end(context.Context) error {
	close(q.stop)
	return <-q.stopped
}

func (q *queue) work(ctx context.Context, started func(enqueued time.Time)) error {
	jobs := q.backend.Queue()
	due, stop := jobs.Watch(backend.DefaultQueue)
	defer stop()
	for {
		fetched, err := jobs.Fetch(ctx, backend.FetchRequest{Node: "bench", Queues: []string{backend.DefaultQueue}, Max: 100})
		if err != nil {
			return err
		}
		outcomes := make([]backend.Outcome, len(fetched))
		for i := range fetched {
			started(time.Time{})
			outcomes[i] = backend.Outcome{Run: fetched[i].Run(), State: backend.Completed}
		}
		if len(fetched) > 0 {
			if _, err := jobs.Finish(ctx, outcomes...); err != nil {
				return err
			}
			continue
		}
		select {
		case <-due:
		case <-q.stop:
			return nil
		}
	}
}

func (q *queue) close(ctx context.Context) error { return q.backend.Close(ctx) }
