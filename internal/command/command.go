// Package command lists the commands that TCP, WebSocket and Socket.IO run without an action. No action can have the name
// of a command. say is not in the list: it is also an action, so that HTTP clients can send a message to a room.
//
// Clients read the descriptions with the action actionsView.
package command

import "slices"

// Command is a command and its description.
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
