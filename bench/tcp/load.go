package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"
)

const connections = 100

const request = `{"action":"randomNumber","params":{"limit":10,"offset":5}}` + "\r\n"

var wanted = []byte(`{"context":"response","randomNumber":`)

// client is one connection of the load, open for the whole run.
type client struct {
	conn net.Conn
	in   *bufio.Reader
}

// newLoad opens the connections.
func newLoad(addr string) ([]client, error) {
	var clients []client
	for range connections {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			return nil, err
		}
		clients = append(clients, client{conn, bufio.NewReaderSize(conn, 32<<10)})
	}
	return clients, nil
}

// load returns a load: for a duration, each connection sends depth requests at a time and reads their answers.
func load(clients []client, depth int) func(time.Duration) (int, error) {
	return func(d time.Duration) (int, error) {
		stop := time.Now().Add(d)
		counts, errs := make([]int, len(clients)), make([]error, len(clients))
		var wg sync.WaitGroup
		for i, c := range clients {
			wg.Go(func() { counts[i], errs[i] = c.load(depth, stop) })
		}
		wg.Wait()
		total := 0
		for i := range clients {
			total += counts[i]
		}
		return total, errors.Join(errs...)
	}
}

func (c client) load(depth int, stop time.Time) (n int, err error) {
	batch := bytes.Repeat([]byte(request), depth)
	_ = c.conn.SetDeadline(stop.Add(10 * time.Second))
	for time.Now().Before(stop) {
		if _, err := c.conn.Write(batch); err != nil {
			return n, err
		}
		for range depth {
			if err := skipAnswer(c.in); err != nil {
				return n, err
			}
			n++
		}
	}
	return n, nil
}

// skipAnswer reads up to the next answer. It skips the welcome and the notices of members that enter and leave.
func skipAnswer(in *bufio.Reader) error {
	for range 1000 {
		text, err := in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if bytes.HasPrefix(text, wanted) {
			return nil
		}
		if bytes.Contains(text, []byte(`"context":"response"`)) && !bytes.Contains(text, []byte(`"randomNumber"`)) {
			return fmt.Errorf("the answer is %q", text)
		}
	}
	return fmt.Errorf("there was no answer among 1000 messages")
}

// said is a text of 110 bytes, so that a message has about 200.
var said = strings.Repeat("hello, ", 15) + "world"

// say returns a function that sends one message to the speaker's room and waits for the answer.
func say(speaker net.Conn) func() error {
	in := bufio.NewReader(speaker)
	return func() error {
		if _, err := fmt.Fprintf(speaker, "say %s\r\n", said); err != nil {
			return err
		}
		for {
			text, err := in.ReadString('\n')
			if err != nil || strings.Contains(text, `"status":"OK"`) {
				return err
			}
		}
	}
}

// welcome reads the first message to a client.
func welcome(conn net.Conn) error {
	_, err := conn.Read(make([]byte, 512))
	return err
}
