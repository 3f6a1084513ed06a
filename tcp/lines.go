package tcp

import (
	"bytes"
	"strings"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/wire"
	"github.com/actionhero-go/actionhero/transport"
)

// The limits of the sticky params of one connection. Without them a client could use any amount of memory.
const (
	maxParams     = 256
	maxParamBytes = 64 << 10
	maxActionName = 64 // length of the sticky param "action"; the name of an action is never longer
)

// line handles one line, which has no line end. It returns false if the connection is to end.
func (ss *session) line(raw []byte) bool {
	if ss.stopped.Load() {
		return false
	}
	ss.inLine = false
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

// command runs a command with the rest of its line, whose number is count. It returns false if the connection is to end.
type command func(ss *session, rest string, count uint64) (more bool)

// commands has the commands by their first word. Any other first word is the name of an action.
var commands map[string]command

func init() {
	quit := func(ss *session, _ string, _ uint64) bool {
		ss.lastReply = wire.Status(nil, "Bye!")
		return false
	}
	commands = map[string]command{
		"quit": quit, "exit": quit, "close": quit,
		"paramAdd":     replying((*session).paramAdd),
		"paramView":    replying((*session).paramView),
		"paramDelete":  replying((*session).paramDelete),
		"paramsView":   replying((*session).paramsView),
		"paramsDelete": replying((*session).paramsDelete),
	}
	for _, name := range wire.Commands() {
		commands[name] = replying(func(ss *session, dst []byte, rest string) []byte {
			dst, _ = wire.RunCommand(ss.server.ctx, dst, ss.server.api.API, ss.conn, name, rest)
			return dst
		})
	}
	commands["detailsView"] = replying(func(ss *session, dst []byte, _ string) []byte {
		return wire.Details(dst, ss.conn, transport.ParamsOf(&ss.params).AppendJSON(nil, ss.server.api.Secret))
	})
}

// replying returns the command that sends what appendReply appends, an open object.
func replying(appendReply func(ss *session, dst []byte, rest string) []byte) command {
	return func(ss *session, rest string, count uint64) bool {
		buf := getBuffer()
		*buf = appendReply(ss, (*buf)[:0], rest)
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
	params, bytes := 1, len(key)+len(value)
	for other, value := range ss.params.All() {
		if other != key {
			params++
			bytes += len(other) + len(value)
		}
	}
	if params > maxParams || bytes > maxParamBytes {
		return wire.Error(dst, actionhero.Errorf(actionhero.CodeResourceExhausted, "a connection may keep %d params of %d bytes at most", maxParams, maxParamBytes))
	}
	// Without the copies the whole line, which may be a thousand times as long, would stay in memory.
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

// action runs an action with the sticky params. Its name, limit and offset become sticky params, too.
func (ss *session) action(name string, count uint64) {
	if len(name) <= maxActionName {
		ss.params.Set("action", name)
	}
	transport.ParamsOf(&ss.params).SetPage(ss.server.api.API)
	c := ss.newCall(name, count)
	c.Err = transport.ParamsOf(&c.Params).AddParams(&ss.params)
	ss.loop.Enqueue(c)
}

// object runs a request of the form {"action":…,"params":{…}}. Its params override the sticky ones, for this request only.
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
	c := ss.newCall(name, count)
	all := transport.ParamsOf(&c.Params)
	if err == nil {
		err = all.AddParams(&ss.params)
	}
	if err == nil && params != nil {
		all.NextSource()
		err = all.AddObject(params)
	}
	if c.Err = err; name != "" {
		c.Params.Set("action", name)
	}
	ss.loop.Enqueue(c)
}

// actionName returns the name of an action in a JSON string.
func (ss *session) actionName(raw []byte) string {
	if plain, ok := jsonx.Plain(raw); ok {
		return ss.server.api.ActionName(plain)
	}
	name, _ := jsonx.Unquote(raw) // cannot fail: jsonx.Members has checked the string
	return name
}
