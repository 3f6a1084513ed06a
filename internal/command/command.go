// Package command lists the commands of persistent transports: what TCP, WebSocket and Socket.IO do themselves when a
// client sends the name. No action can have one of these names. `say` is not in the list: it is an action as well, so that
// HTTP clients can say something.
package command

import "slices"

// Command is one command.
type Command struct{ Name, Description string }

var params = []Command{
	{"paramAdd", "keeps a param for all further requests: paramAdd KEY=VALUE"},
	{"paramDelete", "forgets one param: paramDelete KEY"},
	{"paramView", "shows one param: paramView KEY"},
	{"paramsDelete", "forgets all params"},
	{"paramsView", "shows all params"},
}

var shared = []Command{
	{"close", "ends the connection"},
	{"detailsView", "shows what the server knows of this connection"},
	{"exit", "ends the connection"},
	{"quit", "ends the connection"},
	{"roomAdd", "listens to a further chat room"},
	{"roomChange", "moves to another chat room"},
	{"roomLeave", "listens to a further chat room no more"},
	{"roomView", "shows who is in the current chat room"},
}

// Of returns the commands of a persistent transport. Only TCP keeps params between requests.
func Of(transport string) []Command {
	if transport == "tcp" {
		return slices.Concat(shared, params)
	}
	return slices.Clone(shared)
}

// Reserved reports whether name is a command of any transport.
func Reserved(name string) bool {
	is := func(c Command) bool { return c.Name == name }
	return slices.ContainsFunc(shared, is) || slices.ContainsFunc(params, is)
}
