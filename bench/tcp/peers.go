package main

import (
	"bufio"
	"encoding/json"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
)

// line is a request to the naive server, and answer the answer of both servers.
type line struct {
	Action string `json:"action"`
	Params struct {
		Limit  int `json:"limit"`
		Offset int `json:"offset"`
	} `json:"params"`
}

type answer struct {
	Context      string  `json:"context"`
	RandomNumber float64 `json:"randomNumber"`
	Error        bool    `json:"error"`
	MessageCount int     `json:"messageCount"`
}

var peers = map[string]func(addr string) error{
	"naive":         func(addr string) error { return listen(addr, naive(false)) },
	"naive, gather": func(addr string) error { return listen(addr, naive(true)) },
	"bare loop":     func(addr string) error { return listen(addr, new(loop).serve) },
}

func listen(addr string, serve func(net.Conn)) error {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	for {
		conn, err := ln.Accept()
		if err != nil {
			return err
		}
		go serve(conn)
	}
}

// naive is a first version of a server: bufio and encoding/json. It writes each answer at once or, with gather, when no more
// input is buffered.
func naive(gather bool) func(net.Conn) {
	return func(conn net.Conn) {
		defer conn.Close()
		in, out := bufio.NewReader(conn), bufio.NewWriter(conn)
		for n := 1; ; n++ {
			text, err := in.ReadSlice('\n')
			if err != nil {
				return
			}
			var request line
			if err := json.Unmarshal(text, &request); err != nil {
				return
			}
			body, err := json.Marshal(answer{"response", rand.Float64(), false, n})
			if err != nil {
				return
			}
			if _, err := out.Write(append(body, "\r\n"...)); err != nil {
				return
			}
			if gather && in.Buffered() > 0 {
				continue
			}
			if out.Flush() != nil {
				return
			}
		}
	}
}

// loop writes each message of a client to all other clients in turn: the minimal cost of a broadcast.
type loop struct {
	mu    sync.Mutex
	conns []net.Conn
}

func (l *loop) serve(conn net.Conn) {
	l.mu.Lock()
	l.conns = append(l.conns, conn)
	l.mu.Unlock()
	in := bufio.NewReader(conn)
	for {
		text, err := in.ReadString('\n')
		if err != nil {
			return
		}
		said, ok := strings.CutPrefix(strings.TrimSpace(text), "say ")
		if !ok {
			continue
		}
		line := []byte(`{"message":"` + said + `","from":"01a209bd-1fcd-70f3-bb9a-2f53f4b47f26","context":"user","messageCount":1}` + "\r\n")
		l.mu.Lock()
		for _, c := range l.conns {
			if c != conn {
				_, _ = c.Write(line) // clients that have left are not measured
			}
		}
		l.mu.Unlock()
		_, _ = conn.Write([]byte(`{"context":"response","status":"OK","messageCount":1}` + "\r\n"))
	}
}
