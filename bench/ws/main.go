// Command ws measures this server over plain WebSocket and Socket.IO, and prints Markdown tables:
//   - actions on 100 connections, compared with an echo server on lxzan/gws, which does none of the work of an action, and
//     over Socket.IO with socket.io on Node.js
//   - a message to a room of many members, compared with a bare loop of writes, centrifuge and socket.io
//   - the memory of idle connections
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero/bench/internal/fan"
	"github.com/actionhero-go/actionhero/bench/internal/proc"
	"github.com/actionhero-go/actionhero/bench/internal/rooms"
	"github.com/actionhero-go/actionhero/bench/internal/slices"
)

func main() {
	serve := flag.String("serve", "", "run this server (internal)")
	addr := flag.String("addr", "", "address for -serve")
	passes := flag.Int("passes", 12, "slices for each server")
	slice := flag.Duration("slice", time.Second, "length of a slice")
	depths := flag.String("depths", "1,16", "requests in flight on each connection, a table for each number; empty leaves the tables out")
	members := flag.Int("fan", 5000, "members of the room; 0 leaves the table out")
	idle := flag.Int("idle", 10000, "idle connections; 0 leaves the measurement out")
	idleSocketIO := flag.Int("idlesocketio", 10000, "idle connections of Socket.IO; 0 leaves the measurement out")
	settle := flag.Duration("settle", 10*time.Second, "time for which idle connections rest before they are measured")
	base := flag.String("base", "", "another checkout of this repository: compare only this server with the one of that checkout")
	flag.Parse()
	if *serve != "" {
		fmt.Fprintln(os.Stderr, peers[*serve](*addr))
		os.Exit(1)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *passes, *slice, *depths, *members, *idle, *idleSocketIO, *settle, *base); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, passes int, slice time.Duration, depths string, members, idle, idleSocketIO int, settle time.Duration, base string) error {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := bench{ctx: ctx, ours: filepath.Join(dir, "actionhero"), passes: passes, slice: slice}
	if err := proc.Build(ctx, "..", "./cmd/actionhero", b.ours); err != nil {
		return err
	}
	if base != "" {
		b.base = b.ours + proc.BaseSuffix
		if err := proc.Build(ctx, base, "./cmd/actionhero", b.base); err != nil {
			return err
		}
	}
	if err := exec.Command("taskset", "-a", "-p", "-c", "1", fmt.Sprint(os.Getpid())).Run(); err != nil {
		return fmt.Errorf("the load cannot be pinned to a processor: %w", err)
	}
	for text := range strings.SplitSeq(depths, ",") {
		if depth, err := strconv.Atoi(text); text != "" && err != nil {
			return fmt.Errorf("-depths: %w", err)
		} else if depth > 0 {
			if err := b.requests(depth); err != nil {
				return err
			}
			if err := b.acknowledged(depth); err != nil {
				return err
			}
		}
	}
	if members > 0 {
		// In two tables, because one would need more connections than a process may have files.
		for _, names := range [][]string{b.withBase("actionhero", "bare loop", "actionhero", "centrifuge"), b.withBase(ownSocketIO, "bare loop", ownSocketIO, nodeSocketIO)} {
			if err := b.fan(members, names); err != nil {
				return err
			}
		}
	}
	if idle > 0 {
		if err := b.idle(b.withBase("actionhero", "gws echo", "actionhero"), idle, settle, "", rooms.Pong); err != nil {
			return err
		}
	}
	if idleSocketIO > 0 {
		if err := b.idle(b.withBase(ownSocketIO, nodeSocketIO, ownSocketIO), idleSocketIO, settle, " of Socket.IO over WebSocket", rooms.Frame("3")); err != nil {
			return err
		}
	}
	fmt.Printf("%s, %s, %d slices of %v each, %d connections, %s\n", runtime.Version(), runtime.GOARCH, passes, slice, connections, time.Now().Format(time.DateOnly))
	return nil
}

