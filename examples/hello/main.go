// Command hello is a small app: two actions of its own, one with a database behind it, and a middleware that asks every
// client for an API key, whichever transport it comes over.
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
