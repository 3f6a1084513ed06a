package tcp

import (
	"bytes"
	"context"
	"runtime"
	"strings"
	"sync"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/wire"
)

// What the sticky params of one connection may take; a client could otherwise grow them without end.
const (
	maxParams     = 256
	maxParamBytes = 64 << 10
)

// line handles one line without its end. It returns false when the connection is to be closed.
func (ss *session) line(raw []byte) bool {
	if ss.stopped.Load() {
		return false
	}
	if raw = bytes.TrimLeft(raw, " \t"); len(raw) == 0 {
		return true
	}
	count := ss.count.Add(1)
	ss.server.requests.Add(1)
	if raw[0] == '{' {
		ss.object(bytes.Clone(raw), count)
		return true
	}
	word, rest, _ := strings.Cut(string(bytes.ToValidUTF8(raw, []byte("\uFFFD"))), " ")
	if run, ok := commands[word]; ok {
		return run(ss, strings.TrimLeft(rest, " "), count)
	}
	ss.action(word, count)
	return true
}

// commands are the first words that are not actions. Each returns false to end the connection.
var commands map[string]func(ss *session, rest string, count uint64) bool

func init() {
	quit := func(ss *session, _ string, count uint64) bool {
		ss.goodbye, ss.lingerOK = wire.Status(nil, "Bye!"), true
		return false
	}
	commands = map[string]func(*session, string, uint64) bool{
		"quit": quit, "exit": quit, "close": quit,
		"paramAdd":     answer((*session).paramAdd),
		"paramView":    answer((*session).paramView),
		"paramDelete":  answer((*session).paramDelete),
		"paramsView":   answer((*session).paramsView),
		"paramsDelete": answer((*session).paramsDelete),
		"roomChange": answer(func(ss *session, dst []byte, room string) []byte {
			return wire.RoomChange(ss.server.ctx, dst, ss.server.api, ss.conn, strings.TrimSpace(room))
		}),
		"roomView": answer(func(ss *session, dst []byte, _ string) []byte {
			return wire.RoomView(ss.server.ctx, dst, ss.server.api, ss.conn)
		}),
		"detailsView": answer(func(ss *session, dst []byte, _ string) []byte {
			return wire.Details(dst, ss.conn, ss.params.AppendJSON(nil, ss.server.api.Secret))
		}),
		"say": answer(func(ss *session, dst []byte, text string) []byte {
			if err := ss.server.api.Rooms.Say(ss.server.ctx, ss.conn, text); err != nil {
				return wire.Error(dst, err)
			}
			return wire.OK(dst)
		}),
	}
}

// answer makes a command of what appends its answer, an open object.
func answer(run func(ss *session, dst []byte, rest string) []byte) func(*session, string, uint64) bool {
	return func(ss *session, rest string, count uint64) bool {
		buf := getBuffer()
		*buf = run(ss, (*buf)[:0], rest)
		ss.reply(*buf, count)
		putBuffer(buf)
		return true
	}
}

func (ss *session) paramAdd(dst []byte, rest string) []byte {
	key, value, ok := strings.Cut(rest, "=")
	if key = strings.TrimSpace(key); !ok || key == "" {
		return wire.Status(dst, "Cannot set null")
	}
	kept, bytes := 1, len(key)+len(value)
	for other, value := range ss.params.All() {
		if other != key {
			kept++
			bytes += len(other) + len(value)
		}
	}
	if kept > maxParams || bytes > maxParamBytes {
		return wire.Error(dst, actionhero.Errorf(actionhero.ResourceExhausted, "a connection may keep %d params of %d bytes at most", maxParams, maxParamBytes))
	}
	ss.params.Set(key, value)
	return wire.Status(dst, "OK")
}

func (ss *session) paramView(dst []byte, key string) []byte {
	return wire.Params(dst, ss.params.AppendJSONOf(nil, strings.TrimSpace(key)))
}

func (ss *session) paramsView(dst []byte, _ string) []byte {
	return wire.Params(dst, ss.params.AppendJSON(nil, nil))
}

