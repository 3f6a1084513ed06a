package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend/redis"
	"github.com/actionhero-go/actionhero/worker"
)

// node is a node of a cluster: the whole product, with the API, the check of the input, and the worker.
type node struct {
	addr string
	api  *actionhero.API
	task actionhero.Task[mail]
}

func (n *node) open(ctx context.Context, addr string) error {
	n.addr = addr
	return n.start(ctx, nil)
}

// start starts the node. If started is nil, it runs no jobs.
func (n *node) start(ctx context.Context, started func(time.Time)) (err error) {
	n.task = actionhero.Task[mail]{
		Name: "mail", Description: "Sends no mail.",
		Run: func(_ context.Context, in mail) error {
			started(time.Unix(0, in.At))
			return nil
		},
	}
	quiet := slog.New(slog.DiscardHandler)
	backend := redis.New(redis.Config{URL: "redis://" + n.addr, Prefix: "bench", Log: quiet})
	if n.api, err = actionhero.New(actionhero.Config{Backend: backend, Log: quiet}, n.task); err != nil {
		return err
	}
	if started != nil {
		n.api.Add(worker.New(n.api, worker.Config{Workers: concurrency}))
	}
	return n.api.Start(ctx)
}

func (n *node) enqueue(ctx context.Context) error {
	_, err := n.task.Enqueue(ctx, n.api, newMail())
	return err
}

// begin replaces the node by one that runs jobs.
func (n *node) begin(ctx context.Context, started func(enqueued time.Time)) error {
	if err := n.api.Stop(ctx); err != nil {
		return err
	}
	return n.start(ctx, started)
}

// end stops the node.
func (n *node) end(ctx context.Context) error {
	err := n.api.Stop(ctx)
	n.api = nil
	return err
}

func (n *node) close(ctx context.Context) error {
	if n.api == nil { // end has stopped it
		return nil
	}
	return n.api.Stop(ctx)
}
