// Command actionhero is the stock server: the built-in actions over every transport, and the files in ./public or the
// embedded start page.
package main

import (
	"github.com/actionhero-go/actionhero/builtin"
	"github.com/actionhero-go/actionhero/cli"
)

func main() { cli.Main(builtin.All) }
