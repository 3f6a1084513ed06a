package contract

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/schema"
)

// Listener is an address at which a persistent transport listens.
type Listener struct {
	Name        string // in the document, such as "tcpTLS"
	Transport   string // such as [actionhero.TransportTCP]
	Protocol    string // such as "wss"
	Port        int    // 0 or less: unknown
	Path        string // "" for TCP
	Description string
}

// asyncDocument is a document of AsyncAPI while it is written.
type asyncDocument struct {
	types      *schema.Document
	shown      actionhero.Description
	channels   map[string]object
	operations map[string]object
	failures   bool // an operation may answer a failure
}

// AsyncAPI returns a document of AsyncAPI 3.0 about the actions and events in shown, over the transports of the listeners.
// all is the whole app: a type has the same name in the documents of all callers.
func AsyncAPI(all, shown actionhero.Description, listeners []Listener) ([]byte, error) {
	d := &asyncDocument{types: asyncTypes(&all), shown: shown, channels: map[string]object{}, operations: map[string]object{}}
	servers := object{}
	of := map[string][]object{} // by transport
	for _, l := range listeners {
		servers[l.Name] = l.server()
		of[l.Transport] = append(of[l.Transport], ref("#/servers/"+l.Name))
	}
	for _, t := range asyncTransports {
		if of[t.name] != nil {
			if err := d.transport(&t, of[t.name]); err != nil {
				return nil, err
			}
		}
	}
	if len(listeners) > 0 {
		d.rooms(slices.Concat(of[asyncTransports[0].name], of[asyncTransports[1].name], of[asyncTransports[2].name]))
	}
	doc := object{
		"asyncapi": "3.0.0", "defaultContentType": "application/json",
		"info":     object{"title": shown.Name, "version": shown.Version, "description": "The actions and rooms of the server, over its persistent transports."},
		"channels": d.channels, "operations": d.operations, "components": d.components(),
	}
	if len(servers) > 0 {
		doc["servers"] = servers
	}
	return json.Marshal(doc)
}

// asyncTypes returns the names of all types of the app. An action or an event has the same one in each document.
func asyncTypes(all *actionhero.Description) *schema.Document {
	var uses []schema.Use
	for i := range all.Actions {
		in, out := typesOf(&all.Actions[i])
		uses = append(uses, in, out)
	}
	for i := range all.Events {
		uses = append(uses, schema.Use{Type: all.Events[i].Type(), Output: true})
	}
	return schema.NewDocument("#/components/schemas/", uses, reflect.TypeFor[actionhero.File](), "Failure")
}

func ref(to string) object { return object{"$ref": to} }

func (l *Listener) server() object {
	port := object{"description": "the port of the server"}
	if l.Port > 0 {
		port["default"] = strconv.Itoa(l.Port)
	}
	s := object{
		"host": "{host}:{port}", "protocol": l.Protocol, "description": l.Description,
		"variables": object{"host": object{"default": "localhost", "description": "the host of the server"}, "port": port},
	}
	if l.Path != "" {
		s["pathname"] = l.Path
	}
	return s
}

// transport adds the channel of a transport, with the operations of its actions and commands.
func (d *asyncDocument) transport(t *asyncTransport, servers []object) error {
	c := &asyncChannel{asyncDocument: d, asyncTransport: t, messages: object{}}
	for i := range d.shown.Actions {
		info := &d.shown.Actions[i]
		if !info.IsOver(t.name) || info.EventData() != nil {
			continue
		}
		if err := c.action(info); err != nil {
			return fmt.Errorf("action %q: %w", info.Name, err)
		}
	}
	c.commands()
	d.channels[t.name] = object{"address": nil, "description": t.about, "servers": servers, "messages": c.messages}
	return nil
}

