// Command desk is a support desk: customers open tickets, agents answer them, and both see each answer at once. README.md
// says how to run it.
package main

import (
	"github.com/actionhero-go/actionhero/cli"
	"github.com/actionhero-go/actionhero/examples/desk/support"
)

func main() { cli.Main(support.All, support.Outside) }
