package tcp

import (
	"bytes"
	"strings"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/wire"
	"github.com/actionhero-go/actionhero/transport"
)

// Sticky params are the params that a connection keeps for all its later actions. These limits bound the memory that
// one client can use for its sticky params.
const (
	maxParams     = 256
	maxParamBytes = 64 << 10
	maxActionName = 64 // bytes of the sticky param "action"; no action has a longer name
)

// line handles raw, one line of the client without the '\n' at its end. If the connection must end, line returns false.
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

// command is the function of one command of the protocol. rest is the text after the command's name; count is the
// messageCount of the line. more is false if the connection must end.
type command func(ss *session, rest string, count uint64) (more bool)

// commands maps the first word of a line to the command that runs the line. Any other first word is the name of an
// action.
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
			dst, _ = wire.RunCommand(ss.loop.Context(), dst, ss.server.api.API, ss.conn, name, wire.Words(name, rest))
			return dst
		})
	}
	commands["detailsView"] = replying(func(ss *session, dst []byte, _ string) []byte {
		return wire.Details(dst, ss.conn, transport.ParamsOf(&ss.params).AppendJSON(nil, ss.server.api.API, 0))
	})
}

// replying returns a command that sends a reply and keeps the connection open. appendReply appends the reply, a JSON
// object without its closing brace, to dst.
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
	// key and value are parts of the line. Without copies the whole line, possibly a thousand times as long, stays in memory.
	ss.params.Set(strings.Clone(key), strings.Clone(value))
	return wire.Status(dst, "OK")
}

func (ss *session) paramView(dst []byte, key string) []byte {
	return wire.Params(dst, transport.ParamsOf(&ss.params).AppendParam(nil, ss.server.api.API, strings.TrimSpace(key)))
}

func (ss *session) paramsView(dst []byte, _ string) []byte {
	return wire.Params(dst, transport.ParamsOf(&ss.params).AppendJSON(nil, ss.server.api.API, 0))
}

func (ss *session) paramDelete(dst []byte, key string) []byte {
	ss.params.Delete(strings.TrimSpace(key))
	return wire.Status(dst, "OK")
}

func (ss *session) paramsDelete(dst []byte, _ string) []byte {
	ss.params = actionhero.Params{}
	return wire.Status(dst, "OK")
}

// action queues a request that runs the named action with the sticky params. First, it stores the action's name as the
// sticky param "action". If the client has not set the sticky param "limit" or "offset", action stores the default
// value of that param.
func (ss *session) action(name string, count uint64) {
	if len(name) <= maxActionName {
		ss.params.Set("action", name)
	}
	transport.ParamsOf(&ss.params).SetPage(ss.server.api.API)
	c := ss.newCall(name, count)
	c.Err = transport.ParamsOf(&c.Params).AddParams(&ss.params)
	ss.loop.Enqueue(c)
}

// object parses a line of the form {"action":…,"params":{…}} and queues the request. Params in the line override sticky
// params of the same name, for this request only.
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

// actionName returns the decoded text of raw, a JSON string with the name of an action.
func (ss *session) actionName(raw []byte) string {
	if plain, ok := jsonx.Plain(raw); ok {
		return ss.server.api.ActionName(plain)
	}
	name, _ := jsonx.Unquote(raw) // cannot fail: jsonx.Members has checked the string
	return name
}
