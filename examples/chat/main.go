// Command chat is a chat with rules: a user may set a name, one room admits only users with a name, asterisks replace
// swear words, and a user may mute another user. The page in public/ needs no library. In a terminal, `nc localhost
// 5000` joins the chat.
package main

import (
	"github.com/actionhero-go/actionhero/builtin"
	"github.com/actionhero-go/actionhero/cli"
	"github.com/actionhero-go/actionhero/examples/chat/rules"
)

func main() { cli.Main(builtin.All, rules.All) }
