// Command tcp measures this server over TCP and prints Markdown tables: requests on 100 connections, one at a time and 16 at a
// time, compared with a naive server; a message to a room of many members, compared with a bare loop of writes; and the
// memory of idle connections.
package main

import (
	"context"
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
	settle := flag.Duration("settle", 10*time.Second, "time for which idle connections rest before they are measured")
	base := flag.String("base", "", "another checkout of this repository: compare only this server with the one of that checkout")
	flag.Parse()
	if *serve != "" {
		fmt.Fprintln(os.Stderr, peers[*serve](*addr))
		os.Exit(1)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *passes, *slice, *depths, *members, *idle, *settle, *base); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, passes int, slice time.Duration, depths string, members, idle int, settle time.Duration, base string) error {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := bench{ctx: ctx, dir: dir, ours: filepath.Join(dir, "actionhero"), passes: passes, slice: slice}
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
		}
	}
	if members > 0 {
		if err := b.fan(members); err != nil {
			return err
		}
	}
	if idle > 0 {
		if err := b.idle(idle, settle); err != nil {
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
	ctx       context.Context
	dir, ours string
	base      string // the server of the other checkout, "" without the flag -base
	passes    int
	slice     time.Duration
}

func (b *bench) start(name string) (*proc.Server, error) {
	addr, err := proc.FreeAddr()
	if err != nil {
		return nil, err
	}
	ours := b.ours
	switch name {
	case "actionhero":
	case "actionhero" + proc.BaseSuffix:
		ours = b.base
	default:
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		return proc.Start(b.ctx, name, addr, nil, self, "-serve", name, "-addr", addr)
	}
	_, port, _ := strings.Cut(addr, ":")
	return proc.Start(b.ctx, name, addr, []string{
		"ACTIONHERO_TCP_SERVER_BIND_IP=127.0.0.1", "ACTIONHERO_TCP_SERVER_PORT=" + port, "ACTIONHERO_HTTP_SERVER_ENABLE=false",
		"ACTIONHERO_LOG_LOGGING=false", "ACTIONHERO_LOG_LOG_REQUESTS=false",
	}, ours, "start")
}

func (b *bench) requests(depth int) error {
	var targets []slices.Target
	for _, name := range b.withBase("actionhero", "naive", "actionhero", "naive, gather") {
		s, err := b.start(name)
		if err != nil {
			return err
		}
		defer func() { _ = s.Stop() }()
		clients, err := newLoad(s.Addr)
		if err != nil {
			return err
		}
		targets = append(targets, slices.Target{Server: s, Load: load(clients, depth)})
	}
	results, err := slices.Run(targets, b.passes, b.slice)
	if err != nil {
		return err
	}
	fmt.Printf("Requests, %d at a time:\n\n%s\n", depth, slices.Table(results))
	return nil
}

func (b *bench) fan(members int) error {
	var targets []slices.Target
	var fans []*fan.Fan
	for _, name := range b.withBase("actionhero", "bare loop", "actionhero") {
		s, err := b.start(name)
		if err != nil {
			return err
		}
		defer func() { _ = s.Stop() }()
		conns, err := fan.Dial(s.Addr, members, func(net.Conn) error { return nil })
		if err != nil {
			return err
		}
		defer fan.CloseAll(conns)
		speaker, err := net.Dial("tcp", s.Addr)
		if err != nil {
			return err
		}
		f, err := fan.New(s, conns, say(speaker))
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

// idle measures the memory of idle connections, which are in the default room of our server.
func (b *bench) idle(n int, settle time.Duration) error {
	fmt.Printf("%d idle connections after %v, each in the default room:\n\n| server | KiB resident for each |\n|---|---|\n", n, settle)
	for _, name := range b.withBase("actionhero", "naive", "actionhero") {
		size, err := b.idleSize(name, n, settle)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fmt.Printf("| %s | %.2f |\n", name, size)
	}
	fmt.Println()
	return nil
}

func (b *bench) idleSize(name string, n int, settle time.Duration) (kib float64, err error) {
	s, err := b.start(name)
	if err != nil {
		return 0, err
	}
	defer func() { _ = s.Stop() }()
	greet := welcome
	if name == "naive" {
		greet = func(net.Conn) error { return nil }
	}
	return fan.IdleKiB(s, n, greet, settle, nil)
}
