package tcp

import (
	"errors"
	"sync"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/poison"
	"github.com/actionhero-go/actionhero/internal/wire"
)

// call is one request of a client to run an action.
type call struct {
	actionhero.Request
	session *session
	at      lineID
}

// hinted is the Extra of a request whose line has KEY=VALUE after the name of the action, which is ignored. Few requests
// have it, so it is no field of call: each call is as large as all its fields.
type hinted struct{}

func (ss *session) newCall(action string, at lineID) *call {
	ss.actions.Add(1)
	c := &call{session: ss, at: at}
	ss.server.api.InitRequest(&c.Request, "tcp")
	c.Conn, c.RemoteIP, c.Action = ss.conn, ss.ip, action
	return c
}

// Run implements connloop.Request. It runs the action, queues the reply and returns true. If the action returns a file
// and another goroutine is sending a file to this client, Run queues the call for the other goroutine and returns
// false.
func (c *call) Run() (done bool) {
	ss := c.session
	if ss.server.api.ReturnsContent(&c.Request) {
		return ss.files.Run(&ss.loop, c)
	}
	c.Do()
	return true
}

// Do implements connloop.Job. It runs the action. If the action returns a file, Do sends the file; otherwise it queues
// the reply. After a panic, or if the action ends the goroutine, Do queues an error reply.
func (c *call) Do() {
	ss := c.session
	answered := false
	defer func() {
		if answered {
			return
		}
		if p := recover(); p != nil {
			ss.logPanic(p)
		}
		var a answer
		a.fail(errPanic)
		ss.queue(c.at, &a)
	}()
	out, err := ss.server.api.Dispatch(ss.loop.Context(), &c.Request)
	if content, ok := out.(*actionhero.Content); ok && content != nil {
		answered = true // whatever happens: the bytes cannot be followed by a reply
		if ss.stream(content) {
			return
		}
		err = errContentBusy
	}
	buf := getBuffer()
	defer putBuffer(buf)
	var failure *actionhero.Error
	if err != nil {
		*buf, failure = wire.Failed((*buf)[:0], err)
	} else {
		*buf, failure = wire.Result((*buf)[:0], &c.Request, out, c.reserved()...)
	}
	*buf = appendTail(*buf, c.at, &answer{failure: failure, hint: c.hinted()})
	ss.out.AddLater(*buf)
	answered = true
}

func (c *call) hinted() bool {
	_, ok := c.Extra.(hinted)
	return ok
}

// reserved returns the names that the output of the action cannot have in this reply.
func (c *call) reserved() []string {
	if c.hinted() {
		return []string{hintKey}
	}
	return nil
}

// errPanic is the error of a request if package tcp panics while it handles the request. The client receives an
// internal error without the text of errPanic.
var errPanic = errors.New("a panic in package tcp")

// maxPooled is the largest capacity, in bytes, of a buffer that putBuffer returns to the pool.
const maxPooled = 64 << 10

var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 1024); return &b }}

func getBuffer() *[]byte { return buffers.Get().(*[]byte) }

func putBuffer(b *[]byte) {
	if poison.Bytes(*b); cap(*b) <= maxPooled {
		buffers.Put(b)
	}
}
