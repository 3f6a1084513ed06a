package socketio

import (
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/wire"
	"github.com/actionhero-go/actionhero/transport"
)

// call is a request for an action.
type call struct {
	client *client
	id     []byte // of the requested acknowledgement; nil: none
	req    actionhero.Request
}

var (
	errArgument   = actionhero.Errorf(actionhero.CodeInvalidInput, "the argument of an action must be an object")
	errActionName = actionhero.Errorf(actionhero.CodeInvalidInput, "action must be a string")
	errContent    = actionhero.Errorf(actionhero.CodeInvalidInput, "this action answers with bytes, which are not sent over Socket.IO: ask for them over HTTP")
)

// newCall returns the call for the arguments of an event. Only the first argument counts. If it is invalid, the error is
// in req.Err, so that middleware, limits and the log see the request too.
func newCall(c *client, conn *actionhero.Conn, id, args []byte) *call {
	r := &call{client: c, id: id}
	req := &r.req
	c.api.InitRequest(req, transportName)
	req.Conn, req.RemoteIP = conn, c.ip
	if err := r.params(args); err != nil {
		if arg := firstArgument(args); len(arg) < len(args) { // further arguments are rare, so they are only looked for now
			return newCall(c, conn, id, arg)
		}
		req.Err = err
	} else if c.api.ReturnsContent(req.Action) {
		req.Err = errContent
	}
	return r
}

// params reads the params from the JSON of an argument.
func (r *call) params(object []byte) error {
	switch {
	case object == nil || string(object) == "null":
		return nil
	case jsonx.Object(object):
		return jsonx.Members(object, r.param)
	}
	if err := jsonx.Valid(object); err != nil {
		return err
	}
	return errArgument
}

// param adds one param.
func (r *call) param(key string, raw []byte) error {
	if key == "action" {
		if raw[0] != '"' {
			return errActionName
		}
		if plain, ok := jsonx.Plain(raw); ok {
			r.req.Action = r.client.api.ActionName(plain)
		} else if name, err := jsonx.Unquote(raw); err == nil {
			r.req.Action = name
		}
	}
	return transport.ParamsOf(&r.req.Params).AddJSON(key, raw)
}

// Run implements connloop.Request.
func (r *call) Run() (done bool) {
	defer r.client.recoverPanic(r.id)
	out, err := r.client.api.Dispatch(r.client.ctx, &r.req)
	if content, ok := out.(*actionhero.Content); ok && content != nil {
		_ = content.Close() // of a middleware: newCall refuses actions that return content
		err = errContent
	}
	buf := getBuffer()
	defer putBuffer(buf)
	*buf = appendAnswerHead((*buf)[:0], r.id)
	if err != nil {
		*buf = wire.Error(*buf, err)
	} else {
		*buf = wire.Result(*buf, &r.req, out)
	}
	r.client.sendReply(buf)
	return true
}

// sendReply completes a reply with the ends of its object and array, and queues it.
func (c *client) sendReply(buf *[]byte) {
	*buf = append(*buf, '}', ']')
	c.session.Reply(*buf)
}

// recoverPanic logs a panic in this package and replies with an error, so that the connection stays open. Defer it
// directly.
func (c *client) recoverPanic(id []byte) {
	if p := recover(); p != nil {
		stack := make([]byte, 8<<10)
		c.log().Error("a fault of the server in a Socket.IO request", "panic", fmt.Sprint(p), "stack", string(stack[:runtime.Stack(stack, false)]))
		(&errorReply{c, id, errors.New("a fault of the server")}).Run()
	}
}

// errorReply is the reply to a malformed event.
type errorReply struct {
	client *client
	id     []byte
	err    error
}

// Run implements connloop.Request.
func (r *errorReply) Run() (done bool) {
	buf := getBuffer()
	defer putBuffer(buf)
	*buf = wire.Error(appendAnswerHead((*buf)[:0], r.id), r.err)
	r.client.sendReply(buf)
	return true
}

// connectError is the reply to a connect to an unknown namespace.
type connectError struct {
	client *client
	name   []byte
}

// Run implements connloop.Request.
func (r *connectError) Run() (done bool) {
	buf := getBuffer()
	defer putBuffer(buf)
	*buf = appendConnectError((*buf)[:0], r.name)
	r.client.session.Reply(*buf)
	return true
}

// maxPooledBuffer is the capacity in bytes of the largest buffer that is reused.
const maxPooledBuffer = 64 << 10

var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 1024); return &b }}

func getBuffer() *[]byte { return buffers.Get().(*[]byte) }

func putBuffer(b *[]byte) {
	if cap(*b) <= maxPooledBuffer {
		buffers.Put(b)
	}
}
