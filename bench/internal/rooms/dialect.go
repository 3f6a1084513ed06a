package rooms

import (
	"bufio"
	"net"
	"strings"
)

// ID is the id of each request. Its length makes the request and the answer 200 bytes long.
var ID = strings.Repeat("0123456789", 11)

// Said is a text of 110 bytes, so that a message has about 200.
var Said = strings.Repeat("hello, ", 15) + "world"

// Dialect holds the messages with which the clients of a server connect, enter the room, speak and send requests.
type Dialect struct {
	Path     string
	Enter    []string // the messages that enter the room
	Entered  string   // occurs in the answer to each of them; empty: any answer
	Say      string
	Request  string
	Answered string // occurs in the answer to say and request
}

// PlainWebSocket is the dialect of this server over plain WebSocket: the answer has the id of the request.
var PlainWebSocket = Dialect{
	Path: "/ws", Say: `{"event":"say","id":"` + ID + `","message":"` + Said + `"}`,
	Request: `{"event":"action","id":"` + ID + `","params":{"action":"randomNumber","limit":10,"offset":5}}`, Answered: ID,
}

// Centrifuge is the dialect of the JSON protocol of centrifuge.
var Centrifuge = Dialect{
	Path:     "/ws",
	Enter:    []string{`{"id":1,"connect":{}}`, `{"id":2,"subscribe":{"channel":"room"}}`},
	Say:      `{"id":3,"publish":{"channel":"room","data":"` + Said + `"}}`,
	Answered: `"publish":{}`,
}

// Join opens the WebSocket of a connection and enters the room.
func (d Dialect) Join(conn net.Conn) (*bufio.Reader, error) {
	in, err := Open(conn, d.Path)
	if err != nil {
		return nil, err
	}
	for _, text := range d.Enter {
		if _, err := conn.Write(Frame(text)); err != nil {
			return nil, err
		}
		if err := Await(in, []byte(d.Entered)); err != nil {
			return nil, err
		}
	}
	return in, nil
}

// Greet is Join for a connection whose buffered input is not needed.
func (d Dialect) Greet(conn net.Conn) error {
	_, err := d.Join(conn)
	return err
}

// Speak returns a function that sends one message to the room and waits for the answer.
func (d Dialect) Speak(conn net.Conn, in *bufio.Reader) func() error {
	request, wanted := Frame(d.Say), []byte(d.Answered)
	return func() error {
		if _, err := conn.Write(request); err != nil {
			return err
		}
		return Await(in, wanted)
	}
}

// SocketIO is the dialect of Socket.IO over WebSocket, without long-polling first.
var SocketIO = Dialect{
	Path:     "/socket.io/?EIO=4&transport=websocket",
	Enter:    []string{"40"},
	Entered:  `42["welcome"`,
	Say:      `421["say",{"message":"` + Said + `"}]`,
	Answered: `431[{"context":"response"`,
	Request:  `421["action",{"action":"randomNumber","limit":10,"offset":5,"key":"` + ID + `"}]`,
}
