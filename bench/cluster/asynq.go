package main

import (
	"context"
	"encoding/json"
	"time"

	"github.com/hibiken/asynq"
)

// asynqClient measures asynq with its default settings.
type asynqClient struct {
	addr   asynq.RedisClientOpt
	client *asynq.Client
	worker *asynq.Server
}

func (a *asynqClient) open(_ context.Context, addr string) error {
	a.addr = asynq.RedisClientOpt{Addr: addr}
	a.client = asynq.NewClient(a.addr)
	return a.client.Ping()
}

func (a *asynqClient) enqueue(ctx context.Context) error {
	payload, err := json.Marshal(newMail())
	if err == nil {
		_, err = a.client.EnqueueContext(ctx, asynq.NewTask("mail", payload))
	}
	return err
}

func (a *asynqClient) begin(_ context.Context, started func(enqueued time.Time)) error {
	a.worker = asynq.NewServer(a.addr, asynq.Config{Concurrency: concurrency, LogLevel: asynq.FatalLevel})
	return a.worker.Start(asynq.HandlerFunc(func(_ context.Context, t *asynq.Task) error {
		var in mail
		if err := json.Unmarshal(t.Payload(), &in); err != nil {
			return err
		}
		started(time.Unix(0, in.At))
		return nil
	}))
}

func (a *asynqClient) end(context.Context) error {
	a.worker.Shutdown()
	return nil
}

func (a *asynqClient) close(context.Context) error { return a.client.Close() }
