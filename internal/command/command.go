// Package command lists the commands that TCP, WebSocket and Socket.IO run without an action. No action can have the name
// of a command. The command "say" is not in the list, because say is also an action, so that HTTP clients can send a
// message to a room.
//
// Clients read the descriptions of the commands with the action actionsView.
package command

import "slices"

// Command is the name of a command that clients send, with the description that the action actionsView returns.
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

// Of returns the commands of the persistent transport with this name. Only "tcp" has the commands for params, because
// only TCP keeps params between requests.
func Of(transport string) []Command {
	if transport == "tcp" {
		return slices.Concat(shared, params)
	}
	return slices.Clone(shared)
}

// Reserved reports whether some transport has a command with this name, so that no action may have the name.
func Reserved(name string) bool {
	is := func(c Command) bool { return c.Name == name }
	return slices.ContainsFunc(shared, is) || slices.ContainsFunc(params, is)
}
