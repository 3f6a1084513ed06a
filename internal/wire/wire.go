// Package wire builds the JSON messages that the persistent transports share. The names, spelling and order of keys are
// exactly those that existing clients expect. Begin reading at [RunCommand] and [Result].
//
// Invariant: every function appends an open object, without its closing brace, because each transport adds keys: TCP adds
// the messageCount, WebSocket the id of the request.
package wire

import (
	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/transport"
)

// Welcome appends the first message that a client reads.
func Welcome(dst []byte, text, room string) []byte {
	dst = jsonx.AppendString(append(dst, `{"welcome":`...), text)
	dst = jsonx.AppendString(append(dst, `,"room":`...), room)
	return append(dst, `,"context":"api"`...)
}

// RoomMessage appends a message of a room. The key "room" is last. It is present only if the client's current room is
// another one, so a client that never added a room reads exactly what it has always read. Future keys, such as the number
// of a message, belong after it. A notice of the server has no envelope: its body is the object.
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

// Status appends the reply to a command that returns only a status.
func Status(dst []byte, status string) []byte {
	dst = jsonx.AppendString(append(dst, `{"status":`...), status)
	return append(dst, `,"context":"response"`...)
}

// Goodbye appends the message that the server sends before it closes a connection that the client did not end.
func Goodbye(dst []byte) []byte {
	return append(dst, `{"status":"Bye!","context":"api"`...)
}

// OK appends the reply to a chat command that succeeded.
func OK(dst []byte) []byte { return append(dst, `{"context":"response","status":"OK"`...) }

// Error appends the reply to a request that failed with err.
func Error(dst []byte, err error) []byte {
	return jsonx.AppendString(append(dst, `{"context":"response","error":`...), actionhero.AsError(err).Message)
}

// Result appends the reply to an action: its output out, or an error if out cannot be encoded.
func Result(dst []byte, req *actionhero.Request, out any) []byte {
	const head, status = `{"context":"response",`, `"status":"OK"`
	start := len(dst)
	dst = append(dst, head...)
	body := len(dst)
	dst, err := transport.AppendOutput(dst, req, out)
	if err != nil {
		return Error(dst[:start], err)
	}
	if len(dst) == body {
		dst = append(dst, status...)
	}
	return append(dst, `,"error":false`...)
}

// Params appends the reply to paramView and paramsView. object is a JSON object.
func Params(dst, object []byte) []byte {
	return append(append(dst, `{"context":"response","params":`...), object...)
}
