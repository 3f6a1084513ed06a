// Command webhooks is a small app that receives the webhooks of a payment service, and passes its events on to the
// servers of customers. WEBHOOK_SECRET is the secret that it shares with both.
package main

import (
	"os"

	"github.com/actionhero-go/actionhero/builtin"
	"github.com/actionhero-go/actionhero/cli"
	"github.com/actionhero-go/actionhero/examples/webhooks/hooks"
)

func main() {
	cli.Main(builtin.All, hooks.New(hooks.Options{
		Secret:      os.Getenv("WEBHOOK_SECRET"),
		Subscribers: []string{"https://customer.example/events"},
	}).Parts())
}
