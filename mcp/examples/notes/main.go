// Command notes is a small app whose notes an AI agent reads, writes and deletes. Its README says how to connect one.
package main

import (
	"github.com/actionhero-go/actionhero/builtin"
	"github.com/actionhero-go/actionhero/cli"
	"github.com/actionhero-go/actionhero/mcp"
)

func main() {
	cli.Main(builtin.All, New().Parts(), mcp.New(mcp.Options{Title: "Notes", Instructions: "Search the notes before you write a new one."}))
}
