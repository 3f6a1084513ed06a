// Package wire builds the JSON messages that the persistent transports share, to the letter that existing clients
// expect: names, spelling and order of keys.
//
// Every function appends an object that is still open, without its closing brace, because each transport has
// something of its own to add: TCP the messageCount, WebSocket the id of the request.
package wire

import (
	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/transport"
)

// Welcome appends what a client reads first.
func Welcome(dst []byte, text, room string) []byte {
	dst = jsonx.AppendString(append(dst, `{"welcome":`...), text)
	dst = jsonx.AppendString(append(dst, `,"room":`...), room)
	return append(dst, `,"context":"api"`...)
}

// RoomMessage appends a message of a room. The name of the room is its last key, and there only for a client whose
// current room is another one: who never added a room reads what it has always read. Keys that are to come, such as a
// message's number, have their place after it. A notice of the server is an object of its own.
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

// Status appends the answer to a command that has nothing to tell but how it went.
func Status(dst []byte, status string) []byte {
	dst = jsonx.AppendString(append(dst, `{"status":`...), status)
	return append(dst, `,"context":"response"`...)
}

// Goodbye appends what the server says before it closes a connection of its own accord.
func Goodbye(dst []byte) []byte {
	return append(dst, `{"status":"Bye!","context":"api"`...)
}

// OK appends the answer to a chat command that went well.
func OK(dst []byte) []byte { return append(dst, `{"context":"response","status":"OK"`...) }

// Error appends the answer to what failed.
func Error(dst []byte, err error) []byte {
	return jsonx.AppendString(append(dst, `{"context":"response","error":`...), actionhero.AsError(err).Message)
}

// Result appends what an action answered, or its error if the answer does not encode.
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

// Params appends the answer to a look at params: object is a JSON object.
func Params(dst, object []byte) []byte {
	return append(append(dst, `{"context":"response","params":`...), object...)
}
