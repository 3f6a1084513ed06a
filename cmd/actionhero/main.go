// Command actionhero is a server without code of an app. It serves the built-in actions over every transport. It also
// serves the files in ./public, or the embedded start page.
package main

import (
	"github.com/actionhero-go/actionhero/builtin"
	"github.com/actionhero-go/actionhero/cli"
)

func main() { cli.Main(builtin.All) }
