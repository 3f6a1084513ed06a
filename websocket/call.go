package websocket

import (
	"errors"
	"strings"
	"sync"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/connloop"
	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/wire"
	"github.com/actionhero-go/actionhero/internal/ws"
	"github.com/actionhero-go/actionhero/transport"
)

// action is the event that most messages are.
const action = "action"

// maxID is the longest id of a request, in bytes of JSON.
const maxID = 128

// message is what a client asks for: a part of what was read, so good until the next read.
type message struct {
	event  string
	id     []byte // one JSON scalar, nil for none
	params []byte // an object, nil for none
	text   string // what to say
	room   string
	has    bool // a text
}

// read reads a message. The id is there for the answer even if something else is wrong.
func (m *message) read(data []byte) error {
	var wrong error
	err := jsonx.Members(data, func(key string, raw []byte) error {
		if err := m.member(key, raw); err != nil && wrong == nil {
			wrong = err
		}
		return nil
	})
	if err != nil {
		return actionhero.AsError(err)
	}
	return wrong
}

func (m *message) member(key string, raw []byte) (err error) {
	switch key {
	case "event":
		if m.event = action; string(raw) != `"action"` {
			m.event, err = text(key, raw)
		}
	case "id":
		if raw[0] == '{' || raw[0] == '[' || len(raw) > maxID {
			return actionhero.Errorf(actionhero.CodeInvalidInput, "id must be a number or a string, of %d bytes at most", maxID)
		}
		m.id = raw
	case "message":
		m.text, err = text(key, raw)
		m.has = err == nil
	case "room":
		m.room, err = text(key, raw)
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

func text(key string, raw []byte) (string, error) {
	if raw[0] != '"' {
		return "", actionhero.Errorf(actionhero.CodeInvalidInput, "%s must be a string", key)
	}
	return jsonx.Unquote(raw)
}

// message handles one message.
func (ss *session) message(data []byte) connloop.NextResult {
	ss.handler.requests.Add(1)
	var m message
	if err := m.read(data); err != nil && m.event != action {
		ss.refuse(err, m.id)
		return connloop.Handled
	} else if m.event == action {
		ss.loop.Enqueue(ss.call(&m, err))
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
		ss.verb(&m)
	}
	return connloop.Handled
}

// refuse answers a message that is not a request.
func (ss *session) refuse(err error, id []byte) {
	ss.reply(wire.Error(nil, err), id)
	ss.ws.Out.Send()
}

// verb answers what all persistent transports understand.
func (ss *session) verb(m *message) {
	arg := m.room
	if m.event == "say" {
		if arg = m.text; !m.has {
			ss.refuse(actionhero.Errorf(actionhero.CodeInvalidInput, "message is a required key of say"), m.id)
			return
		}
	}
	buf := getBuffer()
	defer putBuffer(buf)
	var ok bool
	if *buf, ok = wire.RunCommand(ss.ctx, (*buf)[:0], ss.handler.api.API, ss.conn, m.event, arg); !ok {
		*buf = wire.Error(*buf, actionhero.Errorf(actionhero.CodeInvalidInput, "%.64s is not a known event: use action, %s or quit", m.event, strings.Join(wire.Commands(), ", ")))
	}
	ss.reply(*buf, m.id)
	ss.ws.Out.Send()
}

// call is one request for an action, on its way through the loop of its connection.
type call struct {
	actionhero.Request
	session *session
	id      []byte
}

// call makes a request of a message; refused is what is wrong with it so far.
func (ss *session) call(m *message, refused error) *call {
	c := &call{session: ss, id: m.id}
	api := ss.handler.api
	api.InitRequest(&c.Request, "websocket")
	c.Conn, c.RemoteIP = ss.conn, ss.ip
	if refused == nil && m.params != nil {
		params := transport.ParamsOf(&c.Params)
		refused = jsonx.Members(m.params, func(key string, raw []byte) error {
			if key == "action" {
				return c.name(raw)
			}
			return params.AddJSON(key, raw)
		})
		if refused != nil {
			refused = actionhero.AsError(refused)
		}
	}
	if refused == nil && api.ReturnsContent(c.Action) {
		refused = errContent
	}
	if c.Action != "" {
		c.Params.Set("action", c.Action)
	}
	c.Err = refused
	return c
}

// errContent is the answer to a request for bytes: a message is one JSON object.
var errContent = actionhero.Errorf(actionhero.CodeInvalidInput, "this action answers with bytes, which are not sent over WebSocket: ask for them over HTTP")

func (c *call) name(raw []byte) error {
	if plain, ok := jsonx.Plain(raw); ok && raw[0] == '"' {
		c.Action = c.session.handler.api.ActionName(plain)
		return nil
	}
	var err error
	c.Action, err = text("action", raw)
	return err
}

// Run implements connloop.Request.
func (c *call) Run() (done bool) {
	ss := c.session
	defer func() {
		if p := recover(); p != nil {
			ss.fault(p)
			ss.reply(wire.Error(nil, errors.New("a fault of the server")), c.id)
			done = true
		}
	}()
	out, err := ss.handler.api.Dispatch(ss.ctx, &c.Request)
	if content, ok := out.(*actionhero.Content); ok && content != nil {
		_ = content.Close()
		err = errContent
	}
	buf := getBuffer()
	defer putBuffer(buf)
	if err != nil {
		*buf = wire.Error((*buf)[:0], err)
	} else {
		*buf = wire.Result((*buf)[:0], &c.Request, out)
	}
	ss.reply(*buf, c.id)
	return true
}

// maxKept is the largest buffer that is kept for the next answer.
const maxKept = 64 << 10

var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 1024); return &b }}

func getBuffer() *[]byte { return buffers.Get().(*[]byte) }

func putBuffer(b *[]byte) {
	if cap(*b) <= maxKept {
		buffers.Put(b)
	}
}
