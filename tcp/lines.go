package tcp

import (
	"bytes"
	"context"
	"strings"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/wire"
	"github.com/actionhero-go/actionhero/transport"
)

// What the sticky params of one connection may take; a client could otherwise grow them without end.
const (
	maxParams     = 256
	maxParamBytes = 64 << 10
	maxName       = 64 // of the action that ran last: no action's name is longer
)

// line handles one line without its end. It returns false when the connection is to be closed.
func (ss *session) line(raw []byte) bool {
	if ss.stopped.Load() {
		return false
	}
	ss.begun = false
	raw = bytes.TrimLeft(bytes.TrimSuffix(raw, []byte{'\r'}), " \t")
	if len(raw) == 0 {
		return true
	}
	count := ss.count.Add(1)
	ss.server.requests.Add(1)
	if raw[0] == '{' {
		ss.object(raw, count)
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
	}
	for _, name := range wire.Commands() {
		commands[name] = answer(func(ss *session, dst []byte, rest string) []byte {
			dst, _ = wire.RunCommand(ss.server.ctx, dst, ss.server.api.API, ss.conn, name, rest)
			return dst
		})
	}
	commands["detailsView"] = answer(func(ss *session, dst []byte, _ string) []byte {
		return wire.Details(dst, ss.conn, transport.ParamsOf(&ss.params).AppendJSON(nil, ss.server.api.Secret))
	})
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
		return wire.Error(dst, actionhero.Errorf(actionhero.CodeResourceExhausted, "a connection may keep %d params of %d bytes at most", maxParams, maxParamBytes))
	}
	// Copies: they would keep the whole line, which may be a thousand times as long.
	ss.params.Set(strings.Clone(key), strings.Clone(value))
	return wire.Status(dst, "OK")
}

func (ss *session) paramView(dst []byte, key string) []byte {
	return wire.Params(dst, transport.ParamsOf(&ss.params).AppendParam(nil, strings.TrimSpace(key)))
}

func (ss *session) paramsView(dst []byte, _ string) []byte {
	return wire.Params(dst, transport.ParamsOf(&ss.params).AppendJSON(nil, nil))
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
	if len(name) <= maxName {
		ss.params.Set("action", name)
	}
	transport.ParamsOf(&ss.params).SetPage(ss.server.api.API)
	req := ss.request(name, count)
	req.Err = transport.ParamsOf(&req.Params).AddParams(&ss.params)
	ss.loop.Enqueue(req)
}

// object runs a request that came as {"action":…,"params":{…}}: its params come on top of the sticky ones, for this
// request alone.
func (ss *session) object(line []byte, count uint64) {
	var name string
	var params []byte
	err := jsonx.Members(line, func(key string, raw []byte) error {
		switch key {
		case "action":
			if raw[0] != '"' {
				return actionhero.Errorf(actionhero.CodeInvalidInput, "action must be a string")
			}
			name = ss.actionName(raw)
		case "params":
			if string(raw) == "null" {
				return nil
			}
			if params = raw; !jsonx.Object(raw) {
				return actionhero.Errorf(actionhero.CodeInvalidInput, "params must be an object")
			}
		}
		return nil
	})
	req := ss.request(name, count)
	if err == nil {
		err = transport.ParamsOf(&req.Params).AddParams(&ss.params)
	}
	if err == nil && params != nil {
		transport.ParamsOf(&req.Params).NextSource()
		err = transport.ParamsOf(&req.Params).AddObject(params)
	}
	if req.Err = err; name != "" {
		req.Params.Set("action", name)
	}
	ss.loop.Enqueue(req)
}

// actionName reads a JSON string.
func (ss *session) actionName(raw []byte) string {
	if plain, ok := jsonx.Plain(raw); ok {
		return ss.server.api.ActionName(plain)
	}
	name, _ := jsonx.Unquote(raw) // it was checked with the rest of the line
	return name
}

func (ss *session) request(name string, count uint64) *job {
	j := &job{session: ss, count: count}
	ss.server.api.InitRequest(&j.Request, "tcp")
	j.Conn, j.RemoteIP, j.Action = ss.conn, ss.ip, name
	return j
}

// stream sends the bytes of a file, as they are.
func (ss *session) stream(content *actionhero.Content) {
	defer content.Close()
	if err := ss.out.Stream(content.Body, []byte("\r\n")); err != nil && context.Cause(ss.server.ctx) == nil {
		ss.Close("a file could not be sent whole: " + err.Error())
	}
}
