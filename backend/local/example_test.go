package local_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/local"
)

// The embedded backend needs no server and no settings. Its cluster is one process.
func ExampleNew() {
	api, err := actionhero.New(actionhero.Config{
		Backend: local.New(local.Config{MaxBytes: 64 << 20}), // of cached values
		Log:     slog.New(slog.DiscardHandler),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	if err := api.Start(ctx); err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = api.Stop(ctx) }()
	fmt.Println(api.Cache.Set(ctx, "key", "value", 0))
	// Output: <nil>
}

// With a path, jobs are stored in a folder and survive the end of the process.
func ExampleQueueConfig() {
	folder, err := os.MkdirTemp("", "tasks")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(folder)
	mail := actionhero.Task[actionhero.None]{
		Name: "mail", Description: "Sends a mail",
		Run: func(context.Context, actionhero.None) error { return nil },
	}
	ctx := context.Background()
	for range 2 { // two processes, one after the other
		backend := local.New(local.Config{Queue: local.QueueConfig{Path: folder}})
		api, err := actionhero.New(actionhero.Config{Backend: backend, Log: slog.New(slog.DiscardHandler)}, mail)
		if err != nil {
			fmt.Println(err)
			return
		}
		if err := api.Start(ctx); err != nil {
			fmt.Println(err)
			return
		}
		job, err := mail.Enqueue(ctx, api, actionhero.None{})
		stats, statsErr := api.Tasks.Stats(ctx)
		fmt.Println(job.ID, err, stats.Total.Available, statsErr, api.Stop(ctx))
	}
	// Output:
	// 1 <nil> 1 <nil> <nil>
	// 2 <nil> 2 <nil> <nil>
}

// Repair is for a folder that Open reports as damaged. On an undamaged one it changes nothing.
func ExampleRepair() {
	folder, err := os.MkdirTemp("", "tasks")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(folder)
	b := local.New(local.Config{Queue: local.QueueConfig{Path: folder}})
	ctx := context.Background()
	fmt.Println(b.Open(ctx, backend.Node{ID: "node"}), b.Close(ctx))

	repaired, err := local.Repair(folder)
	fmt.Println(repaired.Jobs, len(repaired.Lost), err)
	// Output:
	// <nil> <nil>
	// 0 0 <nil>
}
