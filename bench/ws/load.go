package main

import (
	"bufio"
	"bytes"
	"errors"
	"net"
	"strings"
	"sync"
	"time"
)

const connections = 100

// id is the id of each request. Its length makes the request and the answer 200 bytes long.
var id = strings.Repeat("0123456789", 11)

// client is one connection of the load, open for the whole run.
type client struct {
	conn net.Conn
	in   *bufio.Reader
}

// newLoad opens the connections.
func newLoad(addr string, d dialect) ([]client, error) {
	var clients []client
	for range connections {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			return nil, err
		}
		in, err := d.join(conn)
		if err != nil {
			return nil, err
		}
		clients = append(clients, client{conn, in})
	}
	return clients, nil
}

// load returns a load: for a duration, each connection sends depth requests at a time and reads their answers.
func load(clients []client, d dialect, depth int) func(time.Duration) (int, error) {
	return func(slice time.Duration) (int, error) {
		stop := time.Now().Add(slice)
		counts, errs := make([]int, len(clients)), make([]error, len(clients))
		var wg sync.WaitGroup
		for i, c := range clients {
			wg.Go(func() { counts[i], errs[i] = c.load(d, depth, stop) })
		}
		wg.Wait()
		total := 0
		for i := range clients {
			total += counts[i]
		}
		return total, errors.Join(errs...)
	}
}

// load counts answers. It skips the welcome and the notices of members that enter and leave.
func (c client) load(d dialect, depth int, stop time.Time) (n int, err error) {
	batch, wanted := bytes.Repeat(frame(d.request), depth), []byte(d.answered)
	_ = c.conn.SetDeadline(stop.Add(10 * time.Second))
	for time.Now().Before(stop) {
		if _, err := c.conn.Write(batch); err != nil {
			return n, err
		}
		for range depth {
			if err := await(c.in, wanted); err != nil {
				return n, err
			}
			n++
		}
	}
	return n, nil
}

// said is a text of 110 bytes, so that a message has about 200.
var said = strings.Repeat("hello, ", 15) + "world"

// dialect holds the messages with which the clients of a server connect, enter the room, speak and send requests.
type dialect struct {
	path     string
	enter    []string // the messages that enter the room
	entered  string   // occurs in the answer to each of them; empty: any answer
	say      string
	request  string
	answered string // occurs in the answer to say and request
}

// plainWebSocket is the dialect of this server over plain WebSocket: the answer has the id of the request.
var plainWebSocket = dialect{
	path: "/ws", say: `{"event":"say","id":"` + id + `","message":"` + said + `"}`,
	request: `{"event":"action","id":"` + id + `","params":{"action":"randomNumber","limit":10,"offset":5}}`, answered: id,
}

var dialects = map[string]dialect{
	"actionhero": plainWebSocket, "bare loop": plainWebSocket, ownSocketIO: socketIO, nodeSocketIO: socketIO,
	"centrifuge": {
		path:     "/ws",
		enter:    []string{`{"id":1,"connect":{}}`, `{"id":2,"subscribe":{"channel":"room"}}`},
		say:      `{"id":3,"publish":{"channel":"room","data":"` + said + `"}}`,
		answered: `"publish":{}`,
	},
}

// join opens the WebSocket of a connection and enters the room.
func (d dialect) join(conn net.Conn) (*bufio.Reader, error) {
	in, err := open(conn, d.path)
	if err != nil {
		return nil, err
	}
	for _, text := range d.enter {
		if _, err := conn.Write(frame(text)); err != nil {
			return nil, err
		}
		if err := await(in, []byte(d.entered)); err != nil {
			return nil, err
		}
	}
	return in, nil
}

// greet is join for a connection whose buffered input is not needed.
func (d dialect) greet(conn net.Conn) error {
	_, err := d.join(conn)
	return err
}

// speak returns a function that sends one message to the room and waits for the answer.
func (d dialect) speak(conn net.Conn, in *bufio.Reader) func() error {
	request, wanted := frame(d.say), []byte(d.answered)
	return func() error {
		if _, err := conn.Write(request); err != nil {
			return err
		}
		return await(in, wanted)
	}
}
