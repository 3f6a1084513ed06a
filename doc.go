// Package actionhero is a framework for API servers. A program declares an [Action] once, and the server serves it over
// HTTP, HTTPS, TCP, WebSocket and Socket.IO, on the command line, and as a background [Task]. Chat [Rooms], a [Cache] and a
// queue of [Tasks] are included.
//
// Begin with the section "Five minutes" below, then read [Action] and [Task]. The last section lists the other packages.
//
// # Five minutes
//
// An app is a list of parts. This is a complete app:
//
//	package main
//
//	import (
//		"context"
//
//		"github.com/actionhero-go/actionhero"
//		"github.com/actionhero-go/actionhero/builtin"
//		"github.com/actionhero-go/actionhero/cli"
//	)
//
//	type GreetInput struct {
//		Name  string `json:"name" required:"true" maxLength:"50" doc:"the name to greet"`
//		Times int    `json:"times" minimum:"1" maximum:"10" default:"1"`
//	}
//
//	type GreetOutput struct {
//		Greeting string `json:"greeting"`
//	}
//
//	var greet = actionhero.Action[GreetInput, GreetOutput]{
//		Name:        "greet",
//		Description: "Greets a person",
//		Run: func(ctx context.Context, in GreetInput) (GreetOutput, error) {
//			return GreetOutput{"Hello, " + in.Name + "!"}, nil
//		},
//	}
//
//	func main() { cli.Main(builtin.All, greet) }
//
// Start it with `go run . start`. Then `curl 'localhost:8080/api/greet?name=Ann'` calls the action over HTTP, and the line
// `{"action":"greet","params":{"name":"Ann"}}` in `nc localhost 5000` calls it over TCP.
//
// # Inputs and outputs
//
// An input is a struct. The tags of its fields document the inputs, decide which params are accepted, and check their
// values:
//
//   - json: the name of the input
//   - required, default, enum
//   - minimum, maximum: of a number
//   - minLength, maxLength, pattern, format (email, uri, uuid, date, date-time, ipv4, ipv6, hostname): of a string
//   - minItems, maxItems: of a list
//   - doc, example: for people
//   - secret: logs and answers never show the value, at any depth
//
// A field is a string, a boolean, a number, a [time.Time], a [time.Duration], a *[File], a slice, map, struct or pointer of
// these, an any, or a type that decodes itself from text or JSON. A number or a boolean may arrive as text. An empty string
// and null count as missing. An [Optional] tells null from a missing member. A [Date] is a day without a time.
//
// To give an action a database or another dependency, put the dependency into a struct and set Run to a method of that
// struct, for example Run: users.Create. A dependency that starts and stops with the API is a [Value]: an [Initializer]
// provides it with [Provide], and gets those of others with [Use].
//
// An output is a struct or a map with string keys; or a *[Content] for a stream of bytes.
//
// # Requests
//
// A transport reads a [Request]. The API then finds the action, runs the [Middleware] around it, decodes and checks its
// input, runs the action, and recovers from a panic. All of this applies to every transport. [RequestFrom] returns the request
// inside of an action. An [Error] with a [Code] reaches the client; any other error is logged and reaches the client as an
// internal error.
//
// # Background work
//
// [Task.Enqueue] and [Tasks.Enqueue] store a job. The job is durable: it survives the end of the process, and the server's
// workers retry it until it succeeds. Frequency and Cron run a task on a schedule. The middleware and
// the input checks of actions apply to tasks, too.
//
// # Clusters
//
// Several processes with one shared backend are the nodes of a cluster. Rooms, cache and tasks need no change.
// [Cluster] lists the nodes, a [NodeCall] calls the other ones, and [Conns] reaches a connection on any node.
//
// # Packages
//
//	actionhero        what apps declare and call: actions, tasks, rooms, cache, errors
//	cli               Main: the command line of an app
//	server            New: an API with all transports, from a configuration
//	builtin           actions and tasks that come with the server
//	actionherotest    tests of actions, tasks and rooms
//	web               HTTP and HTTPS: cookies, headers, redirects, uploads, Mount
//	tcp, websocket, socketio, worker    the other transports, and the runner of tasks
//	transport         for authors of a transport
//	backend           the storage seam; backend/local is the embedded backend
//	auth, auth/oidc   sessions, passwords, API keys; tokens of OpenID issuers, a module of its own
//	mcp               actions as tools of AI agents; a module of its own
//	plugins/sqlite    a database with migrations; a module of its own
//
// docs/guide.md has a chapter for each of these.
package actionhero
