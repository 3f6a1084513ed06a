package worker_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/worker"
)

// A program that does not use package server adds the worker itself, as the first component.
func ExampleNew() {
	done := make(chan struct{})
	attempts := 0
	mail := actionhero.Task[actionhero.None]{
		Name: "mail", Description: "Sends a mail",
		Backoff: actionhero.Constant(10 * time.Millisecond),
		Run: func(context.Context, actionhero.None) error {
			if attempts++; attempts == 1 {
				return errors.New("the mail server is busy")
			}
			fmt.Println("sent in attempt", attempts)
			close(done)
			return nil
		},
	}
	api, err := actionhero.New(actionhero.Config{Backend: local.New(local.Config{}), Log: slog.New(slog.DiscardHandler)}, mail)
	if err != nil {
		fmt.Println(err)
		return
	}
	api.Add(worker.New(api, worker.Config{Workers: 2}))
	ctx := context.Background()
	if err := api.Start(ctx); err != nil {
		fmt.Println(err)
		return
	}
	if _, err := mail.Enqueue(ctx, api, actionhero.None{}); err != nil {
		fmt.Println(err)
		return
	}
	<-done
	fmt.Println(api.Stop(ctx)) // waits for running tasks
	// Output:
	// sent in attempt 2
	// <nil>
}

// With weights, the worker fetches from the queue "mails" first in four of five cases, but "reports" never starves. A queue
// that is not listed is left to other nodes.
func ExampleConfig() {
	cfg := worker.Config{
		Workers: 20,
		Queues:  map[string]int{"mails": 4, "reports": 1},
		Timeout: 10 * time.Minute,
		Grace:   time.Minute,
	}
	api, err := actionhero.New(actionhero.Config{Backend: local.New(local.Config{}), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		fmt.Println(err)
		return
	}
	api.Add(worker.New(api, cfg))
	ctx := context.Background()
	fmt.Println(api.Start(ctx), api.Stop(ctx))
	// Output: <nil> <nil>
}