// withBase returns the servers of a table: names, or with the flag -base only ours, after the one of the other checkout.
func (b *bench) withBase(ours string, names ...string) []string {
	if b.base != "" {
		return []string{ours + proc.BaseSuffix, ours}
	}
	return names
}

type bench struct {
	ctx    context.Context
	ours   string
	base   string // the server of the other checkout, "" without the flag -base
	passes int
	slice  time.Duration
}

func (b *bench) start(name string) (*proc.Server, error) {
	addr, err := proc.FreeAddr()
	if err != nil {
		return nil, err
	}
	ours := b.ours
	switch strings.TrimSuffix(name, proc.BaseSuffix) {
	case nodeSocketIO:
		return b.startNode(addr)
	case "actionhero", ownSocketIO:
	default:
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		return proc.Start(b.ctx, name, addr, nil, self, "-serve", name, "-addr", addr)
	}
	_, port, _ := strings.Cut(addr, ":")
	env := []string{
		"ACTIONHERO_HTTP_SERVER_BIND_IP=127.0.0.1", "ACTIONHERO_HTTP_SERVER_PORT=" + port, "ACTIONHERO_TCP_SERVER_ENABLE=false",
		"ACTIONHERO_LOG_LOGGING=false", "ACTIONHERO_LOG_LOG_REQUESTS=false",
	}
	if strings.HasPrefix(name, ownSocketIO) {
		env = append(env, "ACTIONHERO_WEB_SOCKETS_PING_INTERVAL=1h")
	}
	if strings.HasSuffix(name, proc.BaseSuffix) {
		ours = b.base
	}
	return proc.Start(b.ctx, name, addr, env, ours, "start")
}

func (b *bench) requests(depth int) error {
	var targets []slices.Target
	for _, name := range b.withBase("actionhero", "gws echo", "actionhero") {
		s, err := b.start(name)
		if err != nil {
			return err
		}
		defer func() { _ = s.Stop() }()
		clients, err := newLoad(s.Addr, rooms.PlainWebSocket)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		targets = append(targets, slices.Target{Server: s, Load: load(clients, rooms.PlainWebSocket, depth)})
	}
	results, err := slices.Run(targets, b.passes, b.slice)
	if err != nil {
		return err
	}
	fmt.Printf("Requests, %d at a time:\n\n%s\n", depth, slices.Table(results))
	return nil
}

func (b *bench) fan(members int, names []string) error {
	var targets []slices.Target
	var fans []*fan.Fan
	for _, name := range names {
		s, err := b.start(name)
		if err != nil {
			return err
		}
		defer func() { _ = s.Stop() }()
		conns, err := fan.Dial(s.Addr, members, dialects[strings.TrimSuffix(name, proc.BaseSuffix)].Greet)
		defer fan.CloseAll(conns)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		speaker, err := net.Dial("tcp", s.Addr)
		if err != nil {
			return err
		}
		in, err := dialects[strings.TrimSuffix(name, proc.BaseSuffix)].Join(speaker)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		f, err := fan.New(s, conns, dialects[strings.TrimSuffix(name, proc.BaseSuffix)].Speak(speaker, in))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		targets = append(targets, f.Target())
		fans = append(fans, f)
	}
	results, err := slices.Run(targets, b.passes, b.slice)
	if err != nil {
		return err
	}
	fmt.Printf("A message to %d members, one at a time:\n\n%s\n", members, fan.Table(fans, results))
	return nil
}

// idle measures the memory of idle connections, which are in the default room of our server. pong answers a ping.
func (b *bench) idle(names []string, n int, settle time.Duration, kind string, pong []byte) error {
	fmt.Printf("%d idle connections%s after %v, each in the default room:\n\n| server | KiB resident for each |\n|---|---|\n", n, kind, settle)
	for _, name := range names {
		s, err := b.start(name)
		if err != nil {
			return err
		}
		kib, err := fan.IdleKiB(s, n, dialects[strings.TrimSuffix(name, proc.BaseSuffix)].Greet, settle, pong)
		if err = errors.Join(err, s.Stop()); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fmt.Printf("| %s | %.2f |\n", name, kib)
	}
	fmt.Println()
	return nil
}
