package cli_test

import (
	"context"
	"fmt"
	"os"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/builtin"
	"github.com/actionhero-go/actionhero/cli"
)

// The main function of an app with a command of its own. `app paths` prints the actions that have a route.
func ExampleCommand() {
	var paths = cli.Command{
		Name: "paths", Short: "List the actions with a path",
		Run: func(_ context.Context, env *cli.Env) error {
			s, err := env.Server()
			if err != nil {
				return err
			}
			for _, action := range s.Actions() {
				if action.Route != "" {
					fmt.Fprintln(env.Stdout, action.Route, "is", action.Name)
				}
			}
			return nil
		},
	}
	user := actionhero.Action[actionhero.None, actionhero.None]{
		Name: "user", Route: "GET /users/me",
		Run: func(_ context.Context, n actionhero.None) (actionhero.None, error) { return n, nil },
	}

	os.Args = []string{"app", "paths"} // the command line
	if code := cli.Run(context.Background(), os.Stdout, os.Stderr, os.Args, builtin.All, user, paths); code != 0 {
		os.Exit(code) // cli.Main(builtin.All, user, paths) does all this
	}
	// Output: GET /users/me is user
}
