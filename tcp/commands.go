package tcp

import (
	"strconv"
	"strings"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/wire"
	"github.com/actionhero-go/actionhero/transport"
)

// command is the first word of a line. Any other first word is the name of an action.
type command struct {
	run     func(ss *session, a *answer, rest string) // rest is the text after the command
	ordered bool                                      // runs after the requests that were sent before it
}

// commandRequest is a line with a command. It implements connloop.Request and connloop.Job.
type commandRequest struct {
	session *session
	command command
	rest    string
	at      lineID
}

// command runs a line with the command v, or queues it if the command must keep its place among requests that still wait or run.
// A roomChange that follows a login in one write finds what the login has done.
func (ss *session) command(v command, rest string, at lineID) {
	if v.ordered && ss.loop.InFlight() > 0 {
		ss.loop.Enqueue(&commandRequest{ss, v, rest, at})
		return
	}
	c := commandRequest{ss, v, rest, at}
	c.Do()
	ss.out.Send()
}

// Run implements connloop.Request.
func (c *commandRequest) Run() (done bool) { return c.session.ordered.Run(&c.session.loop, c) }

// Do implements connloop.Job. It runs the command and queues the reply. After a panic in the code of the app, or if that
// code ends the goroutine, the reply is an error.
func (c *commandRequest) Do() {
	ss := c.session
	buf := getBuffer()
	a := answer{object: (*buf)[:0]}
	answered := false
	defer func() {
		if !answered {
			if p := recover(); p != nil {
				ss.logPanic(p)
			}
			a.fail(errPanic)
			ss.queue(c.at, &a)
			ss.out.Send()
		}
		*buf = a.object
		putBuffer(buf)
	}()
	if _, refusal := ss.server.api.Admit(ss.ip); refusal != nil {
		a.fail(refusal)
	} else {
		c.command.run(ss, &a, c.rest)
	}
	ss.queue(c.at, &a)
	answered = true
}

// paramCommands returns the commands for sticky params, which both dialects share.
func paramCommands() map[string]command {
	return map[string]command{
		"paramAdd":     {run: (*session).paramAdd},
		"paramView":    {run: (*session).paramView},
		"paramDelete":  {run: (*session).paramDelete},
		"paramsView":   {run: (*session).paramsView},
		"paramsDelete": {run: (*session).paramsDelete},
		"detailsView":  {run: (*session).detailsView, ordered: true},
	}
}

func classicCommands() map[string]command {
	commands := paramCommands()
	for _, name := range []string{"roomAdd", "roomChange", "roomLeave"} {
		commands[name] = command{ordered: true, run: func(ss *session, a *answer, rest string) {
			ss.shared(a, name, wire.Words(name, rest), "true")
		}}
	}
	commands["say"] = command{ordered: true, run: func(ss *session, a *answer, rest string) { ss.shared(a, "say", wire.Words("say", rest), "") }}
	commands["roomView"] = command{ordered: true, run: func(ss *session, a *answer, rest string) { ss.roomView(a, wire.Words("roomView", rest)) }}
	return commands
}

// shared runs a command that all persistent transports have. data is the key "data" of the reply to a command that
// worked; "" is no such key.
func (ss *session) shared(a *answer, name string, args wire.Args, data string) {
	a.object, a.failure = wire.RunCommand(ss.loop.Context(), a.object, ss.server.api.API, ss.conn, name, args)
	if a.failure == nil && data != "" {
		a.data = []byte(data)
	}
}

func (ss *session) paramAdd(a *answer, rest string) {
	key, value, ok := strings.Cut(rest, "=")
	if !ok && ss.server.dialect.keepsParams {
		key, value, ok = strings.Cut(rest, " ")
	}
	if key = strings.TrimSpace(key); !ok || key == "" {
		a.object, a.failure = wire.Status(a.object, "Cannot set null"), actionhero.Errorf(actionhero.CodeInvalidInput, "Cannot set null")
		return
	}
	params, bytes := 1, len(key)+len(value)
	for other, value := range ss.sticky().All() {
		if other != key {
			params++
			bytes += len(other) + len(value)
		}
	}
	if params > maxParams || bytes > maxParamBytes {
		a.fail(errParams())
		return
	}
	// key and value are parts of the line. Without copies the whole line, possibly a thousand times as long, stays in memory.
	ss.sticky().Set(strings.Clone(key), strings.Clone(value))
	if key == messageIDKey {
		ss.messageID = textID(value)
	}
	a.object = wire.Status(a.object, "OK")
}

