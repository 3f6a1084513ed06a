// Command hello is a small app: two actions, one of which uses a database, and a middleware that requires an API key on
// every transport. The environment variable HELLO_API_KEY holds the key.
package main

import (
	"os"

	"github.com/actionhero-go/actionhero/builtin"
	"github.com/actionhero-go/actionhero/cli"
	"github.com/actionhero-go/actionhero/examples/hello/actions"
)

func main() {
	users := actions.NewUsers(actions.NewMemoryDB())
	cli.Main(builtin.All, actions.All(users), actions.APIKey(os.Getenv("HELLO_API_KEY")))
}