func (ss *session) paramDelete(dst []byte, key string) []byte {
	ss.params.Delete(strings.TrimSpace(key))
	return wire.Status(dst, "OK")
}

func (ss *session) paramsDelete(dst []byte, _ string) []byte {
	ss.params = actionhero.Params{}
	return wire.Status(dst, "OK")
}

// action runs the action of that name with the sticky params, among which are then its name, limit and offset.
func (ss *session) action(name string, count uint64) {
	ss.params.Set("action", name)
	ss.params.SetPage(ss.server.api)
	req := ss.request(name)
	if err := req.Params.AddParams(&ss.params); err != nil {
		ss.reply(wire.Error(nil, err), count)
		return
	}
	ss.start(req, count)
}

// object runs a request that came as {"action":…,"params":{…}}: its params come on top of the sticky ones, for this
// request alone.
func (ss *session) object(line []byte, count uint64) {
	var name string
	var params []byte
	err := jsonx.Members(line, func(key string, raw []byte) (err error) {
		switch key {
		case "action":
			if name, err = jsonx.Unquote(raw); err != nil {
				return actionhero.Errorf(actionhero.InvalidInput, "action must be a string")
			}
		case "params":
			if params = raw; !jsonx.Object(raw) {
				return actionhero.Errorf(actionhero.InvalidInput, "params must be an object")
			}
		}
		return nil
	})
	req := ss.request(name)
	if err == nil {
		err = req.Params.AddParams(&ss.params)
	}
	if err == nil && params != nil {
		req.Params.NextSource()
		err = req.Params.AddObject(params)
	}
	if err != nil {
		ss.reply(wire.Error(nil, err), count)
		return
	}
	req.Params.Set("action", name)
	ss.start(req, count)
}

func (ss *session) request(name string) *actionhero.Request {
	req := ss.server.api.NewRequest("tcp")
	req.Conn, req.RemoteIP, req.Action = ss.conn, ss.ip, name
	return req
}

// start runs an action in a goroutine of its own. With too many at work it waits for one to finish, and the
// connection is not read meanwhile.
func (ss *session) start(req *actionhero.Request, count uint64) {
	ss.begin()
	ss.actions.Add(1)
	go ss.run(req, count)
}

func (ss *session) begin() {
	ss.mu.Lock()
	ss.working++
	if ss.working <= ss.server.cfg.MaxInFlight {
		ss.mu.Unlock()
		return
	}
	wake := make(chan struct{})
	ss.wake = wake
	ss.mu.Unlock()
	<-wake
}

func (ss *session) end() {
	ss.mu.Lock()
	ss.working--
	if ss.wake != nil {
		close(ss.wake)
		ss.wake = nil
	}
	ss.mu.Unlock()
	ss.actions.Done()
}

// alone reports whether no other action of this connection is at work.
func (ss *session) alone() bool {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	return ss.working == 1
}

func (ss *session) run(req *actionhero.Request, count uint64) {
	defer ss.end()
	defer ss.recover()
	if ss.server.api.AnswersContent(req.Action) {
		ss.streaming.Lock() // one open file for each connection, however many it asks for at a time
		defer ss.streaming.Unlock()
	}
	out, err := ss.server.api.Dispatch(ss.server.ctx, req)
	if content, ok := out.(*actionhero.Content); ok && content != nil {
		ss.stream(content)
		return
	}
	buf := getBuffer()
	defer putBuffer(buf)
	if err != nil {
		*buf = wire.Error((*buf)[:0], err)
	} else {
		*buf = wire.Result((*buf)[:0], req, out)
	}
	if !ss.out.Add(*buf, ss.tail(count)) {
		return
	}
	if !ss.alone() {
		runtime.Gosched() // let the others of the same burst finish, so that their answers share one write
	}
	ss.out.FlushWait()
}

// stream sends the bytes of a file, as they are.
func (ss *session) stream(content *actionhero.Content) {
	defer content.Close()
	if err := ss.out.Stream(content.Body, []byte("\r\n")); err != nil && context.Cause(ss.server.ctx) == nil {
		ss.Close("a file could not be sent whole: " + err.Error())
	}
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
