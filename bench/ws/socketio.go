package main

import (
	"fmt"
	"strings"

	"github.com/actionhero-go/actionhero/bench/internal/proc"
	"github.com/actionhero-go/actionhero/bench/internal/rooms"
	"github.com/actionhero-go/actionhero/bench/internal/slices"
)

// The servers of Socket.IO. Both send no pings during a measurement, because the answers would be a part of the load.
const (
	ownSocketIO  = "actionhero, Socket.IO"
	nodeSocketIO = "socket.io on Node.js"
)

const nodeFolder = "ws/node"

func (b *bench) startNode(addr string) (*proc.Server, error) {
	script, err := proc.NodeScript(b.ctx, nodeFolder, "server.js")
	if err != nil {
		return nil, err
	}
	_, port, _ := strings.Cut(addr, ":")
	return proc.Start(b.ctx, nodeSocketIO, addr, nil, "node", script, port)
}

// acknowledged measures actions that are answered by an acknowledgement.
func (b *bench) acknowledged(depth int) error {
	var targets []slices.Target
	for _, name := range b.withBase(ownSocketIO, nodeSocketIO, ownSocketIO) {
		s, err := b.start(name)
		if err != nil {
			return err
		}
		defer func() { _ = s.Stop() }()
		clients, err := newLoad(s.Addr, rooms.SocketIO)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		targets = append(targets, slices.Target{Server: s, Load: load(clients, rooms.SocketIO, depth)})
	}
	results, err := slices.Run(targets, b.passes, b.slice)
	if err != nil {
		return err
	}
	fmt.Printf("Requests over Socket.IO, acknowledged, %d at a time:\n\n%s\n", depth, slices.Table(results))
	return nil
}
