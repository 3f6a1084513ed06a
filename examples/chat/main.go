// Command chat is a chat with rules: clients give themselves a name, one room is for clients with a name, messages are
// cleaned, and each client may mute others. The page in public/ needs no library; nc localhost 5000 takes part as well.
package main

import (
	"github.com/actionhero-go/actionhero/builtin"
	"github.com/actionhero-go/actionhero/cli"
	"github.com/actionhero-go/actionhero/examples/chat/rules"
)

func main() { cli.Main(builtin.All, rules.All) }
