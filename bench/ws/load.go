package main

import (
	"bufio"
	"bytes"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero/bench/internal/rooms"
)

const connections = 100

// client is one connection of the load, open for the whole run.
type client struct {
	conn net.Conn
	in   *bufio.Reader
}

// newLoad opens the connections.
func newLoad(addr string, d rooms.Dialect) ([]client, error) {
	var clients []client
	for range connections {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			return nil, err
		}
		in, err := d.Join(conn)
		if err != nil {
			return nil, err
		}
		clients = append(clients, client{conn, in})
	}
	return clients, nil
}

// load returns a load: for a duration, each connection sends depth requests at a time and reads their answers.
func load(clients []client, d rooms.Dialect, depth int) func(time.Duration) (int, error) {
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
func (c client) load(d rooms.Dialect, depth int, stop time.Time) (n int, err error) {
	batch, wanted := bytes.Repeat(rooms.Frame(d.Request), depth), []byte(d.Answered)
	_ = c.conn.SetDeadline(stop.Add(10 * time.Second))
	for time.Now().Before(stop) {
		if _, err := c.conn.Write(batch); err != nil {
			return n, err
		}
		for range depth {
			if err := rooms.Await(c.in, wanted); err != nil {
				return n, err
			}
			n++
		}
	}
	return n, nil
}

var dialects = map[string]rooms.Dialect{
	"actionhero": rooms.PlainWebSocket, "gws echo": rooms.PlainWebSocket, "bare loop": rooms.PlainWebSocket, ownSocketIO: rooms.SocketIO, nodeSocketIO: rooms.SocketIO,
	"centrifuge": rooms.Centrifuge,
}
