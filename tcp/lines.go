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

// messageIDKey is the param whose value clients of the later dialect find in the reply.
const messageIDKey = "messageId"

var byteOrderMark = []byte("\uFEFF")

// line handles raw, one line of the client as input.line returns it. If the connection must end, line returns false.
func (ss *session) line(raw []byte) bool {
	if ss.stopped.Load() {
		return false
	}
	ss.inLine = false
	if bytes.IndexByte(raw, telnetIAC) >= 0 || len(raw) > 0 && raw[0] == endOfTransmission {
		if interrupted(raw, true) {
			return false
		}
		raw = withoutTelnet(raw, true)
	}
	if ss.count.Load() == 0 {
		raw = bytes.TrimPrefix(raw, byteOrderMark)
	}
	raw = bytes.TrimLeft(bytes.TrimSuffix(raw, []byte{'\r'}), " \t")
	if len(raw) == 0 {
		return true
	}
	at := lineID{count: ss.count.Add(1), id: ss.messageID}
	ss.server.requests.Add(1)
	if raw[0] == '{' {
		ss.object(raw, at)
		return true
	}
	word, rest, _ := strings.Cut(string(bytes.ToValidUTF8(raw, []byte("\uFFFD"))), " ")
	if v, ok := ss.server.dialect.commands[word]; ok {
		ss.command(v, strings.TrimLeft(rest, " "), at)
		return true
	}
	switch word {
	case "quit", "exit", "close":
		ss.last = &answer{object: ss.server.dialect.bye(nil)}
		return false
	}
	if isHTTP(word, rest) {
		ss.refuse("this port does not speak HTTP")
		return false
	}
	ss.action(word, strings.TrimSpace(rest), at)
	return true
}

// sticky returns the sticky params. The first call makes them: a connection that sends its params with each request has none.
func (ss *session) sticky() *actionhero.Params {
	if ss.params == nil {
		ss.params = new(actionhero.Params)
	}
	return ss.params
}

// action queues a request that runs the named action with the sticky params. First, it stores the action's name as the
// sticky param "action". If the client has not set the sticky param "limit" or "offset", action stores the default
// value of that param. rest is the text after the name. No action reads it; if it
// looks like KEY=VALUE, the reply has a hint how to set params.
func (ss *session) action(name, rest string, at lineID) {
	if len(name) <= maxActionName {
		ss.sticky().Set("action", name)
	}
	transport.ParamsOf(ss.sticky()).SetPage(ss.server.api.API)
	c := ss.newCall(name, at)
	c.Err = transport.ParamsOf(&c.Params).AddParams(ss.params)
	if rest != "" && name == "file" && ss.server.dialect.fileArgument {
		c.Params.Set("fileName", rest)
	} else if strings.Contains(rest, "=") {
		c.Extra = hinted{}
	}
	ss.loop.Enqueue(c)
}

// object parses a line of the form {"action":…,"params":{…},"idempotencyKey":…} and queues the request. Params in the line override sticky
// params of the same name, for this request only. In a dialect that keeps them, they replace all sticky params.
func (ss *session) object(line []byte, at lineID) {
	var name, once string
	var params []byte
	err := jsonx.Members(line, func(key string, raw []byte) (err error) {
		switch key {
		case "action":
			if raw[0] != '"' {
				return actionhero.Errorf(actionhero.CodeInvalidInput, "action must be a string")
			}
			name = ss.actionName(raw)
		case "idempotencyKey":
			once, err = wire.IdempotencyKey(raw)
		case "params":
			if string(raw) == "null" {
				return nil
			}
			if params = raw; !jsonx.Object(raw) {
				return actionhero.Errorf(actionhero.CodeInvalidInput, "params must be an object")
			}
		}
		return err
	})
	if params != nil && bytes.Contains(params, []byte(messageIDKey)) {
		at.id = idOf(params, at.id)
	}
	if err == nil && params != nil && ss.server.dialect.keepsParams {
		err, params = ss.keep(params), nil
		ss.messageID = at.id
	}
	c := ss.newCall(name, at)
	c.IdempotencyKey = once
	all := transport.ParamsOf(&c.Params)
	if err == nil && ss.params != nil {
		err = all.AddParams(ss.params)
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

// keep replaces the sticky params by the members of the JSON object params.
func (ss *session) keep(params []byte) error {
	if len(params) > maxParamBytes {
		return errParams()
	}
	var kept actionhero.Params
	all := transport.ParamsOf(&kept)
	all.AcceptAll()
	if err := all.AddObject(bytes.Clone(params)); err != nil {
		return err
	}
	n := 0
	for range kept.All() {
		n++
	}
	if n > maxParams {
		return errParams()
	}
	ss.params = &kept
	return nil
}

// idOf returns the messageId in the JSON object params, or the argument id if there is none.
func idOf(params []byte, id *string) *string {
	_ = jsonx.Members(params, func(key string, raw []byte) error { // the caller reports the error
		if found := messageID(raw); key == messageIDKey && found != nil {
			id = found
		}
		return nil
	})
	return id
}

// actionName returns the decoded text of raw, a JSON string with the name of an action.
func (ss *session) actionName(raw []byte) string {
	if plain, ok := jsonx.Plain(raw); ok {
		return ss.server.api.ActionName(plain)
	}
	name, _ := jsonx.Unquote(raw) // cannot fail: jsonx.Members has checked the string
	return name
}
