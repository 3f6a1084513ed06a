package actionhero_test

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend/local"
)

// An Initializer owns a resource, such as a database pool, that starts before anything listens and stops after all
// requests have ended. Setup adds middleware, accepted params and further parts.
func ExampleInitializer() {
	database := actionhero.Initializer{
		Name: "database",
		Setup: func(api *actionhero.API) error {
			fmt.Println("set up once")
			api.Accept("locale")
			return api.Register(add)
		},
		Start: func(context.Context, *actionhero.API) error { fmt.Println("connected"); return nil },
		Stop:  func(context.Context, *actionhero.API) error { fmt.Println("disconnected"); return nil },
	}
	api, stop := startAPI(database)
	fmt.Println(add.Call(context.Background(), api, addInput{A: 1, B: 2}))
	stop()
	// Output:
	// set up once
	// connected
	// {3} <nil>
	// disconnected
}

// Parts are lists of parts, so each package of an app can export one list.
func ExampleParts() {
	actions := actionhero.Parts{add}
	initializers := actionhero.Parts{actionhero.Initializer{Name: "metrics"}}
	all := actionhero.Parts{actions, initializers}

	api, stop := startAPI(all)
	defer stop()
	fmt.Println(len(api.Actions()))
	// Output: 1
}

// ticker is a component: it starts and stops a goroutine of the app.
type ticker struct {
	cancel context.CancelFunc
	done   chan struct{}
}

func (t *ticker) Start(context.Context) error {
	ctx, cancel := context.WithCancel(context.Background())
	t.cancel, t.done = cancel, make(chan struct{})
	go func() {
		defer close(t.done)
		t.run(ctx)
	}()
	fmt.Println("the ticker starts")
	return nil
}

func (t *ticker) run(ctx context.Context) {
	ticks := time.NewTicker(time.Minute)
	defer ticks.Stop()
	for {
		select {
		case <-ticks.C: // the work
		case <-ctx.Done():
			return
		}
	}
}

// Stop waits for the goroutine, so nothing of the component runs after it.
func (t *ticker) Stop(ctx context.Context) error {
	t.cancel()
	select {
	case <-t.done:
		fmt.Println("the ticker has stopped")
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Started makes the ticker a StartHook.
func (t *ticker) Started() { fmt.Println("all components have started") }

// A Component starts and stops with the API. Add it before Start.
func ExampleAPI_Add() {
	api, err := actionhero.New(actionhero.Config{Backend: local.New(local.Config{}), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		fmt.Println(err)
		return
	}
	api.Add(&ticker{})
	ctx := context.Background()
	fmt.Println(api.Start(ctx))
	fmt.Println(api.Stop(ctx))
	// Output:
	// the ticker starts
	// all components have started
	// <nil>
	// the ticker has stopped
	// <nil>
}

// Run starts the API and blocks until the process receives SIGINT or SIGTERM, or ctx ends. Then it stops the API.
func ExampleAPI_Run() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ready := actionhero.Initializer{
		Name:  "ready",
		Start: func(context.Context, *actionhero.API) error { fmt.Println("running"); cancel(); return nil },
		Stop:  func(context.Context, *actionhero.API) error { fmt.Println("stopped"); return nil },
	}
	api, err := actionhero.New(actionhero.Config{Backend: local.New(local.Config{}), Log: slog.New(slog.DiscardHandler)}, ready)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(api.Run(ctx))
	// Output:
	// running
	// stopped
	// <nil>
}

// A section of the statistics appears in the answer of the action status.
func ExampleStats_Section() {
	api, stop := startAPI()
	defer stop()
	api.Stats.Section("shop", func(context.Context) (any, error) {
		return map[string]int{"openOrders": 3}, nil
	})

	report, err := api.Stats.Report(context.Background())
	fmt.Println(report["shop"], err)
	// Output: map[openOrders:3] <nil>
}
