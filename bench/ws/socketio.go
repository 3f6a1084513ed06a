package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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

// installNode installs the peer with npm if it is not installed.
func installNode(ctx context.Context) error {
	if _, err := os.Stat(nodeFolder + "/node_modules"); err == nil {
		return nil
	}
	npm := exec.CommandContext(ctx, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	npm.Dir = nodeFolder
	if out, err := npm.CombinedOutput(); err != nil {
		return fmt.Errorf("socket.io cannot be installed in %s, which needs Node.js 20 with npm: %w\n%s", nodeFolder, err, out)
	}
	return nil
}

func (b *bench) startNode(addr string) (*proc.Server, error) {
	if err := installNode(b.ctx); err != nil {
		return nil, err
	}
	script, err := filepath.Abs(nodeFolder + "/server.js")
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

var idleOverSocketIO = idleClients{"connections of Socket.IO over WebSocket", rooms.SocketIO.Greet, `42["roomChange",{"room":"%s"}]`, rooms.Frame("3")}
