package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero/bench/internal/fan"
	"github.com/actionhero-go/actionhero/bench/internal/proc"
	"github.com/actionhero-go/actionhero/bench/internal/slices"
)

// The servers of Socket.IO. Both have their pings off, or some of the load would be answers to them.
const (
	ownSocketIO  = "actionhero, Socket.IO"
	nodeSocketIO = "socket.io on Node.js"
)

const nodeFolder = "ws/node"

// installNode gets the peer from npm, unless it is there already.
func installNode(ctx context.Context) error {
	if _, err := os.Stat(nodeFolder + "/node_modules"); err == nil {
		return nil
	}
	npm := exec.CommandContext(ctx, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	npm.Dir = nodeFolder
	if out, err := npm.CombinedOutput(); err != nil {
		return fmt.Errorf("socket.io is not installed in %s, which takes Node.js 20 with npm: %w\n%s", nodeFolder, err, out)
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

// socketIO is how clients of Socket.IO speak, over WebSocket from the start.
var socketIO = dialect{
	path:     "/socket.io/?EIO=4&transport=websocket",
	enter:    []string{"40"},
	entered:  `42["welcome"`,
	say:      `421["say",{"message":"` + said + `"}]`,
	answered: `431[{"context":"response"`,
	request:  `421["action",{"action":"randomNumber","limit":10,"offset":5,"key":"` + id + `"}]`,
}

// acknowledged measures an action with its acknowledgement.
func (b *bench) acknowledged(depth int) error {
	var targets []slices.Target
	for _, name := range []string{nodeSocketIO, ownSocketIO} {
		s, err := b.start(name)
		if err != nil {
			return err
		}
		defer func() { _ = s.Stop() }()
		clients, err := newLoad(s.Addr, socketIO)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		targets = append(targets, slices.Target{Server: s, Load: load(clients, socketIO, depth)})
	}
	results, err := slices.Run(targets, b.passes, b.slice)
	if err != nil {
		return err
	}
	fmt.Printf("Requests over Socket.IO, acknowledged, %d at a time:\n\n%s\n", depth, slices.Table(results))
	return nil
}

// idleSocketIO measures what a connection that does nothing but answer pings takes.
func (b *bench) idleSocketIO(n int, settle time.Duration) error {
	s, err := b.start("actionhero")
	if err != nil {
		return err
	}
	defer func() { _ = s.Stop() }()
	before, err := s.RSS()
	if err != nil {
		return err
	}
	conns, err := fan.Dial(s.Addr, n, socketIO.greet)
	defer fan.CloseAll(conns)
	if err != nil {
		return err
	}
	for i, c := range conns {
		if _, err := c.Write(frame(fmt.Sprintf(`42["roomChange",{"room":"room%d"}]`, i/20))); err != nil {
			return err
		}
	}
	l, err := fan.Listen(conns)
	if err != nil {
		return err
	}
	if err := l.Read(0, func() {}); err != nil {
		return err
	}
	if err := l.Answer(settle, frame("3")); err != nil {
		return err
	}
	after, err := s.RSS()
	if err != nil {
		return err
	}
	fmt.Printf("%d idle connections of Socket.IO over WebSocket, each in a room of 20: %.1f KiB resident for each\n\n", n, float64(after-before)/float64(n)/1024)
	return nil
}
