// Command chat is a chat with rules: a user may set a name, one room admits only users with a name, swear words are
// replaced, and a user may mute another. The page in public/ needs no library. A terminal joins with nc localhost 5000.
package main

import (
	"github.com/actionhero-go/actionhero/builtin"
	"github.com/actionhero-go/actionhero/cli"
	"github.com/actionhero-go/actionhero/examples/chat/rules"
)

func main() { cli.Main(builtin.All, rules.All) }
