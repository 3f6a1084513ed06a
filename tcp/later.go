package tcp

import (
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/wire"
	"github.com/actionhero-go/actionhero/transport"
)

func laterCommands() map[string]command {
	commands := paramCommands()
	maps.Copy(commands, map[string]command{
		"roomAdd":       {run: (*session).laterRoomAdd, ordered: true},
		"roomLeave":     {run: (*session).laterRoomLeave, ordered: true},
		"roomChange":    classicCommands()["roomChange"],
		"roomView":      {run: (*session).laterRoomView, ordered: true},
		"say":           {run: (*session).laterSay, ordered: true},
		"documentation": {run: (*session).documentation},
	})
	return commands
}

func invalid(format string, args ...any) *actionhero.Error {
	return actionhero.Errorf(actionhero.CodeInvalidInput, format, args...)
}

func (ss *session) laterRoomAdd(a *answer, rest string) {
	switch room := strings.TrimSpace(rest); {
	case room == "":
		a.fail(invalid("a room is required"))
	case ss.conn.In(room):
		a.fail(actionhero.Errorf(actionhero.CodeConflict, "connection already in this room (%s)", room))
	default:
		ss.shared(a, "roomAdd", wire.Args{Room: room, NamesRoom: true}, "true")
	}
}

func (ss *session) laterRoomLeave(a *answer, rest string) {
	switch room := strings.TrimSpace(rest); {
	case room == "":
		a.fail(invalid("a room is required"))
	case !ss.conn.In(room):
		a.fail(actionhero.Errorf(actionhero.CodeNotFound, "connection not in this room (%.*s)", actionhero.MaxRoomName, room))
	default:
		ss.shared(a, "roomLeave", wire.Args{Room: room, NamesRoom: true}, "true")
	}
}

func (ss *session) laterRoomView(a *answer, rest string) {
	room := strings.TrimSpace(rest)
	if room == "" {
		a.fail(invalid("a room is required"))
		return
	}
	ss.roomView(a, wire.Args{Room: room, NamesRoom: true})
}

func (ss *session) laterSay(a *answer, rest string) {
	room, text, _ := strings.Cut(strings.TrimSpace(rest), " ")
	switch {
	case room == "" || text == "":
		a.fail(invalid("both room and message are required"))
	case !ss.conn.In(room):
		a.fail(actionhero.Errorf(actionhero.CodeNotFound, "connection not in this room (%.*s)", actionhero.MaxRoomName, room))
	default:
		ss.shared(a, "say", wire.Args{Room: room, NamesRoom: true, Text: text}, "true")
	}
}

// laterMessage encodes a message of a room. A message of the server itself has the sender 0.
func laterMessage(api transport.Host, m *actionhero.RoomMessage) []byte {
	if transport.IsNotice(m) {
		return wire.RoomMessage(nil, m)
	}
	dst := append(append([]byte(`{"message":`), m.Body...), `,"room":`...)
	dst = append(jsonx.AppendString(dst, m.Room), `,"from":`...)
	if m.From == api.Config().ServerName {
		dst = append(dst, '0')
	} else {
		dst = jsonx.AppendString(dst, m.From)
	}
	return strconv.AppendInt(append(dst, `,"context":"user","sentAt":`...), time.Now().UnixMilli(), 10)
}