// rooms adds a channel for each room or pattern of rooms: one for all rooms, and those of the events.
func (d *asyncDocument) rooms(servers []object) {
	of := func(room string, params []string) (name string, c object) {
		name = "room-" + strings.Trim(nonWord.ReplaceAllString(room, "-"), "-")
		for base, i := name, 2; d.channels[name] != nil && d.channels[name]["address"] != room; i++ {
			name = fmt.Sprint(base, "-", i)
		}
		if d.channels[name] == nil {
			d.channels[name] = object{"address": room, "servers": servers, "messages": object{}}
			if len(params) > 0 {
				all := object{}
				for _, p := range params {
					all[p] = object{"description": "one character or more of the name of the room"}
				}
				d.channels[name]["parameters"] = all
			}
		}
		return name, d.channels[name]
	}
	name, c := of("{room}", []string{"room"})
	c["description"] = "What the members of any room read."
	c["messages"].(object)["said"] = roomMessage("said", "A client or the server speaks, or a client enters or leaves the room.", object{}, "a text, or the JSON value of Rooms.Broadcast")
	d.operations["room-said"] = object{
		"action": "send", "channel": ref("#/channels/" + name), "messages": []object{ref("#/channels/" + name + "/messages/said")},
		"summary": "A message to the members of a room, except the client that says it",
	}
	for i := range d.shown.Events {
		e := &d.shown.Events[i]
		name, c := of(e.Room, e.Params)
		data := json.RawMessage(d.types.Value(schema.Use{Type: e.Type(), Output: true}))
		text := object{
			"type": "object", "required": []string{"event", "data"},
			"properties": object{"event": object{"const": e.Name}, "data": data},
		}
		c["messages"].(object)[e.Name] = roomMessage(e.Name, e.Description, text, "")
		op := object{"action": "send", "channel": ref("#/channels/" + name), "messages": []object{ref("#/channels/" + name + "/messages/" + e.Name)}}
		if e.Description != "" {
			op["summary"] = strings.TrimSuffix(e.Description, ".")
		}
		d.operations["event-"+e.Name] = op
	}
}

// roomMessage returns a message to the members of a room. text is the schema of its member message.
func roomMessage(name, summary string, text object, about string) object {
	if about != "" {
		text = with(text, object{"description": about})
	}
	m := object{
		"name": name, "contentType": "application/json",
		"payload": object{
			"type": "object", "required": []string{"message", "from", "context"},
			"properties": object{
				"message": text, "from": object{"type": "string", "description": "the id of the client that speaks, the name of the server, or web"},
				"context": object{"const": "user"}, "room": object{"type": "string", "description": "the room, if it is not the current room of the client"},
				"messageCount": object{"type": "integer", "minimum": 0, "description": "over TCP: the number of lines of the client"},
			},
		},
	}
	if summary != "" {
		m["summary"] = strings.TrimSuffix(summary, ".")
	}
	return m
}

// components returns the types, the failure and the security schemes to which the document refers.
func (d *asyncDocument) components() object {
	schemas := object{}
	if d.failures {
		schemas["Failure"] = asyncFailure()
	}
	for name, text := range d.types.Definitions() {
		schemas[name] = json.RawMessage(text)
	}
	c := object{"schemas": schemas}
	schemes := object{}
	for _, s := range d.shown.SecuritySchemes {
		schemes[s.Name] = asyncScheme(&s)
	}
	if len(schemes) > 0 {
		c["securitySchemes"] = schemes
	}
	return c
}

// asyncScheme returns a security scheme in the words of AsyncAPI.
func asyncScheme(s *actionhero.SecurityScheme) object {
	one := object{}
	switch s.Type {
	case "http":
		one["type"], one["scheme"] = "http", s.Scheme
	case "apiKey":
		one["type"], one["in"], one["name"] = "httpApiKey", s.In, s.Key
	default:
		one["type"] = "X509"
	}
	if s.Description != "" {
		one["description"] = s.Description
	}
	return one
}

// asyncFailure is the schema of an answer with an error.
func asyncFailure() object {
	text := object{"type": "string"}
	detail := object{"type": "object", "properties": object{"field": text, "rule": text, "message": text}, "required": []string{"field", "rule", "message"}}
	codes := slices.Sorted(maps.Keys(codeNames()))
	return object{
		"type": "object", "required": []string{"context", "error", "errorCode"},
		"properties": object{
			"context": object{"const": "response"}, "error": text, "errorCode": object{"enum": codes},
			"errorDetails": object{"type": "array", "items": detail}, "retryAfter": object{"type": "integer", "minimum": 0},
			"messageId": messageID, "messageCount": object{"type": "integer", "minimum": 0},
		},
	}
}

// codeNames returns the names of the codes of errors.
func codeNames() map[string]bool {
	names := map[string]bool{}
	for _, f := range failures {
		for _, code := range f.codes {
			names[code.String()] = true
		}
	}
	names[actionhero.CodeCanceled.String()] = true
	return names
}
