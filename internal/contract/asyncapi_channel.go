package contract

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/actionhero-go/actionhero"
)

// asyncTransport is a persistent transport in a document of AsyncAPI.
type asyncTransport struct {
	name, about string
	correlation string // the member that an answer repeats
	// request returns the payload of a call of an action. name is the schema of its name, and params are those of its inputs.
	request func(name object, params *object, required []string, closed bool) object
	command func(c *asyncCommand) object
	format  string // the media type of a command
}

var nonWord = regexp.MustCompile(`[^A-Za-z0-9_]+`)

var messageID = object{"type": []string{"string", "integer"}, "description": "the same in the request and in its answer"}

var asyncTransports = []asyncTransport{
	{
		name: actionhero.TransportTCP, about: "One line for each message, of JSON or of a command. An answer is a line of JSON.", correlation: "messageCount",
		format: "text/plain", command: lineOf,
		request: func(name object, params *object, required []string, closed bool) object {
			return objectOf(object{"action": name, "params": objectOf(*params, required, closed)}, []string{"action", "params"}, false)
		},
	},
	{
		name: actionhero.TransportWebSocket, about: "One JSON object for each text frame.", correlation: "messageId",
		format: "application/json", command: frameOf,
		request: func(name object, params *object, required []string, closed bool) object {
			params = withAction(name, params)
			return objectOf(object{"event": object{"const": "action"}, "messageId": messageID, "params": objectOf(*params, append(required, "action"), closed)}, []string{"event", "params"}, false)
		},
	},
	{
		name: actionhero.TransportSocketIO, about: "Events of Socket.IO. The name of a message is the name of its event, except in an acknowledgement, which answers a request that asks for one.",
		format: "application/json", command: argumentOf,
		request: func(name object, params *object, required []string, closed bool) object {
			return objectOf(*withAction(name, params), append(required, "action"), closed)
		},
	},
}

func withAction(name object, params *object) *object {
	all := with(*params, object{"action": name})
	return &all
}

// objectOf returns the schema of an object.
func objectOf(properties object, required []string, closed bool) object {
	o := object{"type": "object", "properties": properties}
	if len(required) > 0 {
		o["required"] = required
	}
	if closed {
		o["additionalProperties"] = false
	}
	return o
}

// asyncChannel is the channel of one transport while it is written.
type asyncChannel struct {
	*asyncDocument
	*asyncTransport
	messages object
}

// operation adds a request of clients with its answers.
func (c *asyncChannel) operation(name, summary string, request, answer, more object) {
	to := "#/channels/" + c.name
	wire := name
	if c.name == actionhero.TransportSocketIO && request["name"] != nil {
		wire = request["name"].(string)
	}
	request["name"] = wire
	c.messages[name] = request
	op := object{"action": "receive", "channel": ref(to), "messages": []object{ref(to + "/messages/" + escaped(name))}}
	if summary != "" {
		op["summary"] = summary
	}
	if answer != nil {
		c.failures = true
		answer["name"] = "response"
		c.messages[name+"-answer"] = answer
		c.messages["failure"] = object{"name": "response", "title": "failure", "summary": "The request has failed", "contentType": "application/json", "payload": ref("#/components/schemas/Failure")}
		op["reply"] = object{"channel": ref(to), "messages": []object{ref(to + "/messages/" + escaped(name) + "-answer"), ref(to + "/messages/failure")}}
	}
	for key, value := range more {
		op[key] = value
	}
	c.operations[c.name+"-"+name] = op
}

// escaped returns a name as a part of a JSON pointer.
func escaped(name string) string { return strings.ReplaceAll(name, "~", "~0") }

