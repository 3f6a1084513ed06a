// Command chat is a chat with rules: people give themselves a name, one room is for members alone, messages are cleaned,
// and everybody may mute somebody. The page in public/ needs no library; nc localhost 5000 takes part as well.
package main

import (
	"github.com/actionhero-go/actionhero/builtin"
	"github.com/actionhero-go/actionhero/cli"
	"github.com/actionhero-go/actionhero/examples/chat/rules"
)

func main() { cli.Main(builtin.All, rules.All) }
