package websocket

import (
	"strings"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/connloop"
	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/wire"
	"github.com/actionhero-go/actionhero/internal/ws"
)

// actionEvent is the value of the member "event" in a message that runs an action. Most messages run an action.
const actionEvent = "action"

// maxID is the greatest length, in bytes of JSON, of the member "id" of a message.
const maxID = 128

// message is one parsed message of a client. The byte slices of a message are parts of the read buffer, so they are
// valid only until the next read.
type message struct {
	event   string
	id      []byte // a JSON scalar; nil: none
	params  []byte // a JSON object; nil: none
	text    string // the member "message", for the event "say"
	hasText bool
	room    string
	hasRoom bool
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
	if err != nil {
		return actionhero.AsError(err)
	}
	return first
}

func (m *message) member(key string, raw []byte) (err error) {
	switch key {
	case "event":
		if m.event = actionEvent; string(raw) != `"action"` {
			m.event, err = stringMember(key, raw)
		}
	case "id":
		if raw[0] == '{' || raw[0] == '[' || len(raw) > maxID {
			return actionhero.Errorf(actionhero.CodeInvalidInput, "id must be a number or a string, of %d bytes at most", maxID)
		}
		m.id = raw
	case "message":
		m.text, err = stringMember(key, raw)
		m.hasText = err == nil
	case "room":
		m.room, err = stringMember(key, raw)
		m.hasRoom = err == nil
	case "params":
		if string(raw) == "null" {
			return nil
		}
		if m.params = raw; raw[0] != '{' {
			m.params = nil
			return actionhero.Errorf(actionhero.CodeInvalidInput, "params must be an object")
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

// message handles one message of the client: it queues the request for an action, runs a command, or replies with an
// error. It returns connloop.Ended if the client quits.
func (ss *session) message(data []byte) connloop.NextResult {
	ss.handler.requests.Add(1)
	var m message
	if err := m.parse(data); err != nil && m.event != actionEvent {
		ss.refuse(err, m.id)
		return connloop.Handled
	} else if m.event == actionEvent {
		ss.loop.Enqueue(ss.newCall(&m, err))
		return connloop.Handled
	}
	switch m.event {
	case "quit", "exit", "close":
		ss.reply(wire.Status(nil, "Bye!"), m.id)
		ss.end = &ws.CloseError{Code: ws.Normal, Reason: "Bye!"}
		return connloop.Ended
	case "":
		ss.refuse(actionhero.Errorf(actionhero.CodeInvalidInput, "event is a required key of a request"), m.id)
	default:
		ss.command(&m)
	}
	return connloop.Handled
}

// refuse sends the error err as the reply to an invalid message. id is the id of the message, or nil if the message has
// no id.
func (ss *session) refuse(err error, id []byte) {
	ss.reply(wire.Error(nil, err), id)
	ss.ws.Out.Send()
}

// command runs the command m.event, one of the commands that all persistent transports have, and sends the reply.
func (ss *session) command(m *message) {
	if m.event == "say" && !m.hasText {
		ss.refuse(actionhero.Errorf(actionhero.CodeInvalidInput, "message is a required key of say"), m.id)
		return
	}
	buf := getBuffer()
	defer putBuffer(buf)
	var ok bool
	if *buf, _, ok = wire.RunCommand(ss.loop.Context(), (*buf)[:0], ss.handler.api.API, ss.conn, m.event, wire.Args{Room: m.room, NamesRoom: m.hasRoom, Text: m.text}); !ok {
		*buf = wire.Error(*buf, actionhero.Errorf(actionhero.CodeInvalidInput, "%.64s is not a known event: use action, %s or quit", m.event, strings.Join(wire.Commands(), ", ")))
	}
	ss.reply(*buf, m.id)
	ss.ws.Out.Send()
}