// action adds the operation of an action.
func (c *asyncChannel) action(info *actionhero.ActionInfo) error {
	in, _ := typesOf(info)
	var input input
	if err := json.Unmarshal(c.types.Body(in), &input); err != nil {
		return err
	}
	names := slices.Collect(maps.Keys(input.Properties))
	if input.requiresFile(names) { // which only HTTP can send
		return nil
	}
	params := object{}
	for _, name := range names {
		if !input.isFile(name) {
			params[name] = input.Properties[name]
		}
	}
	request := object{"name": "action", "title": info.Name, "contentType": "application/json", "payload": c.request(nameOf(info), &params, input.Required, input.Closed != nil)}
	if c.correlation != "" && c.name != actionhero.TransportTCP {
		request["correlationId"] = object{"location": "$message.payload#/" + c.correlation}
	}
	more := object{"x-kind": info.Kind.String(), "x-access": info.Access.String()}
	if info.Description != "" {
		more["description"] = info.Description
	}
	if info.Version > 0 {
		more["x-version"] = info.Version
	}
	if info.Idempotent {
		more["x-idempotent"] = true
	}
	if info.Timeout > 0 {
		more["x-timeout-seconds"] = info.Timeout.Seconds()
	}
	if security := c.security(info); len(security) > 0 {
		more["security"] = security
	}
	if info.IdempotencyKey != actionhero.KeyIgnored {
		more["x-idempotency-key"] = map[bool]string{true: "required", false: "allowed"}[info.IdempotencyKey == actionhero.KeyRequired]
	}
	c.operation(operationID(info), summary(info), request, c.answer(info), more)
	return nil
}

// nameOf returns the schema of the names that run exactly this version of an action.
func nameOf(info *actionhero.ActionInfo) object {
	switch {
	case info.Version == 0:
		return object{"const": info.Name}
	case info.Superseded:
		return object{"const": info.VersionedName()}
	}
	return object{"enum": []string{info.Name, info.VersionedName()}}
}

// security returns what a client must have shown at its handshake, unless each client may run the action.
func (c *asyncChannel) security(info *actionhero.ActionInfo) (list []object) {
	if info.Access.Allows(actionhero.Identity{}) {
		return nil
	}
	for _, scheme := range c.shown.SecuritySchemes {
		if c.name != actionhero.TransportTCP || scheme.Type == "mutualTLS" { // TCP has no headers
			list = append(list, ref("#/components/securitySchemes/"+scheme.Name))
		}
	}
	return list
}

// answer returns the message that answers a call of an action.
func (c *asyncChannel) answer(info *actionhero.ActionInfo) object {
	m := object{"title": info.Name + " answer", "contentType": "application/json"}
	switch {
	case info.ReturnsContent() && c.name == actionhero.TransportTCP:
		m["contentType"], m["summary"] = "application/octet-stream", "The bytes, and the end of the line"
		return m
	case info.ReturnsContent():
		text := object{"type": "string"}
		content := objectOf(object{"name": text, "type": text, "size": object{"type": "integer", "minimum": 0}, "base64": object{"type": "string", "contentEncoding": "base64"}}, []string{"name", "type", "size", "base64"}, false)
		m["payload"] = c.envelope(object{"content": content}, "content")
		return m
	}
	_, out := typesOf(info)
	if out.Type.PkgPath() == "github.com/actionhero-go/actionhero" && out.Type.Name() == "None" {
		m["payload"] = c.envelope(object{"status": object{"const": "OK"}}, "status")
		return m
	}
	m["payload"] = object{"allOf": []any{json.RawMessage(c.types.Schema(out)), c.envelope(object{})}}
	return m
}

// envelope returns the schema of an answer of an action with these members.
func (c *asyncChannel) envelope(members object, required ...string) object {
	members = with(members, object{"context": object{"const": "response"}, "error": object{"const": false}})
	return objectOf(c.correlated(members), append(required, "context", "error"), false)
}

// correlated adds the member by which a client finds the request of an answer.
func (c *asyncChannel) correlated(members object) object {
	switch c.correlation {
	case "messageCount":
		members["messageCount"] = object{"type": "integer", "minimum": 1, "description": "the number of the line of the request"}
	case "messageId":
		members["messageId"] = messageID
	}
	return members
}

// asyncCommand is a command of clients.
type asyncCommand struct {
	name, summary string
	room, text    bool   // it has a room; it has a text
	optional      bool   // the room may be absent
	answer        object // the members of the answer, besides context and status; nil: there is no answer
}

