package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/actionhero-go/actionhero/bench/internal/fan"
	"github.com/actionhero-go/actionhero/bench/internal/proc"
	"github.com/actionhero-go/actionhero/bench/internal/rooms"
	stats "github.com/actionhero-go/actionhero/bench/internal/slices"
)

// The contenders of the table rooms.
const (
	oursRooms    = "actionhero, WebSocket"
	centrifuge   = "centrifuge with Redis"
	oursSocketIO = "actionhero, Socket.IO"
	nodeSocketIO = "socket.io with its Redis adapter"
)

var (
	roomNames = []string{centrifuge, oursRooms, nodeSocketIO, oursSocketIO}
	dialects  = map[string]rooms.Dialect{oursRooms: rooms.PlainWebSocket, centrifuge: rooms.Centrifuge, oursSocketIO: rooms.SocketIO, nodeSocketIO: rooms.SocketIO}
)

// speaking measures a room with half of its members on each of two nodes. All servers share processor 0.
func (b *bench) speaking(ctx context.Context) error {
	program := filepath.Join(b.dir, "actionhero")
	if err := proc.Build(ctx, "..", "./cmd/actionhero", program); err != nil {
		return err
	}
	if err := b.redis.clear(ctx); err != nil {
		return err
	}
	var targets []stats.Target
	var fans []*fan.Fan
	for _, name := range b.names(roomNames) {
		f, servers, err := b.room(ctx, name, program)
		for _, s := range servers {
			defer func() { _ = s.Stop() }()
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		target := f.Target()
		target.Others = append(servers[1:], b.redis.Server)
		targets, fans = append(targets, target), append(fans, f)
	}
	results, err := stats.Run(targets, b.passes, b.slice)
	if err != nil {
		return err
	}
	fmt.Printf("A message to %d members on two nodes, one at a time, with the processor time of both nodes and Redis:\n\n%s\n", b.members, fan.Table(fans, results))
	return nil
}

// room starts two nodes, and opens the connections of the members and of a speaker, who is at the first node.
func (b *bench) room(ctx context.Context, name, program string) (*fan.Fan, []*proc.Server, error) {
	var servers []*proc.Server
	var conns []*net.TCPConn
	for range 2 {
		s, err := b.startRoomNode(ctx, name, program)
		if err != nil {
			return nil, servers, err
		}
		servers = append(servers, s)
		more, err := fan.Dial(s.Addr, b.members/2, dialects[name].Greet)
		conns = append(conns, more...)
		if err != nil {
			return nil, servers, err
		}
	}
	speaker, err := net.Dial("tcp", servers[0].Addr)
	if err != nil {
		return nil, servers, err
	}
	in, err := dialects[name].Join(speaker)
	if err != nil {
		return nil, servers, err
	}
	f, err := fan.New(servers[0], conns, dialects[name].Speak(speaker, in))
	return f, servers, err
}

func (b *bench) startRoomNode(ctx context.Context, name, program string) (*proc.Server, error) {
	addr, err := proc.FreeAddr()
	if err != nil {
		return nil, err
	}
	_, port, _ := strings.Cut(addr, ":")
	switch name {
	case centrifuge:
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		return proc.Start(ctx, name, addr, nil, self, "-be", name, "-addr", addr, "-redis", b.redis.Addr)
	case nodeSocketIO:
		script, err := proc.NodeScript(ctx, nodeFolder, "rooms.js")
		if err != nil {
			return nil, err
		}
		return proc.Start(ctx, name, addr, nil, "node", script, port, b.redis.Addr)
	}
	prefix := "rooms"
	if name == oursSocketIO {
		prefix = "roomsOfSocketIO"
	}
	return proc.Start(ctx, name, addr, []string{
		"ACTIONHERO_HTTP_SERVER_BIND_IP=127.0.0.1", "ACTIONHERO_HTTP_SERVER_PORT=" + port, "ACTIONHERO_TCP_SERVER_ENABLE=false",
		"ACTIONHERO_LOG_LOGGING=false", "ACTIONHERO_LOG_LOG_REQUESTS=false", "ACTIONHERO_WEB_SOCKETS_PING_INTERVAL=1h",
		"REDIS_URL=redis://" + b.redis.Addr, "ACTIONHERO_REDIS_PREFIX=" + prefix,
	}, program, "start")
}
