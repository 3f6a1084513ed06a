package socketio

import (
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/poison"
	"github.com/actionhero-go/actionhero/internal/wire"
	"github.com/actionhero-go/actionhero/transport"
)

// call is one request of a client to run an action.
type call struct {
	member *member
	id     string // number of the requested acknowledgement, a part of the packet; "": none
	req    actionhero.Request
}

// ack returns the digits of the acknowledgement number, or nil if there is none.
func (r *call) ack() []byte {
	if r.id == "" {
		return nil
	}
	return jsonx.ViewBytes(r.id)
}

var (
	errArgument   = actionhero.Errorf(actionhero.CodeInvalidInput, "the argument of an action must be an object")
	errActionName = actionhero.Errorf(actionhero.CodeInvalidInput, "action must be a string")
)

// newCall returns the call for an event "action". args is the text of the event's arguments. The action uses only the
// first argument. If the argument is invalid, newCall stores the error in req.Err, so that middleware, limits and the
// log see the request too.
func newCall(m *member, id, args []byte) *call {
	r := &call{member: m, id: jsonx.ViewString(id)}
	req := &r.req
	m.api.InitRequest(req, transportName)
	req.Conn, req.RemoteIP = m.conn, m.ip
	if err := r.params(args); err != nil {
		if arg := firstArgument(args); len(arg) < len(args) { // further arguments are rare, so they are only looked for now
			return newCall(m, id, arg)
		}
		req.Err = err
	}
	return r
}

// params reads the params of the action from the parameter object, the JSON text of the event's argument. If object is
// nil or "null", the action has no params. If object is any other text than a JSON object, params returns an error.
func (r *call) params(object []byte) error {
	switch {
	case object == nil || string(object) == "null":
		return nil
	case jsonx.Object(object):
		if err := jsonx.Members(object, r.param); err != nil || r.req.IdempotencyKey == "" {
			return err
		}
		return r.resolveKey()
	}
	if err := jsonx.Valid(object); err != nil {
		return err
	}
	return errArgument
}

// keyMember is the member of the argument with the idempotency key. For an action without keys, it is an ordinary param.
const keyMember = "idempotencyKey"

// resolveKey makes the member with the idempotency key a param if the action takes no keys.
func (r *call) resolveKey() error {
	if info := r.member.api.Action(r.req.Action); info != nil && info.IdempotencyKey != actionhero.KeyIgnored {
		return nil
	}
	raw := jsonx.AppendString(nil, r.req.IdempotencyKey)
	r.req.IdempotencyKey = ""
	return transport.ParamsOf(&r.req.Params).AddJSON(keyMember, raw)
}

// param adds one member of the argument to the params of the action. The member "action" is also the name of the action
// to run.
func (r *call) param(key string, raw []byte) error {
	if key == "action" {
		if raw[0] != '"' {
			return errActionName
		}
		if plain, ok := jsonx.Plain(raw); ok {
			r.req.Action = r.member.api.ActionName(plain)
		} else if name, err := jsonx.Unquote(raw); err == nil {
			r.req.Action = name
		}
	}
	if key == keyMember && (raw[0] == '"' || !r.member.api.Accepts(key)) {
		var err error
		r.req.IdempotencyKey, err = wire.IdempotencyKey(raw)
		return err
	}
	return transport.ParamsOf(&r.req.Params).AddJSON(key, raw)
}

// Run implements connloop.Request. It runs the action and queues the answer.
func (r *call) Run() (done bool) {
	done = true // also after a panic
	answered := false
	defer r.member.recoverPanic(r.ack(), &answered)
	out, err := r.member.api.Dispatch(r.member.ctx, &r.req)
	buf := getBuffer()
	defer putBuffer(buf)
	*buf = appendAnswerHead((*buf)[:0], r.ack())
	var failure *actionhero.Error
	if content, ok := out.(*actionhero.Content); err != nil {
		*buf, failure = wire.Failed(*buf, err)
	} else if ok && content != nil {
		*buf, failure = wire.Content(r.member.ctx, *buf, &r.req, content, wire.ContentLimits{Bytes: r.member.cfg.MaxContentBytes, Time: r.member.cfg.WriteTimeout})
	} else {
		*buf, failure = wire.Result(*buf, &r.req, out)
	}
	r.member.sendAnswer(buf, failure)
	answered = true
	return done
}

// sendAnswer sends buf like client.sendAnswer, unless the client has left the namespace.
func (m *member) sendAnswer(buf *[]byte, failure *actionhero.Error) {
	if !m.left.Load() {
		m.client.sendAnswer(buf, failure)
	}
}

// sendAnswer sends buf like sendReply. If failure is not nil, sendAnswer first appends its code and details.
func (c *client) sendAnswer(buf *[]byte, failure *actionhero.Error) {
	if failure != nil {
		*buf = transport.AppendError(*buf, failure)
	}
	c.sendReply(buf)
}

// sendReply appends the closing brace and bracket to buf, the beginning of a reply, and queues the reply for the
// client.
func (c *client) sendReply(buf *[]byte) {
	*buf = append(*buf, '}', ']')
	c.session.Reply(*buf)
}

// recoverPanic recovers a panic, logs it and replies with an error, so that the connection stays open. If the code of the
// app has ended the goroutine with runtime.Goexit, recoverPanic also replies with an error. id is the number of the
// requested acknowledgement, or nil. The caller sets answered before it returns normally. Callers must defer recoverPanic
// directly, because recover stops a panic only if the deferred function itself calls recover.
func (m *member) recoverPanic(id []byte, answered *bool) {
	if *answered {
		return
	}
	if p := recover(); p != nil {
		stack := make([]byte, 8<<10)
		m.log().Error("a fault of the server in a Socket.IO request", "panic", fmt.Sprint(p), "stack", string(stack[:runtime.Stack(stack, false)]))
	}
	if !m.left.Load() {
		(&errorReply{m.client, id, errors.New("a fault of the server")}).Run()
	}
}

// errorReply is a request that only replies with the error err, for example to a malformed event.
type errorReply struct {
	client *client
	id     []byte
	err    error
}

// Run implements connloop.Request. It queues the error reply.
func (r *errorReply) Run() (done bool) {
	buf := getBuffer()
	defer putBuffer(buf)
	object, failure := wire.Failed(appendAnswerHead((*buf)[:0], r.id), r.err)
	*buf = object
	r.client.sendAnswer(buf, failure)
	return true
}

// connectError is a request that refuses a client's connect packet for the namespace in that packet, nil for the default
// one.
type connectError struct {
	client    *client
	namespace []byte
	err       error
}

// Run implements connloop.Request. It queues the packet that refuses the connect.
func (r *connectError) Run() (done bool) {
	buf := getBuffer()
	defer putBuffer(buf)
	*buf = appendConnectError((*buf)[:0], r.namespace, r.err)
	r.client.session.Reply(*buf)
	return true
}

// maxPooledBuffer is the largest capacity, in bytes, of a buffer that putBuffer returns to the pool.
const maxPooledBuffer = 64 << 10

var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 1024); return &b }}

func getBuffer() *[]byte { return buffers.Get().(*[]byte) }

func putBuffer(b *[]byte) {
	if poison.Bytes(*b); cap(*b) <= maxPooledBuffer {
		buffers.Put(b)
	}
}
