package websocket

import (
	"errors"
	"sync"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/poison"
	"github.com/actionhero-go/actionhero/internal/wire"
	"github.com/actionhero-go/actionhero/transport"
)

// call is one request of a client to run an action.
type call struct {
	actionhero.Request
	session *session
	id      tag
}

// newCall returns the call for m, a message with the event "action". err is the error that parsing m has returned, or
// nil. If m or its params are invalid, the field Err of the call holds the error.
func (ss *session) newCall(m *message, err error) *call {
	c := &call{session: ss, id: m.id}
	api := ss.handler.api
	api.InitRequest(&c.Request, "websocket")
	c.Conn, c.RemoteIP, c.IdempotencyKey = ss.conn, ss.ip, m.once
	if err == nil && m.params != nil {
		params := transport.ParamsOf(&c.Params)
		err = jsonx.Members(m.params, func(key string, raw []byte) error {
			if key == "action" {
				return c.setAction(raw)
			}
			return params.AddJSON(key, raw)
		})
		if err != nil {
			err = actionhero.AsError(err)
		}
	}
	if c.Action != "" {
		c.Params.Set("action", c.Action)
	}
	c.Err = err
	return c
}

func (c *call) setAction(raw []byte) error {
	if plain, ok := jsonx.Plain(raw); ok && raw[0] == '"' {
		c.Action = c.session.handler.api.ActionName(plain)
		return nil
	}
	var err error
	c.Action, err = stringMember("action", raw)
	return err
}

// Run implements connloop.Request. It runs the action and queues the reply.
func (c *call) Run() (done bool) {
	done = true // also after a panic
	ss, answered := c.session, false
	defer ss.answerFault(c.id, &answered)
	out, err := ss.handler.api.Dispatch(ss.loop.Context(), &c.Request)
	buf := getBuffer()
	defer putBuffer(buf)
	object, failure := (*buf)[:0], (*actionhero.Error)(nil)
	if content, ok := out.(*actionhero.Content); err != nil {
		object, failure = wire.Failed(object, err)
	} else if ok && content != nil {
		object, failure = wire.Content(ss.loop.Context(), object, &c.Request, content, wire.ContentLimits{Bytes: ss.handler.cfg.MaxContentBytes, Time: ss.handler.cfg.WriteTimeout})
	} else {
		object, failure = wire.Result(object, &c.Request, out, c.id.reserved()...)
	}
	*buf = ss.answer(object, failure, c.id)
	answered = true
	return done
}

// answerFault answers a request with an internal error, unless the request is answered: after a panic, or after the code
// of the app has ended the goroutine with runtime.Goexit. Run functions must defer answerFault directly, because recover
// stops a panic only if the deferred function itself calls recover.
func (ss *session) answerFault(id tag, answered *bool) {
	if *answered {
		return
	}
	if p := recover(); p != nil {
		ss.logPanic(p)
	}
	ss.fail(errPanic, id)
}

// errPanic is the error of a request if package websocket panics while it handles the request. The client receives an
// internal error without the text of errPanic.
var errPanic = errors.New("a panic in package websocket")

// maxPooled is the largest capacity, in bytes, of a buffer that putBuffer returns to the pool.
const maxPooled = 64 << 10

var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 1024); return &b }}

func getBuffer() *[]byte { return buffers.Get().(*[]byte) }

func putBuffer(b *[]byte) {
	if poison.Bytes(*b); cap(*b) <= maxPooled {
		buffers.Put(b)
	}
}
