// Command actionhero is the stock server: the built-in actions over every transport, and the files of ./public or a
// start page of its own.
package main

import (
	"github.com/actionhero-go/actionhero/builtin"
	"github.com/actionhero-go/actionhero/server"
)

func main() { server.Main(builtin.All) }
