// Package wire builds the JSON messages that the persistent transports (TCP, WebSocket and Socket.IO) share. The names,
// spelling and order of keys are exactly those that existing clients expect. Begin reading at [RunCommand] and
// [Result].
//
// Invariant: every function appends a JSON object without its closing brace, because each transport adds keys. TCP adds
// "messageCount", WebSocket adds the "id" of the request.
package wire

import (
	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/transport"
)

// Welcome appends to dst the welcome message, the first message that a client receives. room is the room that the client
// enters, or "" if it may not enter its first room.
func Welcome(dst []byte, text, room string) []byte {
	dst = jsonx.AppendString(append(dst, `{"welcome":`...), text)
	if dst = append(dst, `,"room":`...); room == "" {
		dst = append(dst, "null"...)
	} else {
		dst = jsonx.AppendString(dst, room)
	}
	return append(dst, `,"context":"api"`...)
}

// RoomMessage appends to dst a message that was sent to a room. If the room is not the client's current room, the last
// key of the object is "room" with the name of the room. Otherwise the key "room" is absent, so that a client that
// never added a room receives only the keys that it expects. If further keys are added to the format in the future,
// they belong after "room". If the message is a notice of the server, its body is the whole JSON object.
func RoomMessage(dst []byte, d *actionhero.RoomMessage) []byte {
	if transport.IsNotice(d) {
		return append(dst, d.Body[:len(d.Body)-1]...)
	}
	dst = append(append(dst, `{"message":`...), d.Body...)
	dst = jsonx.AppendString(append(dst, `,"from":`...), d.From)
	dst = append(dst, `,"context":"user"`...)
	if transport.NamesRoom(d) {
		dst = jsonx.AppendString(append(dst, `,"room":`...), d.Room)
	}
	return dst
}

// PositionedRoomMessage appends the same object as [RoomMessage] with the position of the message, "seq" and "position",
// as its last keys. Only clients that have asked for positions get it.
func PositionedRoomMessage(dst []byte, d *actionhero.RoomMessage) []byte {
	return transport.AppendPosition(RoomMessage(dst, d), d)
}

// Status appends to dst the reply to a command that returns only a status.
func Status(dst []byte, status string) []byte {
	dst = jsonx.AppendString(append(dst, `{"status":`...), status)
	return append(dst, `,"context":"response"`...)
}

// Goodbye appends to dst the message that the server sends before it closes a connection. If the client has ended the
// connection, the server does not send this message.
func Goodbye(dst []byte) []byte {
	return append(dst, `{"status":"Bye!","context":"api"`...)
}

// OK appends to dst the reply to a chat command that succeeded. The caller may append further keys.
func OK(dst []byte) []byte { return append(dst, `{"context":"response","status":"OK"`...) }

// Error appends to dst the reply to a request that failed with err.
func Error(dst []byte, err error) []byte {
	return jsonx.AppendString(append(dst, `{"context":"response","error":`...), actionhero.AsError(err).Message)
}

// Failed appends to dst the same reply as [Error], and returns err in the form that the client may see. After its own
// keys, the caller appends the code and the details with transport.AppendError.
func Failed(dst []byte, err error) (object []byte, failure *actionhero.Error) {
	failure = actionhero.AsError(err)
	return Error(dst, failure), failure
}

// Result appends to dst the reply to a request that has run an action. The reply contains out, the output of the
// action. A member of out with one of the names in reserved is renamed, see transport.AppendOutput. If out cannot be
// encoded, the reply is an error, as from [Failed].
func Result(dst []byte, req *actionhero.Request, out any, reserved ...string) (object []byte, failure *actionhero.Error) {
	const head, status = `{"context":"response",`, `"status":"OK"`
	start := len(dst)
	dst = append(dst, head...)
	body := len(dst)
	dst, err := transport.AppendOutput(dst, req, out, reserved...)
	if err != nil {
		return Failed(dst[:start], err)
	}
	if len(dst) == body {
		dst = append(dst, status...)
	}
	return append(dst, `,"error":false`...), nil
}

// Params appends to dst the reply to the commands paramView and paramsView. object is a JSON object with the sticky
// params of the connection.
func Params(dst, object []byte) []byte {
	return append(append(dst, `{"context":"response","params":`...), object...)
}
