package main

import (
	"bytes"
	"net"
	"net/http"
	"sync"

	"github.com/lxzan/gws"

	"github.com/actionhero-go/actionhero/bench/internal/rooms"
)

var peers = map[string]func(addr string) error{
	"gws echo":   serveGWS,
	"bare loop":  func(addr string) error { return new(loop).listen(addr) },
	"centrifuge": func(addr string) error { return rooms.ServeCentrifuge(addr, "") },
}

// serveGWS is an echo server on lxzan/gws, written like the example of its documentation: the read loop runs outside of the
// handler of net/http.
func serveGWS(addr string) error {
	upgrader := gws.NewUpgrader(echo{}, nil)
	return http.ListenAndServe(addr, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if conn, err := upgrader.Upgrade(w, r); err == nil {
			go conn.ReadLoop()
		}
	}))
}

// echo sends each message back: it does none of the work of a server.
type echo struct{ gws.BuiltinEventHandler }

func (echo) OnMessage(c *gws.Conn, m *gws.Message) {
	defer m.Close()
	_ = c.WriteMessage(m.Opcode, m.Bytes())
}

var message = `{"message":"` + rooms.Said + `","from":"01a209bd-1fcd-70f3-bb9a-2f53f4b47f26","context":"user"}`

var saidAnswer = `{"context":"response","status":"OK","id":"` + rooms.ID + `"}`

// loop writes a prebuilt frame to all other clients in turn for each message of a client: the minimal cost of a broadcast.
type loop struct {
	mu    sync.Mutex
	conns []net.Conn
}

func (l *loop) listen(addr string) error {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	for {
		conn, err := ln.Accept()
		if err != nil {
			return err
		}
		go l.serve(conn)
	}
}

func (l *loop) serve(conn net.Conn) {
	const answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\n\r\n"
	buf := make([]byte, 1024)
	n, err := conn.Read(buf)
	if err != nil || !bytes.HasSuffix(buf[:n], []byte("\r\n\r\n")) {
		return
	}
	_, _ = conn.Write([]byte(answer))
	l.mu.Lock()
	l.conns = append(l.conns, conn)
	l.mu.Unlock()
	frame, said := rooms.ServerFrame(message), rooms.ServerFrame(saidAnswer)
	for {
		if _, err := conn.Read(buf); err != nil {
			return
		}
		l.mu.Lock()
		for _, c := range l.conns {
			if c != conn {
				_, _ = c.Write(frame) // clients that have left are not measured
			}
		}
		l.mu.Unlock()
		_, _ = conn.Write(said)
	}
}
