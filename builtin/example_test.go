package builtin_test

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/builtin"
)

// An app lists All next to its own parts: cli.Main(builtin.All, actions.All).
func Example() {
	api, err := actionhero.New(actionhero.Config{Backend: local.New(local.Config{}), Log: slog.New(slog.DiscardHandler)}, builtin.Stock)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, action := range api.Actions() {
		fmt.Println(action.Name)
	}
	for _, task := range api.Tasks.Registered() {
		fmt.Println("task", task.Name)
	}
	// Output:
	// actionClusterCacheTest
	// actionsView
	// cacheTest
	// file
	// randomNumber
	// say
	// status
	// task runAction
}

// An app may also list some of the actions only, and call them.
func Example_some() {
	api, err := actionhero.New(actionhero.Config{Backend: local.New(local.Config{}), Log: slog.New(slog.DiscardHandler)},
		builtin.Status, builtin.RandomNumber)
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

	out, err := builtin.RandomNumber.Call(ctx, api, actionhero.None{})
	fmt.Println(out.RandomNumber >= 0 && out.RandomNumber < 1, err)
	// Output: true <nil>
}

// The task runAction runs an action later, with the params of the action next to its name.
func Example_runAction() {
	api, err := actionhero.New(actionhero.Config{Backend: local.New(local.Config{}), Log: slog.New(slog.DiscardHandler)}, builtin.Stock)
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

	params := map[string]string{"action": "cacheTest", "key": "k", "value": "v"}
	_, err = api.Tasks.Enqueue(ctx, "runAction", params, actionhero.After(time.Hour))
	fmt.Println(err)
	fmt.Println(api.Tasks.Run(ctx, "runAction", params)) // at once, without a job
	// Output:
	// <nil>
	// <nil>
}

// CleanLogFiles is a task for an app that logs into a folder of its own.
func ExampleCleanLogFiles() {
	clean := builtin.CleanLogFiles("./log", "api.log", 10<<20)
	fmt.Println(clean.Name, clean.Scope, clean.Frequency)
	// Output: cleanLogFiles all 1m0s
}
