package cli_test

import (
	"context"
	"fmt"
	"os"

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