// commands adds the commands about rooms and the connection.
func (c *asyncChannel) commands() {
	text := object{"type": "string"}
	room := object{"room": text}
	status := object{"type": "object", "required": []string{"members", "membersCount"}, "properties": object{
		"members": object{"type": []string{"array", "null"}, "items": text}, "membersCount": object{"type": "integer", "minimum": 0}, "details": object{"type": "object"}}}
	public := object{"type": "object", "required": []string{"id", "connectedAt"}, "properties": object{"id": text, "connectedAt": object{"type": "integer"}}}
	for _, command := range []asyncCommand{
		{name: "roomChange", summary: "Makes a room the current one", room: true, answer: room},
		{name: "roomAdd", summary: "Joins a further room", room: true, answer: room},
		{name: "roomLeave", summary: "Leaves a further room", room: true, answer: room},
		{name: "roomView", summary: "Shows who is in a room", room: true, optional: true, answer: object{"room": text, "roomStatus": status}},
		{name: "say", summary: "Says a text to the others in a room", room: true, optional: true, text: true, answer: object{}},
		{name: "detailsView", summary: "Shows what the server knows of the connection", answer: object{"details": object{"type": "object", "required": []string{"public"}, "properties": object{"public": public}}}},
		{name: "quit", summary: "Ends the connection"},
	} {
		var answer object
		if command.answer != nil {
			members := c.correlated(with(command.answer, object{"context": object{"const": "response"}, "status": object{"const": "OK"}}))
			required := []string{"context", "status"}
			for key := range command.answer {
				required = append(required, key)
			}
			slices.Sort(required)
			answer = object{"title": command.name + " answer", "contentType": "application/json", "payload": objectOf(members, required, false)}
		}
		name := command.name
		if _, taken := c.messages[name]; taken { // the action say of the app
			name += "-command"
		}
		c.operation(name, command.summary, object{"name": command.name, "title": command.name, "contentType": c.format, "payload": c.command(&command)}, answer, nil)
	}
	c.messages["welcome"] = object{"name": "welcome", "contentType": "application/json", "payload": objectOf(c.correlatedWelcome(), []string{"welcome", "context"}, false)}
	to := "#/channels/" + c.name
	c.operations[c.name+"-welcome"] = object{"action": "send", "channel": ref(to), "messages": []object{ref(to + "/messages/welcome")}, "summary": "The first message of a connection"}
}

func (c *asyncChannel) correlatedWelcome() object {
	text := object{"type": "string"}
	members := object{"welcome": text, "room": text, "context": object{"const": "api"}}
	if c.name == actionhero.TransportTCP {
		members["messageCount"] = object{"const": 0}
	}
	return members
}

// lineOf returns the payload of a command over TCP.
func lineOf(c *asyncCommand) object {
	pattern := "^" + c.name
	switch {
	case c.text || c.room && !c.optional:
		pattern += " .+"
	case c.room:
		pattern += "( .+)?"
	}
	words := []string{c.name}
	if c.room && !c.text {
		words = append(words, "defaultRoom")
	} else if c.text {
		words = append(words, "hello")
	}
	return object{"type": "string", "pattern": pattern + "$", "examples": []string{strings.Join(words, " ")}}
}

// frameOf returns the payload of a command over WebSocket.
func frameOf(c *asyncCommand) object {
	members := with(argumentMembers(c), object{"event": object{"const": c.name}, "messageId": messageID})
	return objectOf(members, append(argumentRequired(c), "event"), false)
}

// argumentOf returns the payload of a command over Socket.IO.
func argumentOf(c *asyncCommand) object {
	return objectOf(argumentMembers(c), argumentRequired(c), false)
}

func argumentMembers(c *asyncCommand) object {
	members := object{}
	if c.room {
		members["room"] = object{"type": "string", "minLength": 1, "maxLength": actionhero.MaxRoomName}
	}
	if c.text {
		members["message"] = object{"type": "string"}
	}
	return members
}

func argumentRequired(c *asyncCommand) (names []string) {
	if c.room && !c.optional {
		names = append(names, "room")
	}
	if c.text {
		names = append(names, "message")
	}
	return names
}