func errParams() *actionhero.Error {
	return actionhero.Errorf(actionhero.CodeResourceExhausted, "a connection may keep %d params of %d bytes at most", maxParams, maxParamBytes)
}

func (ss *session) paramView(a *answer, key string) {
	object := transport.ParamsOf(ss.sticky()).AppendParam(nil, ss.server.api.API, strings.TrimSpace(key))
	a.object = wire.Params(a.object, object)
	_ = jsonx.Members(object, func(_ string, raw []byte) error { // no member if the param is not set
		a.data = raw
		return nil
	})
}

func (ss *session) paramsView(a *answer, _ string) {
	a.data = transport.ParamsOf(ss.sticky()).AppendJSON(nil, ss.server.api.API, 0)
	a.object = wire.Params(a.object, a.data)
}

func (ss *session) paramDelete(a *answer, key string) {
	if key = strings.TrimSpace(key); key == messageIDKey {
		ss.messageID = nil
	}
	ss.sticky().Delete(key)
	a.object = wire.Status(a.object, "OK")
}

func (ss *session) paramsDelete(a *answer, _ string) {
	ss.params, ss.messageID = nil, nil
	a.object = wire.Status(a.object, "OK")
}

// detailsView shows the connection: in the form of the early versions, and as "data" in the form of the later ones.
func (ss *session) detailsView(a *answer, _ string) {
	params := transport.ParamsOf(ss.sticky()).AppendJSON(nil, ss.server.api.API, 0)
	a.object = wire.Details(a.object, ss.conn, params)
	dst := jsonx.AppendString([]byte(`{"id":`), ss.conn.ID)
	dst = jsonx.AppendString(append(dst, `,"fingerprint":`...), ss.conn.ID)
	dst = jsonx.AppendString(append(dst, `,"remoteIP":`...), ss.ip)
	dst = strconv.AppendUint(append(dst, `,"remotePort":`...), uint64(ss.conn.Remote.Port()), 10)
	dst = append(append(dst, `,"params":`...), params...)
	dst = strconv.AppendInt(append(dst, `,"connectedAt":`...), ss.conn.ConnectedAt.UnixMilli(), 10)
	dst = append(dst, `,"rooms":[`...)
	for i, room := range ss.conn.Rooms() {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = jsonx.AppendString(dst, room)
	}
	dst = strconv.AppendUint(append(dst, `],"totalActions":`...), ss.actions.Load(), 10)
	a.data = append(strconv.AppendInt(append(dst, `,"pendingActions":`...), int64(ss.loop.InFlight()), 10), '}')
}

// roomView shows a room: in the form of the early versions, and as "data" in the form of the later ones.
func (ss *session) roomView(a *answer, args wire.Args) {
	ss.shared(a, "roomView", args, "")
	if a.failure != nil {
		return
	}
	room := args.Room
	if !args.NamesRoom {
		room = ss.conn.Room()
	}
	dst := jsonx.AppendString([]byte(`{"room":`), room)
	_ = jsonx.Members(append(a.object[:len(a.object):len(a.object)], '}'), func(key string, raw []byte) error {
		if key == "roomStatus" {
			dst = appendMembers(append(dst, ','), raw)
		}
		return nil
	})
	a.data = append(dst, '}')
}

// appendMembers appends the members of a room in the form of the later versions. status is the object with the list of
// members that clients of the early versions read.
func appendMembers(dst, status []byte) []byte {
	var count []byte
	dst = append(dst, `"members":{`...)
	first := true
	_ = jsonx.Members(status, func(key string, raw []byte) error {
		switch key {
		case "membersCount":
			count = raw
		case "members":
			for id := range strings.SplitSeq(strings.Trim(string(raw), "[]"), ",") {
				if id == "" || id == "null" {
					continue
				}
				if !first {
					dst = append(dst, ',')
				}
				first = false
				dst = append(append(append(append(dst, id...), `:{"id":`...), id...), '}')
			}
		}
		return nil
	})
	return append(append(dst, `},"membersCount":`...), count...)
}
