package websocket

import (
	"slices"
	"strings"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/connloop"
	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/wire"
	"github.com/actionhero-go/actionhero/internal/ws"
)

// actionEvent is the value of the member "event" in a message that runs an action. Most messages run an action.
const actionEvent = "action"

// maxID is the greatest length, in bytes of JSON, of the member "id" or "messageId" of a message.
const maxID = 128

// tag identifies a request in its reply: the member "id" or "messageId" of the request, which the reply repeats.
type tag struct {
	value     []byte // a JSON scalar; nil: none
	messageID bool   // the member is "messageId"
}

// reserved returns the names that the output of an action must not have in the reply. With "messageId", a record in the
// output keeps its own "id".
func (t tag) reserved() []string {
	if t.value == nil || t.messageID {
		return nil
	}
	return idName
}

var idName = []string{"id"}

// tagSize is the greatest length of the bytes that tag.append appends.
const tagSize = len(`,"messageId":`) + maxID

func (t tag) append(dst []byte) []byte {
	switch {
	case t.value == nil:
		return dst
	case t.messageID:
		dst = append(dst, `,"messageId":`...)
	default:
		dst = append(dst, `,"id":`...)
	}
	return append(dst, t.value...)
}

// message is one parsed message of a client. The byte slices of a message are parts of the read buffer, so they are
// valid only until the next read.
type message struct {
	event   string
	id      tag
	params  []byte // a JSON object; nil: none
	text    string // the member "message", for the event "say"
	hasText bool
	room    string
	hasRoom bool
	once    string  // the idempotency key; empty: none
	keys    [4]bool // for each element of eventKeys: the message has the key
	unknown *string // the first key that no event has; nil: none
}

// eventKeys are the keys that only some events have. All events have the keys "event" and "id" or "messageId".
var eventKeys = [4]string{"params", "message", "room", "idempotencyKey"}

// keysOf maps each event to the elements of eventKeys that the event may have.
var keysOf = map[string][4]bool{
	actionEvent: {true, false, false, true}, "say": {false, true, true},
	"roomChange": {2: true}, "roomAdd": {2: true}, "roomLeave": {2: true}, "roomView": {2: true},
	"detailsView": {}, "quit": {}, "exit": {}, "close": {},
}

// checkKeys returns an error if the message has a key that its event has not. A key that the server ignored could change
// the meaning of the message: a message to one room would be said in another.
func (m *message) checkKeys() error {
	allowed, known := keysOf[m.event]
	if !known {
		return nil
	}
	key := m.unknown
	for i, has := range m.keys {
		if has && !allowed[i] {
			key = &eventKeys[i]
		}
	}
	if key == nil {
		return nil
	}
	hint := ""
	if m.event == actionEvent {
		hint = ": the params of the action are members of params"
	}
	return actionhero.Errorf(actionhero.CodeInvalidInput, "%.64s is not a key of the event %s%s", *key, m.event, hint)
}

// parse reads the JSON members of data into m and returns the first error. After an error in one member, parse still
// reads the other members, so that the error reply can have the "id".
func (m *message) parse(data []byte) error {
	var first error
	err := jsonx.Members(data, func(key string, raw []byte) error {
		if err := m.member(key, raw); err != nil && first == nil {
			first = err
		}
		return nil
	})
	switch {
	case err != nil:
		return actionhero.AsError(err)
	case first != nil:
		return first
	}
	return m.checkKeys()
}

func (m *message) member(key string, raw []byte) (err error) {
	switch key {
	case "event":
		if m.event = actionEvent; string(raw) != `"action"` {
			m.event, err = stringMember(key, raw)
		}
	case "id", "messageId":
		if raw[0] == '{' || raw[0] == '[' || len(raw) > maxID {
			return actionhero.Errorf(actionhero.CodeInvalidInput, "%s must be a number or a string, of %d bytes at most", key, maxID)
		}
		if m.id.value != nil {
			return actionhero.Errorf(actionhero.CodeInvalidInput, "a request has either id or messageId, not both")
		}
		m.id = tag{raw, key == "messageId"}
	case "params":
		if m.keys[0] = true; string(raw) == "null" {
			return nil
		}
		if m.params = raw; raw[0] != '{' {
			m.params = nil
			return actionhero.Errorf(actionhero.CodeInvalidInput, "params must be an object")
		}
	case "idempotencyKey":
		m.keys[3] = true
		m.once, err = wire.IdempotencyKey(raw)
	case "message":
		m.keys[1] = true
		m.text, err = stringMember(key, raw)
		m.hasText = err == nil
	case "room":
		m.keys[2], m.hasRoom = true, true
		m.room, err = stringMember(key, raw)
	default:
		if m.unknown == nil {
			m.unknown = new(strings.Clone(key))
		}
	}
	return err
}

// stringMember decodes raw, the JSON value of the member with the name key, and returns the string. If raw is not a
// JSON string, stringMember returns an error.
func stringMember(key string, raw []byte) (string, error) {
	if raw[0] != '"' {
		return "", actionhero.Errorf(actionhero.CodeInvalidInput, "%s must be a string", key)
	}
	return jsonx.Unquote(raw)
}

// message handles one message of the client: it queues the request for an action or a command. It returns connloop.Ended
// if the client quits.
func (ss *session) message(data []byte) connloop.NextResult {
	ss.handler.requests.Add(1)
	var m message
	err := m.parse(data)
	switch {
	case m.event == actionEvent:
		ss.loop.Enqueue(ss.newCall(&m, err))
		return connloop.Handled
	case err != nil:
	case m.event == "quit" || m.event == "exit" || m.event == "close":
		ss.quit = &tag{slices.Clone(m.id.value), m.id.messageID}
		ss.end = &ws.CloseError{Code: ws.Normal, Reason: "Bye!"}
		return connloop.Ended
	case m.event == "":
		err = actionhero.Errorf(actionhero.CodeInvalidInput, "event is a required key of a request")
	case m.event == "say" && !m.hasText:
		err = actionhero.Errorf(actionhero.CodeInvalidInput, "message is a required key of say")
	}
	ss.loop.Enqueue(&command{ss, m.event, wire.Args{Room: m.room, NamesRoom: m.hasRoom, Text: m.text}, m.id, err})
	return connloop.Handled
}

// command is a request that runs one of the commands that all persistent transports have. It waits in the queue of the
// loop, so a command starts after the actions that came before it. The commands of a client run one after the other, even
// if one is slow: what a client says after a roomChange must not reach the room that the client leaves.
type command struct {
	session *session
	name    string
	args    wire.Args
	id      tag
	err     error // the error of the message, or nil
}

// Run implements connloop.Request. If an earlier command of the client is running, the goroutine of that command runs c.
func (c *command) Run() (done bool) { return c.session.commands.Run(&c.session.loop, c) }

// Do implements connloop.Job. It runs the command and queues the reply.
func (c *command) Do() {
	ss, answered := c.session, false
	defer ss.answerFault(c.id, &answered)
	if _, limited := ss.handler.api.Admit(ss.ip); limited != nil { // for actions, Dispatch counts
		c.err = limited
	}
	buf := getBuffer()
	defer putBuffer(buf)
	object, failure := (*buf)[:0], (*actionhero.Error)(nil)
	if c.err != nil {
		object, failure = wire.Failed(object, c.err)
	} else {
		object, failure = wire.RunCommand(ss.loop.Context(), object, ss.handler.api.API, ss.conn, c.name, c.args)
	}
	*buf = ss.answer(object, failure, c.id)
	answered = true
}
