package main

import (
	"context"
	"database/sql"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	_ "modernc.org/sqlite" // the driver that riverQueue uses
)

// riverQueue measures River on SQLite: a log that is synced with each transaction, one connection, which its documentation
// requires, and a worker that polls more often than by default.
type riverQueue struct {
	db      *sql.DB
	client  *river.Client[*sql.Tx]
	started atomic.Pointer[func(enqueued time.Time)]
}

// Kind implements river.JobArgs.
func (mail) Kind() string { return "mail" }

type riverWorker struct {
	river.WorkerDefaults[mail]
	queue *riverQueue
}

func (w *riverWorker) Work(_ context.Context, job *river.Job[mail]) error {
	(*w.queue.started.Load())(time.Unix(0, job.Args.At))
	return nil
}

func (r *riverQueue) open(ctx context.Context, dir string, runsJobs bool) (err error) {
	r.db, err = sql.Open("sqlite", "file:"+filepath.Join(dir, "river.db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(10000)")
	if err != nil {
		return err
	}
	r.db.SetMaxOpenConns(1)
	driver := riversqlite.New(r.db)
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return err
	}
	workers := river.NewWorkers()
	river.AddWorker(workers, &riverWorker{queue: r})
	config := &river.Config{Logger: slog.New(slog.DiscardHandler), Workers: workers}
	if runsJobs {
		config.FetchCooldown, config.FetchPollInterval = 2*time.Millisecond, 10*time.Millisecond
		config.Queues = map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 100}}
	}
	r.client, err = river.NewClient(driver, config)
	return err
}

func (r *riverQueue) enqueue(ctx context.Context) error {
	_, err := r.client.Insert(ctx, newMail(), nil)
	return err
}

func (r *riverQueue) begin(ctx context.Context, started func(enqueued time.Time)) error {
	r.started.Store(&started)
	return r.client.Start(ctx)
}

func (r *riverQueue) end(ctx context.Context) error { return r.client.Stop(ctx) }

func (r *riverQueue) close(context.Context) error { return r.db.Close() }
