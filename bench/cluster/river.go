package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// riverClient measures River on Postgres. Its worker waits 2 ms between two fetches, and not 100 ms as by default, because
// it would run 100 jobs per second otherwise.
type riverClient struct {
	pool   *pgxpool.Pool
	client *river.Client[pgx.Tx]
}

// Kind implements river.JobArgs.
func (mail) Kind() string { return "mail" }

type riverWorker struct {
	river.WorkerDefaults[mail]
	started func(enqueued time.Time)
}

func (w *riverWorker) Work(_ context.Context, job *river.Job[mail]) error {
	w.started(time.Unix(0, job.Args.At))
	return nil
}

func (r *riverClient) open(ctx context.Context, addr string) (err error) {
	if r.pool, err = pgxpool.New(ctx, "postgres://postgres@"+addr+"/postgres?pool_max_conns=20"); err != nil {
		return err
	}
	driver := riverpgxv5.New(r.pool)
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return err
	}
	if _, err := r.pool.Exec(ctx, "TRUNCATE river_job"); err != nil {
		return err
	}
	r.client, err = river.NewClient(driver, &river.Config{Logger: slog.New(slog.DiscardHandler)})
	return err
}

func (r *riverClient) enqueue(ctx context.Context) error {
	_, err := r.client.Insert(ctx, newMail(), nil)
	return err
}

// begin replaces the client by one that runs jobs.
func (r *riverClient) begin(ctx context.Context, started func(enqueued time.Time)) (err error) {
	workers := river.NewWorkers()
	river.AddWorker(workers, &riverWorker{started: started})
	r.client, err = river.NewClient(riverpgxv5.New(r.pool), &river.Config{
		Logger: slog.New(slog.DiscardHandler), Workers: workers, FetchCooldown: 2 * time.Millisecond,
		Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: concurrency}},
	})
	if err != nil {
		return err
	}
	return r.client.Start(ctx)
}

func (r *riverClient) end(ctx context.Context) error { return r.client.Stop(ctx) }

func (r *riverClient) close(context.Context) error {
	r.pool.Close()
	return nil
}
