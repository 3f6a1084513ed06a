package socketio

import (
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/connloop"
	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/wire"
	"github.com/actionhero-go/actionhero/transport"
)

// call is the request for an action.
type call struct {
	client *client
	id     []byte // of the acknowledgement that is asked for; nil: none
	req    actionhero.Request
}

var (
	errArgument   = actionhero.Errorf(actionhero.CodeInvalidInput, "the argument of an action must be an object")
	errActionName = actionhero.Errorf(actionhero.CodeInvalidInput, "action must be a string")
	errContent    = actionhero.Errorf(actionhero.CodeInvalidInput, "this action answers with bytes, which are not sent over Socket.IO: ask for them over HTTP")
)

// newCall makes a call of the arguments of an event, of which the first counts. What is wrong with it goes along, so that
// middleware, limits and the log see such a request too.
func newCall(c *client, conn *actionhero.Conn, id, args []byte) *call {
	j := &call{client: c, id: id}
	req := &j.req
	c.api.InitRequest(req, transportName)
	req.Conn, req.RemoteIP = conn, c.ip
	if err := j.params(args); err != nil {
		if arg := firstArgument(args); len(arg) < len(args) { // there are more, which is rare enough to find out late
			return newCall(c, conn, id, arg)
		}
		req.Err = err
	} else if c.api.ReturnsContent(req.Action) {
		req.Err = errContent
	}
	return j
}

// params takes the params from an object.
func (j *call) params(object []byte) error {
	switch {
	case object == nil || string(object) == "null":
		return nil
	case jsonx.Object(object):
		return jsonx.Members(object, j.param)
	}
	if err := jsonx.Valid(object); err != nil {
		return err
	}
	return errArgument
}

// param takes one param.
func (j *call) param(key string, raw []byte) error {
	if key == "action" {
		if raw[0] != '"' {
			return errActionName
		}
		if plain, ok := jsonx.Plain(raw); ok {
			j.req.Action = j.client.api.ActionName(plain)
		} else if name, err := jsonx.Unquote(raw); err == nil {
			j.req.Action = name
		}
	}
	return transport.ParamsOf(&j.req.Params).AddJSON(key, raw)
}

// Run implements connloop.Request.
func (j *call) Run() (done bool) {
	defer j.client.recover(j.id)
	out, err := j.client.api.Dispatch(j.client.ctx, &j.req)
	if content, ok := out.(*actionhero.Content); ok && content != nil {
		_ = content.Close() // a middleware's
		err = errContent
	}
	buf := getBuffer()
	defer putBuffer(buf)
	*buf = appendAnswerHead((*buf)[:0], j.id)
	if err != nil {
		*buf = wire.Error(*buf, err)
	} else {
		*buf = wire.Result(*buf, &j.req, out)
	}
	j.client.finish(buf)
	return true
}

// finish closes an answer and queues it.
func (c *client) finish(buf *[]byte) {
	*buf = append(*buf, '}', ']')
	c.session.Reply(*buf)
}

// recover keeps a fault in this package from costing more than an answer.
func (c *client) recover(id []byte) {
	if p := recover(); p != nil {
		stack := make([]byte, 8<<10)
		c.log().Error("a fault of the server in a Socket.IO request", "panic", fmt.Sprint(p), "stack", string(stack[:runtime.Stack(stack, false)]))
		(&refusal{c, id, errors.New("a fault of the server")}).Run()
	}
}

// refusal is the answer to an event that is wrong in itself.
type refusal struct {
	client *client
	id     []byte
	err    error
}

// Run implements connloop.Request.
func (j *refusal) Run() (done bool) {
	buf := getBuffer()
	defer putBuffer(buf)
	*buf = wire.Error(appendAnswerHead((*buf)[:0], j.id), j.err)
	j.client.finish(buf)
	return true
}

// unknownNamespace is the answer to a connect to a namespace that there is not.
type unknownNamespace struct {
	client *client
	name   []byte
}

// Run implements connloop.Request.
func (j *unknownNamespace) Run() (done bool) {
	buf := getBuffer()
	defer putBuffer(buf)
	*buf = appendRefused((*buf)[:0], j.name)
	j.client.session.Reply(*buf)
	return true
}

// verb is the request for anything but an action.
type verb struct {
	client    *client
	conn      *actionhero.Conn
	id        []byte
	name, arg string
	err       error // what is wrong with the argument
	run       func(*verb)
}

// verbs are those of a client that wait. They run one after the other, in the order in which they came, whoever runs
// them: what is said goes to the room that the client had changed to before.
type verbs struct {
	mu      sync.Mutex
	waiting []verb
	running bool
	done    sync.Cond
}

// add adds a verb, and returns what runs the next one.
func (q *verbs) add(v verb) connloop.Request {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, v)
	return q
}

// Run implements connloop.Request.
func (q *verbs) Run() (done bool) {
	v := q.begin()
	defer q.end()
	defer v.client.recover(v.id)
	v.run(&v)
	return true
}

func (q *verbs) begin() (v verb) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.done.L = &q.mu; q.running; {
		q.done.Wait()
	}
	q.running = true
	v = q.waiting[0]
	if q.waiting = q.waiting[1:]; len(q.waiting) == 0 {
		q.waiting = nil
	}
	return v
}

func (q *verbs) end() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.running = false
	q.done.Signal()
}

// enter answers the connect and brings the client into the default room.
func (v *verb) enter() {
	c, cfg := v.client, v.client.api.Config()
	buf := getBuffer()
	defer putBuffer(buf)
	*buf = appendConnected((*buf)[:0], v.conn.ID)
	c.session.Reply(*buf)
	*buf = wire.Welcome(appendEventHead((*buf)[:0], "welcome"), cfg.WelcomeMessage, cfg.DefaultChatRoom)
	c.finish(buf)
	object, refused := wire.Enter(c.ctx, appendAnswerHead((*buf)[:0], nil), c.api.API, v.conn)
	if *buf = object; refused {
		c.finish(buf)
	}
}

// answer does what all persistent transports do when a client asks for it by that name.
func (v *verb) answer() {
	buf := getBuffer()
	defer putBuffer(buf)
	*buf = appendAnswerHead((*buf)[:0], v.id)
	if v.err != nil {
		*buf = wire.Error(*buf, v.err)
	} else {
		*buf, _ = wire.RunCommand(v.client.ctx, *buf, v.client.api.API, v.conn, v.name, v.arg)
	}
	v.client.finish(buf)
}

// quit ends the connection. Only who asks for an acknowledgement gets an answer: to others the end is one.
func (v *verb) quit() {
	if v.id != nil {
		buf := getBuffer()
		defer putBuffer(buf)
		*buf = wire.Status(appendAnswerHead((*buf)[:0], v.id), "Bye!")
		v.client.finish(buf)
	}
	v.client.Close("the client has quit")
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
