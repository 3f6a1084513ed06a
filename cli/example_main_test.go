package cli_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/builtin"
	"github.com/actionhero-go/actionhero/cli"
)

// The main function of an app. `app start` starts its server, `app help` lists the other commands.
func ExampleMain() {
	hello := actionhero.Action[actionhero.None, map[string]string]{
		Name: "hello", Description: "Greets",
		Run: func(context.Context, actionhero.None) (map[string]string, error) {
			return map[string]string{"greeting": "Hello"}, nil
		},
	}
	main := func() { cli.Main(builtin.All, hello) }
	_ = main
}

// Run is Main for a command line that is not the one of the process. It returns the exit code.
func ExampleRun() {
	ctx := context.Background()
	fmt.Println(cli.Run(ctx, os.Stdout, os.Stdout, []string{"app", "actions"}, builtin.RandomNumber))
	fmt.Println(cli.Run(ctx, os.Stdout, os.Stdout, []string{"app", "strat"}, builtin.RandomNumber))
	// Output:
	// randomNumber (read)  Returns a random number: below 1, or below 10, 100 or 1000 for PUT, POST and DELETE
	// 0
	// Error: unknown command "strat" for "app"
	//
	// Did you mean this?
	// 	start
	//
	// 1
}

// The command `action` runs one action in this process: the output is JSON, and the exit code says what is wrong.
func ExampleRun_action() {
	type input struct {
		A, B int
	}
	add := actionhero.Action[input, map[string]int]{
		Name: "add", Run: func(_ context.Context, in input) (map[string]int, error) {
			return map[string]int{"sum": in.A + in.B}, nil
		},
	}
	folder, err := os.MkdirTemp("", "app")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(folder)
	config := filepath.Join(folder, "config.json")
	if err := os.WriteFile(config, []byte(`{"tasks": {"memory": true}}`), 0o600); err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	fmt.Println(cli.Run(ctx, os.Stdout, io.Discard, []string{"app", "--config", config, "action", "add", "--A=1", "--B=2"}, add))
	fmt.Println(cli.Run(ctx, os.Stdout, io.Discard, []string{"app", "--config", config, "action", "add", "--A=one"}, add))
	// Output:
	// {"sum":3}
	// 0
	// 2
}
