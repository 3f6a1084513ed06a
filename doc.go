// Package actionhero is the vocabulary of an API server on which one writes an action once and serves it over every
// transport: HTTP, HTTPS and TCP now, each the same way.
//
// # Actions
//
// An [Action] is a declaration with a function. Its input is a struct, whose tags are the documentation, the whitelist
// and the check at once; its output is what the client gets:
//
//	var Greet = actionhero.Action[GreetInput, GreetOutput]{
//		Name:        "greet",
//		Description: "Greets somebody",
//		Run: func(ctx context.Context, in GreetInput) (GreetOutput, error) { … },
//	}
//
//	type GreetInput struct {
//		Name  string `json:"name" required:"true" maxLength:"50" doc:"whom to greet"`
//		Times int    `json:"times" minimum:"1" maximum:"10" default:"1"`
//	}
//
// The tags of an input are json (its name), required, default, enum, minimum, maximum, minLength, maxLength, pattern,
// format (email, uri, uuid, date-time, ipv4, ipv6, hostname), minItems, maxItems, doc, example and secret (its value
// is never shown in a log or repeated to the client). A field may be a string, a boolean, a number, a [time.Time], a
// [time.Duration], a *[File], a slice, map, struct or pointer of those, an any, or whatever decodes itself from text or
// JSON. A number or a boolean may arrive as text. An empty string counts as not given.
//
// What depends on a database is a method of what holds the database; Run: users.Create is an action like any other.
//
// # From a request to an answer
//
// A transport reads a [Request] and calls [API.Dispatch], which finds the action, runs the [Middleware] around it,
// decodes and checks its input, runs it, and recovers from a panic. What is enforced there holds for every transport. An
// error with a [Code] reaches the client; any other is logged, and the client learns only that something failed.
//
// # Tasks
//
// A [Task] is work in the background: enqueued by [Task.Enqueue] or [Tasks.Enqueue], kept on disk, run by the server's own
// workers and tried again until it succeeds, later or by a timetable if asked to. It runs through the same middleware
// and checks as an action.
//
// # A server
//
// [New] makes an [API] of its parts, and package server makes one with all its transports and its configuration:
//
//	func main() { cli.Main(builtin.All, actions.All) }
//
// What is shared, the chat [Rooms], the [Cache] and the [Tasks], is kept in a backend: in this process, or in a cluster in a server
// that all nodes reach.
package actionhero
