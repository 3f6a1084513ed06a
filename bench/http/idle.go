package main

import (
	"context"
	"fmt"
	"net"

	"github.com/actionhero-go/actionhero/bench/internal/fan"
	"github.com/actionhero-go/actionhero/bench/internal/proc"
	"github.com/actionhero-go/actionhero/bench/internal/rooms"
	"github.com/actionhero-go/actionhero/bench/internal/slices"
)

// idleConns describes a server with idle connections.
type idleConns struct {
	server, kind string
	n            int
	greet        func(net.Conn) error
}

// idle measures a GET of a server with many idle connections, compared with the same server without.
func idle(ctx context.Context, l *scale) error {
	web := idleConns{"actionhero", "WebSocket", 10000, rooms.PlainWebSocket.Greet}
	kinds := []idleConns{{"net/http", "HTTP", 10000, greetHTTP}, web, {"actionhero", "Socket.IO", 8000, rooms.SocketIO.Greet}}
	if l.base {
		other := web
		other.server += proc.BaseSuffix
		kinds = []idleConns{other, web}
	}
	for _, kind := range kinds {
		if err := l.idle(ctx, kind); err != nil {
			return err
		}
	}
	return nil
}

func (l *scale) idle(ctx context.Context, kind idleConns) error {
	var targets []slices.Target
	for _, n := range []int{0, kind.n} {
		s, err := startServerWith(ctx, kind.server, l.ours, l.dir, []string{"ACTIONHERO_WEB_SOCKETS_PING_INTERVAL=1h", "ACTIONHERO_WEB_SOCKETS_PING_TIMEOUT=1h"})
		if err != nil {
			return err
		}
		defer func() { _ = s.Stop() }()
		s.Name = fmt.Sprintf("%s, %d idle connections", kind.server, n)
		conns, err := fan.Dial(s.Addr, n, kind.greet)
		defer fan.CloseAll(conns)
		if err != nil {
			return err
		}
		targets = append(targets, slices.Target{Server: s, Load: load(s.Addr)})
	}
	return l.table(kind.server+" with idle connections over "+kind.kind, targets)
}

// greetHTTP sends one request, and leaves the connection open.
func greetHTTP(conn net.Conn) error {
	_, err := loadConn(conn, "GET "+path+"?limit=10&offset=5 HTTP/1.1\r\nHost: localhost\r\n\r\n", func(n int) bool { return n == 0 })
	return err
}
